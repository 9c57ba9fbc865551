//! The log level that `cdnctl log-level` has set for every service.

use std::time::Duration;

use store::Store;
use telemetry::{LogLevel, with_causes};

/// Follows it for ever. While the database can't be asked, what was set last goes on.
pub async fn follow_log_level(store: Store, level: LogLevel, every: Duration) {
    let mut now: Option<String> = None;
    loop {
        match store.log_level().await {
            Ok(wanted) => {
                let directives = wanted.as_ref().map(|wanted| wanted.directives.clone());
                if directives != now {
                    apply(&level, wanted.as_ref());
                    now = directives;
                }
            }
            // Others tell of an outage.
            Err(error) => tracing::debug!(error = with_causes(&error), "the log level is as it was"),
        }
        tokio::time::sleep(every).await;
    }
}

fn apply(level: &LogLevel, wanted: Option<&store::LogLevel>) {
    let directives = wanted.map(|wanted| wanted.directives.as_str());
    match (level.set(directives), wanted) {
        (Ok(()), Some(wanted)) => {
            tracing::warn!(log_level = wanted.directives, until = %wanted.until, "logging differently for a while");
        }
        (Ok(()), None) => tracing::warn!("logging by RUST_LOG again"),
        (Err(error), _) => tracing::warn!(error = with_causes(&error), "the log level of cdnctl can't be read"),
    }
}
