//! What only the operator's tool asks for and does: reads of everything at once, and the few changes that a person at
//! night may have to make. Nothing here is in the way of a worker: reads wait for no lock, and changes lock as every
//! record does.
//!
//! What is read comes from one statement as JSON, and is told on as it is.

mod accounts;
mod cancel;
mod configured;
mod distrust;
mod domains;
mod dossier;
mod found_orphans;
mod health;
mod in_use;
mod offers;
mod overview;
mod renew_now;
mod retry;
mod waiting;

pub use accounts::AccountLine;
pub use cancel::Cancelled;
pub use configured::Configured;
pub use domains::DomainLine;
pub use dossier::{CertificateOf, ChallengeOf, Dossier, OperationOf, StepOf};
pub use found_orphans::Orphan;
pub use health::{SealedBy, ToRevoke};
pub use in_use::CertificateInUse;
pub use offers::Offer;
pub use overview::{Choice, InstanceLine};
pub use renew_now::RenewNow;
pub use retry::RetriedStep;
pub use waiting::{StepPlace, WaitingSteps};
