//! The broker as its platforms use it, while last_operation is asked for all the time.

mod cf;
mod polling;
mod run;
mod schemathesis;
mod story;

use std::path::PathBuf;

pub use run::run;

/// A file of this crate.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}
