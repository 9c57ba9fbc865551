//! The broker as its platforms use it, while last_operation is asked for all the time.

mod cf;
pub mod judges;
mod live_check;
mod moto;
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

/// A program that `tests/setup.sh` has installed, below `.local`.
fn installed(name: &str) -> anyhow::Result<PathBuf> {
    let program = file("../../.local").join(name);
    anyhow::ensure!(
        program.exists(),
        "{} is not there; run tests/setup.sh",
        program.display()
    );
    Ok(program)
}
