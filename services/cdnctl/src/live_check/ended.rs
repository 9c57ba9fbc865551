//! Why a check ended before its end.

use aws::{Failure, Reason};

use crate::CommandError;

/// Why no further step is taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// Somebody wanted it to.
    #[error("you stopped it")]
    Interrupted,
    /// AWS refused what everything else needs, or gave no answer.
    #[error("{}", told(.0))]
    Aws(Failure),
    /// The CA refused, or gave no answer.
    #[error("the CA")]
    Ca(#[from] instant_acme::Error),
    /// No key or request could be made.
    #[error("no certificate request could be made")]
    Request(#[from] rcgen::Error),
    /// DNS can't be asked.
    #[error("DNS can't be asked: name a server with --resolver")]
    Resolver(#[from] hickory_resolver::net::NetError),
    /// It took longer than `--patience`.
    #[error("{0} was waited for in vain (--patience)")]
    Waited(String),
    /// What was found makes no sense to go on with.
    #[error("{0}")]
    Unfit(String),
    /// The folder can't be written.
    #[error(transparent)]
    Here(#[from] CommandError),
}

// Not `#[from]`, which would make it the source, whose words have the account's number.
impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Aws(failure)
    }
}

/// Without the account's number, so that it can be written down.
fn told(failure: &Failure) -> String {
    match &failure.reason {
        Reason::Refused { status, code, .. } => {
            let Failure { peer, action, .. } = failure;
            format!("{peer} {action}: {code} ({status}) {}", failure.words())
        }
        _ => failure.to_string(),
    }
}
