//! The log filter, changeable while the process runs.

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// Applies unless directives say otherwise: errors are logged; but not lapin's, which logs one for each queue that it
/// looks up and doesn't find. Relevant errors are returned to the callers, who log them with their context.
const BASE: &str = "error,lapin=off";

fn filter(directives: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{BASE},{directives}"))
}

/// Changes this process's log filter.
#[derive(Clone)]
pub struct LogLevel {
    filter: reload::Handle<EnvFilter, Registry>,
    /// `RUST_LOG`.
    usual: String,
}

impl LogLevel {
    /// The filter, and the handle that changes it.
    pub(crate) fn new(usual: &str) -> Result<(reload::Layer<EnvFilter, Registry>, Self), ParseError> {
        let (layer, filter) = reload::Layer::new(filter(usual)?);
        let usual = usual.to_owned();
        Ok((layer, Self { filter, usual }))
    }

    /// Logs according to these directives from now on; `None`: according to `RUST_LOG`.
    ///
    /// # Errors
    /// When they are invalid; then nothing has changed.
    pub fn set(&self, directives: Option<&str>) -> Result<(), ParseError> {
        let filter = filter(directives.unwrap_or(&self.usual))?;
        // Fails only when the subscriber no longer exists, and logging with it.
        let _ = self.filter.reload(filter);
        Ok(())
    }
}

/// Validates directives that a person has typed. It refuses more than tracing does, which takes a misspelt level for
/// the name of a module, and then logs everything of that module and nothing of all others.
///
/// # Errors
/// What is wrong, and how to write it.
pub fn check_directives(directives: &str) -> Result<(), String> {
    const HOW: &str = "write a level (error, warn, info, debug, trace), then what differs, as info,distribution=debug";
    let wrong = |what: &str| format!("{what:?} is no level and no module=level: {HOW}");
    let is_level =
        |text: &str| text.parse::<tracing::Level>().is_ok() && !text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = directives.split(',');
    let first = parts.next().unwrap_or_default();
    if !is_level(first) {
        return Err(wrong(first));
    }
    if let Some(odd) = parts.find(|part| {
        !part
            .split_once('=')
            .is_some_and(|(of, level)| !of.is_empty() && is_level(level))
    }) {
        return Err(wrong(odd));
    }
    EnvFilter::try_new(directives)
        .map(drop)
        .map_err(|error| format!("{error}: {HOW}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lapin_is_heard_when_it_is_asked_for() {
        let usual = filter("info").unwrap().to_string();
        assert!(
            usual.contains("lapin=off") && usual.contains("info") && !usual.contains("error"),
            "{usual}"
        );
        assert!(filter("").unwrap().to_string().contains("error"));
        let asked = filter("info,lapin=debug").unwrap().to_string();
        assert!(asked.contains("lapin=debug") && !asked.contains("off"), "{asked}");
    }

    #[test]
    fn what_would_silence_everything_by_mistake_is_refused() {
        for good in [
            "info",
            "warn,distribution=debug",
            "DEBUG",
            "error,worker::delivery=trace,aws=info",
        ] {
            check_directives(good).unwrap();
        }
        for bad in [
            "",
            "degub",
            "distribution",
            "distribution=debug",
            "info,worker",
            "info,worker=loud",
            "info,=debug",
            "2",
            "info,",
            "info worker=debug",
        ] {
            let told = check_directives(bad).unwrap_err();
            assert!(told.contains("info,distribution=debug"), "{bad}: {told}");
        }
    }
}
