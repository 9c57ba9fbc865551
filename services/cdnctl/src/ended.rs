//! How a command ended, as its exit code.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// 0
    AllWell,
    /// 1: what was looked at is not as it should be.
    NotWell,
    /// 2: it couldn't be looked at. clap says the same of arguments that it can't read.
    CouldNotLook,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::AllWell => 0,
            Ended::NotWell => 1,
            Ended::CouldNotLook => 2,
        })
    }
}
