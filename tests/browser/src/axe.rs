//! axe (Deque): what on a page keeps people from reading or using it, as far as a program can tell.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::chromium::Chromium;

/// Where `tests/setup.sh` puts the PyPI package that has it.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.local/axe/lib");
const FILE: &str = "site-packages/axe_playwright_python/axe.min.js";

/// axe's code.
pub struct Axe(String);

/// What axe found.
#[derive(Deserialize)]
struct Found {
    /// How many of its rules hold.
    #[serde(default)]
    passes: usize,
    #[serde(default)]
    violations: Vec<String>,
    error: Option<String>,
}

impl Axe {
    /// The one that is installed.
    ///
    /// # Errors
    /// When none is.
    pub fn installed() -> anyhow::Result<Self> {
        // A folder of Python's own version.
        let folders = fs::read_dir(INSTALLED).with_context(|| format!("{INSTALLED}: run tests/setup.sh"))?;
        for folder in folders {
            let file = folder?.path().join(FILE);
            if file.is_file() {
                return Self::read(&file);
            }
        }
        bail!("no axe in {INSTALLED}; run tests/setup.sh")
    }

    fn read(file: &Path) -> anyhow::Result<Self> {
        let code = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Ok(Self(code))
    }

    /// The rules that the page violates, with the elements. axe comes into the page by DevTools, whatever the page's policy is.
    ///
    /// # Errors
    /// When axe fails.
    pub async fn violations(&self, chromium: &Chromium) -> anyhow::Result<Vec<String>> {
        let is_there: bool = chromium.value("return typeof axe === 'object'", Vec::new()).await?;
        if !is_there {
            chromium
                .value::<Value>(&self.0, Vec::new())
                .await
                .context("axe's code")?;
        }
        let found: Found = chromium.later_value(include_str!("axe.js")).await?;
        if let Some(error) = found.error {
            bail!("axe: {error}");
        }
        ensure!(
            found.passes > 0 || !found.violations.is_empty(),
            "axe looked at nothing"
        );
        Ok(found.violations)
    }
}
