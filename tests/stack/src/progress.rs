//! What the supervisor tells people, on standard error.

use std::fmt::Arguments;
use std::io::Write as _;

/// Writes a line. Never fails: whoever read it may be gone, and the stack must still be stopped.
pub(crate) fn say(line: Arguments<'_>) {
    writeln!(std::io::stderr(), "stack: {line}").ok();
}
