//! Where processes of the services are told to die or to freeze (shared/crash-points).

use std::path::PathBuf;

/// The folder where points are armed, as `CRASH_POINTS` of the services; gone with this.
pub struct CrashPoints(tempfile::TempDir);

impl CrashPoints {
    /// None is armed.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// The value of `CRASH_POINTS`.
    pub fn folder(&self) -> String {
        self.0.path().display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The next process that comes by, whatever instance it works for, does as it is told.
    pub fn arm(&self, point: &str, order: &str) -> anyhow::Result<()> {
        let _ = std::fs::remove_file(self.path(&format!("{point}.hit")));
        // Renamed into place: nobody reads half an order.
        let draft = self.path(&format!("{point}.draft"));
        std::fs::write(&draft, order)?;
        std::fs::rename(draft, self.path(point))?;
        Ok(())
    }

    /// Nobody is waited for any more.
    pub fn disarm(&self) -> anyhow::Result<()> {
        for file in std::fs::read_dir(self.0.path())? {
            std::fs::remove_file(file?.path())?;
        }
        Ok(())
    }

    /// The process that came by.
    pub fn hit(&self, point: &str) -> Option<u32> {
        std::fs::read_to_string(self.path(&format!("{point}.hit")))
            .ok()?
            .trim()
            .parse()
            .ok()
    }
}
