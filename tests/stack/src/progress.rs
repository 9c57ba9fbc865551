//! The supervisor's messages for people, on standard error.

use std::fmt::Arguments;
use std::io::Write as _;

/// Writes a line. Never fails: the reader may be gone, and the stack must still be stopped.
pub(crate) fn say(line: Arguments<'_>) {
    writeln!(std::io::stderr(), "stack: {line}").ok();
}
