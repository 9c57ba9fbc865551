//! What distribution and cert-installer both do in AWS under the eyes of the database: writes that only the current task may
//! make, and the search for what has no owner any more.

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
