//! The settings of checks from outside.

use std::path::{Path, PathBuf};

/// How checks from outside are done; for the rest those of probes hold.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Checks from outside")]
pub(crate) struct OutsideArgs {
    /// PEM file of the CAs whose certificates are good in a check from outside, in place of the system's: where the CA is one that
    /// browsers don't trust, such as Let's Encrypt's staging. Read at each check.
    #[arg(long, env, value_name = "PEM")]
    outside_ca_roots: Option<PathBuf>,
}

impl OutsideArgs {
    /// Set to nothing is not set.
    pub(crate) fn roots(&self) -> Option<&Path> {
        let roots = self.outside_ca_roots.as_deref();
        roots.filter(|path| !path.as_os_str().is_empty())
    }
}
