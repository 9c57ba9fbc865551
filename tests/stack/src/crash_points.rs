//! Tells processes of the services to die or freeze at a given point (shared/crash-points).

use std::path::PathBuf;

/// The folder where points are armed, the value of the services' `CRASH_POINTS`; removed on drop.
pub struct CrashPoints(tempfile::TempDir);

impl CrashPoints {
    /// Without armed points.
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

    /// The next process that reaches the point, whatever instance it works for, obeys the order.
    pub fn arm(&self, point: &str, order: &str) -> anyhow::Result<()> {
        let _ = std::fs::remove_file(self.path(&format!("{point}.hit")));
        // Renamed into place, so that no process reads a partial order.
        let draft = self.path(&format!("{point}.draft"));
        std::fs::write(&draft, order)?;
        std::fs::rename(draft, self.path(point))?;
        Ok(())
    }

    /// Disarms all points.
    pub fn disarm(&self) -> anyhow::Result<()> {
        for file in std::fs::read_dir(self.0.path())? {
            std::fs::remove_file(file?.path())?;
        }
        Ok(())
    }

    /// The process that reached the point.
    pub fn hit(&self, point: &str) -> Option<u32> {
        std::fs::read_to_string(self.path(&format!("{point}.hit")))
            .ok()?
            .trim()
            .parse()
            .ok()
    }
}
