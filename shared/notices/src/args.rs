//! The settings of notices.

use std::time::Duration;

use secret::Secret;

use crate::keys::{NoticeKeys, NoticeKeysError};

secret::setting!(
    pub NoticeKeysSetting,
    "notice-keys",
    "NOTICE_KEYS",
    optional,
    "Keys that seal the addresses of `notify` in PostgreSQL, and sign the links in mails: id:base64 of 32 random bytes, comma separated. The first seals and signs, all \
     open and verify; not those of SEALING_KEYS. Make one with `echo k1:$(head -c32 /dev/urandom | base64)`."
);

/// What seals addresses and signs links.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Notices")]
pub struct NoticeKeysArgs {
    /// The keys.
    #[command(flatten)]
    pub notice_keys: Secret<NoticeKeysSetting>,
}

impl NoticeKeysArgs {
    /// The keys; `None`: none are set.
    ///
    /// # Errors
    /// When they are malformed.
    pub fn keys(&self) -> Result<Option<NoticeKeys>, NoticeKeysError> {
        match self.notice_keys.expose() {
            "" => Ok(None),
            keys => NoticeKeys::parse(keys).map(Some),
        }
    }
}

/// When notices are born, and how they become letters.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Notices")]
pub struct PaceArgs {
    /// How long a notice waits for others of its organization, which go into the same letter; at most 1h.
    #[arg(long, env, default_value = "2m", value_parser = window)]
    pub notice_window: Duration,
    /// After so many letters of one organization in a day, its notices wait, and go into one letter later.
    #[arg(long, env, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub notices_per_tenant: u32,
    /// After so long it is told that a creation or an update waits for its user; at most 7d. It is told again a day before it ends.
    #[arg(long, env, default_value = "4h", value_parser = todo_after)]
    pub notify_todo_after: Duration,
}

fn window(text: &str) -> Result<Duration, String> {
    at_most(text, Duration::from_secs(3_600), "from 0s to 1h")
}

fn todo_after(text: &str) -> Result<Duration, String> {
    at_most(text, Duration::from_secs(7 * 86_400), "from 0s to 7d")
}

fn at_most(text: &str, most: Duration, range: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text).map_err(|error| error.to_string())? {
        duration if duration <= most => Ok(duration),
        _ => Err(range.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        keys: NoticeKeysArgs,
        #[command(flatten)]
        pace: PaceArgs,
    }

    #[test]
    fn without_a_setting_there_are_no_keys_and_the_defaults_hold() {
        let line = Line::try_parse_from(["test"]).unwrap();
        assert!(line.keys.keys().unwrap().is_none());
        assert_eq!(line.pace.notice_window, Duration::from_secs(120));
        assert_eq!(line.pace.notices_per_tenant, 100);
        assert_eq!(line.pace.notify_todo_after, Duration::from_secs(4 * 3_600));
    }

    #[test]
    fn wrong_values_are_refused() {
        for flag in [
            "--notice-window=2h",
            "--notice-window=soon",
            "--notices-per-tenant=0",
            "--notify-todo-after=8d",
        ] {
            assert!(Line::try_parse_from(["test", flag]).is_err(), "{flag}");
        }
        let refused = Line::try_parse_from(["test", "--notice-keys=k1:hunter2"])
            .unwrap_err()
            .to_string();
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}
