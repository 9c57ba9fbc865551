//! What distribution and cert-installer both do in AWS with the database's help: writes that only the current task may
//! make, and the search for orphans.

mod attach;
mod error;
mod fenced;
mod moving;
mod orphans;
mod viewer;

pub use error::{EffectError, unbuilt};
pub use fenced::Fenced;
pub use moving::without;
pub use orphans::{Finding, Named, Removal, Search, remove_orphans};
pub use viewer::{reference, viewer};
