//! The stack's folder: created and removed with the stack.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::progress::say;

const PREFIX: &str = "cdn-broker-stack-";
const SUPERVISOR: &str = "supervisor.pid";

/// Creates the folder: the given one, or a new one in the system's temporary folder (with a short path, as sockets
/// require, and accessible to the user postgres).
pub(crate) fn create(wanted: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = match wanted {
        Some(folder) => {
            fs::create_dir_all(folder)?;
            ensure!(
                fs::read_dir(folder)?.next().is_none(),
                "{} isn't empty",
                folder.display()
            );
            folder.canonicalize()?
        }
        None => {
            sweep();
            tempfile::Builder::new().prefix(PREFIX).tempdir()?.keep()
        }
    };
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
    fs::create_dir(folder.join("logs"))?;
    fs::write(folder.join(SUPERVISOR), std::process::id().to_string())?;
    Ok(folder)
}

/// Removes the folder. Retries, since a process that has just been killed may still have been writing.
pub(crate) async fn remove(folder: &Path) -> anyhow::Result<()> {
    let mut attempts = 0;
    while let Err(error) = fs::remove_dir_all(folder) {
        if error.kind() == std::io::ErrorKind::NotFound {
            break;
        }
        attempts += 1;
        if attempts == 50 {
            return Err(error).with_context(|| format!("cannot remove {}", folder.display()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Removes the folders of supervisors that were killed.
fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let supervisor = fs::read_to_string(path.join(SUPERVISOR)).ok();
        if ours && supervisor.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            say(format_args!(
                "removing {}, left by a stack that was killed",
                path.display()
            ));
            fs::remove_dir_all(&path).ok();
        }
    }
}
