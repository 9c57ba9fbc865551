//! The folder of a check: `answers.jsonl` and `state.json`, both readable by their owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws::{Answered, Watcher};
use serde_json::json;
use time::OffsetDateTime;

use super::state::State;
use crate::CommandError;
use crate::shown;

/// The output folder of a check.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    answers: Arc<Mutex<File>>,
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

impl Folder {
    /// Creates it if it doesn't exist.
    pub(super) fn open(path: &Path) -> Result<Self, CommandError> {
        let open = || {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            private().append(true).open(path.join("answers.jsonl"))
        };
        Ok(Self {
            path: path.to_owned(),
            answers: Arc::new(Mutex::new(open().map_err(|source| unusable(path, source))?)),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A watcher that appends each response to the file.
    pub(super) fn watcher(&self) -> Watcher {
        let answers = Arc::clone(&self.answers);
        Arc::new(move |answered: Answered| {
            let mut line = line(&answered).to_string();
            line.push('\n');
            let mut file = answers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(line.as_bytes()) {
                eprintln!("an answer of AWS could not be written down: {error}");
            }
        })
    }

    /// The last saved state; `None` when there is none.
    pub(super) fn state(&self) -> Result<Option<State>, CommandError> {
        let path = self.path.join("state.json");
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| unusable(&path, error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&path, error)),
        }
    }

    /// Writes it atomically: after a crash the file has the previous or the new state, never half of it.
    pub(super) fn save(&self, state: &State) -> Result<(), CommandError> {
        let (path, new) = (self.path.join("state.json"), self.path.join("state.json.new"));
        let write = || {
            let mut file = private().write(true).truncate(true).open(&new)?;
            serde_json::to_writer_pretty(&mut file, state)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|source| unusable(&path, source))
    }
}

fn unusable(path: &Path, source: io::Error) -> CommandError {
    CommandError::Folder {
        path: path.display().to_string(),
        source,
    }
}

fn line(answered: &Answered) -> serde_json::Value {
    json!({
        "at": shown::moment(OffsetDateTime::now_utc()),
        "service": answered.service,
        "action": answered.action,
        "status": answered.status,
        "code": answered.code,
        "message": answered.message,
        "etag": answered.etag,
    })
}
