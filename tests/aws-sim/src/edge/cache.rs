//! A cache in memory, with CloudFront's rules for its lifetimes.
//!
//! Source: Developer Guide, "Manage how long content stays in the cache" and "How CloudFront caches HTTP 4xx and 5xx".

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::pages::Answer;

const MAX_ENTRIES: usize = 10_000;

#[derive(Debug)]
struct Entry {
    answer: Answer,
    stored: Instant,
    expires: Instant,
}

/// Responses by cache key.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<String, Entry>>);

impl Cache {
    /// A fresh response and its age.
    pub fn get(&self, key: &str) -> Option<(Answer, Duration)> {
        let now = Instant::now();
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(key).filter(|entry| entry.expires > now)?;
        Some((entry.answer.clone(), now.duration_since(entry.stored)))
    }

    /// Stores a response for that many seconds.
    pub fn put(&self, key: String, answer: Answer, seconds: u64) {
        let now = Instant::now();
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, entry| entry.expires > now);
        }
        if entries.len() < MAX_ENTRIES {
            entries.insert(
                key,
                Entry {
                    answer,
                    stored: now,
                    expires: now + Duration::from_secs(seconds),
                },
            );
        }
    }

    /// Removes everything.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// How many seconds a response may be cached, by its headers and the behaviour's minimum, default and maximum.
pub fn seconds(answer: &Answer, (least, usual, most): (u64, u64, u64)) -> u64 {
    let control = header(answer, "cache-control").to_ascii_lowercase();
    let directives = control.split(',').map(str::trim).collect::<Vec<_>>();
    let value = |name: &str| {
        directives.iter().find_map(|directive| {
            directive
                .strip_prefix(name)?
                .strip_prefix('=')?
                .trim_matches('"')
                .parse()
                .ok()
        })
    };
    if directives
        .iter()
        .any(|directive| matches!(*directive, "no-store" | "no-cache" | "private"))
    {
        return least;
    }
    let given = value("s-maxage")
        .or_else(|| value("max-age"))
        .or_else(|| expires(answer));
    given.map_or(usual, |seconds: u64| seconds.clamp(least, most.max(least)))
}

/// How many seconds an error may be cached: the configured minimum, or longer if the origin says so.
pub fn error_seconds(answer: &Answer, least: u64, most: u64) -> u64 {
    seconds(answer, (0, 0, most)).max(least)
}

fn expires(answer: &Answer) -> Option<u64> {
    let at = OffsetDateTime::parse(header(answer, "expires"), &Rfc2822).ok()?;
    Some(u64::try_from((at - OffsetDateTime::now_utc()).whole_seconds()).unwrap_or(0))
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(control: &str) -> Answer {
        http::Response::builder()
            .header("cache-control", control)
            .body(bytes::Bytes::new())
            .unwrap()
    }

    #[test]
    fn the_origin_is_heard_within_the_limits() {
        assert_eq!(seconds(&answer("max-age=60"), (0, 10, 100)), 60);
        assert_eq!(seconds(&answer("max-age=60, s-maxage=7"), (0, 10, 100)), 7);
        assert_eq!(seconds(&answer("max-age=600"), (0, 10, 100)), 100);
        assert_eq!(seconds(&answer("no-store"), (0, 10, 100)), 0);
        assert_eq!(seconds(&answer("no-store"), (5, 10, 100)), 5);
        assert_eq!(seconds(&answer("public"), (0, 10, 100)), 10);
    }
}
