//! The audit log: what operators changed, when, who and by which program. Whatever an operator can change is a method
//! of [`Acting`], which writes the entry in the transaction of the change: there is no change without its entry, and no
//! entry of a change that failed. Nothing deletes entries.

mod acting;
mod entries;
mod parked;

pub use acting::{Acting, Actor, Via};
pub(crate) use acting::{Action, Entry};
pub use entries::{AuditEntry, AuditFilter};
pub use parked::{Intent, OnParked, ParkedMessage};
