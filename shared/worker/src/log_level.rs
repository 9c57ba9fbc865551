//! The log level that `cdnctl log-level` has set for every service.

use std::time::Duration;

use store::Store;
use telemetry::{LogLevel, with_causes};
use time::OffsetDateTime;

/// Follows the setting forever. While the database is unavailable, the last setting stays in effect until its end.
pub async fn follow_log_level(store: Store, level: LogLevel, every: Duration) {
    let mut now: Option<store::LogLevel> = None;
    loop {
        let wanted = match store.log_level().await {
            Ok(wanted) => wanted,
            // An outage is logged elsewhere.
            Err(_) => now.clone().filter(|set| set.until > OffsetDateTime::now_utc()),
        };
        if directives(wanted.as_ref()) != directives(now.as_ref()) {
            apply(&level, wanted.as_ref());
        }
        now = wanted;
        tokio::time::sleep(every).await;
    }
}

fn directives(level: Option<&store::LogLevel>) -> Option<&str> {
    level.map(|level| level.directives.as_str())
}

fn apply(level: &LogLevel, wanted: Option<&store::LogLevel>) {
    match (level.set(directives(wanted)), wanted) {
        (Ok(()), Some(wanted)) => {
            tracing::warn!(log_level = wanted.directives, until = %wanted.until, "the log level changes for a while");
        }
        (Ok(()), None) => tracing::warn!("the log level is RUST_LOG's again"),
        (Err(error), _) => tracing::warn!(error = with_causes(&error), "the log level of cdnctl can't be read"),
    }
}
