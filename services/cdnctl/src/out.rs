//! Standard output. A reader that closes the pipe early (`| head`) doesn't abort the command.

use std::io::Write as _;

use serde::Serialize;

/// Prints lines.
pub(crate) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) {
    let mut out = std::io::stdout().lock();
    for line in lines {
        if writeln!(out, "{}", line.as_ref()).is_err() {
            return;
        }
    }
}

/// Prints a line.
pub(crate) fn line(line: impl AsRef<str>) {
    lines([line]);
}

/// Prints JSON, or else the lines.
///
/// # Errors
/// When the value can't be serialized.
pub(crate) fn either<S: AsRef<str>>(
    json: bool,
    value: &impl Serialize,
    text: impl FnOnce() -> Vec<S>,
) -> Result<(), serde_json::Error> {
    if json {
        line(serde_json::to_string_pretty(value)?);
    } else {
        lines(text());
    }
    Ok(())
}
