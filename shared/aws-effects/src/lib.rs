//! What distribution and cert-installer both do in AWS under the eyes of the database: writes that only the current task may make.

mod attach;
mod error;
mod fenced;
mod moving;
mod viewer;

pub use error::{EffectError, unbuilt};
pub use fenced::Fenced;
pub use moving::without;
pub use viewer::{reference, viewer};
