//! Asks for confirmation before an irreversible action.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::CommandError;

/// Succeeds when `yes` was given, or when the user at a terminal confirms.
///
/// # Errors
/// Without a confirmation.
pub(crate) fn confirm(what: &str, yes: bool) -> Result<(), CommandError> {
    if yes {
        return Ok(());
    }
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    if !stdin.is_terminal() {
        return Err(CommandError::Refused(format!(
            "{what}: there is no terminal to ask at, so add --yes"
        )));
    }
    let mut answer = String::new();
    let asked = write!(stderr, "{what}. Type yes to continue: ").and_then(|()| stderr.flush());
    if asked.is_ok() && stdin.lock().read_line(&mut answer).is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(CommandError::Refused("nothing was done".to_owned()))
}
