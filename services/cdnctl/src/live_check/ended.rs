//! Why a check ended early.

use aws::{Failure, Reason};

use crate::CommandError;

/// Why no further step runs.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The user interrupted it.
    #[error("you stopped it")]
    Interrupted,
    /// AWS refused a prerequisite of all other steps, or did not respond.
    #[error("{}", told(.0))]
    Aws(Failure),
    /// The CA refused, or did not respond.
    #[error("the CA")]
    Ca(#[from] instant_acme::Error),
    /// No key or CSR could be created.
    #[error("no certificate request could be made")]
    Request(#[from] rcgen::Error),
    /// DNS can't be queried.
    #[error("DNS can't be queried: name a server with --resolver")]
    Resolver(#[from] hickory_resolver::net::NetError),
    /// It took longer than `--patience`.
    #[error("{0} did not come in time (--patience)")]
    Waited(String),
    /// The account's state makes it pointless to continue.
    #[error("{0}")]
    Unfit(String),
    /// The folder can't be written to.
    #[error(transparent)]
    Here(#[from] CommandError),
}

// Not `#[from]`, which would make it the source, whose text contains the account number.
impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Aws(failure)
    }
}

/// Without the account number, so that it can be recorded.
fn told(failure: &Failure) -> String {
    match &failure.reason {
        Reason::Refused { status, code, .. } => {
            let Failure { peer, action, .. } = failure;
            format!("{peer} {action}: {code} ({status}) {}", failure.words())
        }
        _ => failure.to_string(),
    }
}
