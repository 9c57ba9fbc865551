//! The result of a command, as its exit code.

use std::process::ExitCode;

/// The result of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    AllWell,
    /// 1: a check failed.
    NotWell,
    /// 2: the check could not run. clap uses the same code for invalid arguments.
    CouldNotLook,
}

impl From<Exit> for ExitCode {
    fn from(ended: Exit) -> Self {
        Self::from(match ended {
            Exit::AllWell => 0,
            Exit::NotWell => 1,
            Exit::CouldNotLook => 2,
        })
    }
}
