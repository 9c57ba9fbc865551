//! Who may use the operator's page: one person.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

/// The person's name.
pub(crate) const NAME: &str = "operator@stack.test";

/// Where the stack's OPERATOR_CREDENTIALS_FILE is.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("operators.json")
}

/// Writes it.
pub(crate) fn write(folder: &Path, password: &str) -> anyhow::Result<()> {
    let operators = json!({"operators": [{"name": NAME, "password": password}]});
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file(folder))?;
    Ok(file.write_all(operators.to_string().as_bytes())?)
}
