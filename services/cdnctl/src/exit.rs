//! How a command ended, as its exit code.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    AllWell,
    /// 1: what was looked at is not as it should be.
    NotWell,
    /// 2: it couldn't be looked at. clap says the same of arguments that it can't read.
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
