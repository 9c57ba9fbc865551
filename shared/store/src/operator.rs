//! What only the operator's tool reads and does: reads of whole tables, and the few changes that an on-call operator
//! may have to make. Nothing here blocks a worker: reads wait for no lock, and changes lock in the same order as every
//! record does.
//!
//! What is read comes from one statement as JSON, and is passed on unchanged.

mod accounts;
mod cancel;
mod configured;
mod distrust;
mod domains;
mod dossier;
mod failures;
mod found_orphans;
mod health;
mod in_use;
mod letters;
mod lists;
mod offers;
mod overview;
mod progress;
mod renew_now;
mod retry;
mod search;
mod waiting;

pub use accounts::AccountLine;
pub use cancel::Cancelled;
pub use configured::Configured;
pub use domains::DomainLine;
pub use dossier::{CertificateOf, ChallengeOf, Dossier, OperationOf, StepOf};
pub use failures::Failures;
pub use found_orphans::Orphan;
pub use health::{SealedBy, ToRevoke};
pub use in_use::CertificateInUse;
pub use letters::{LetterFilter, LetterLine, NoticeLine};
pub use lists::{Kind, List, Listed, Listing, Place};
pub use offers::{NewOffer, Offer};
pub use overview::{Choice, InstanceLine};
pub(crate) use progress::ASKS_USER;
pub use progress::{AtStep, Progress, WhoseMove};
pub use renew_now::RenewNow;
pub use retry::RetriedStep;
pub use search::Wanted;
pub use waiting::{StepPlace, WaitingSteps};
