//! A check as JSON, in `outside_checks.result`: the facts, with the version of their form in `v`. A form that this program doesn't know,
//! since a newer one wrote it, is read as none: nothing fails.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::facts::Facts;
use super::problem::Problem;

/// The version that is written.
const VERSION: u64 = 1;

/// A check of an instance's domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// When it was done.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// CloudFront's name of the distribution at that time, …
    pub distribution: String,
    /// … where CloudFront fetched from, …
    pub origin: String,
    /// … and the host that all others were redirected to.
    pub redirect_to: Option<String>,
    /// The path that was to answer with the request's headers.
    pub echo: Option<String>,
    /// The domains that were looked at.
    pub domains: Vec<CheckedDomain>,
    /// How many domains there were.
    pub of: usize,
    /// Where the next check begins, if not all were looked at.
    pub next: Option<String>,
}

/// What was seen at a domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckedDomain {
    /// What was seen.
    pub facts: Facts,
    /// What is wrong first. `None`: it is served as it should be.
    pub problem: Option<Problem>,
}

impl Checked {
    /// The value to store.
    ///
    /// # Errors
    /// No check fails to serialize.
    pub fn write(&self) -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        value["v"] = VERSION.into();
        Ok(value)
    }

    /// Reads a stored value. `None`: it is of a version that this program doesn't know.
    pub fn read(value: Value) -> Option<Self> {
        if value["v"].as_u64() != Some(VERSION) {
            return None;
        }
        serde_json::from_value(value).ok()
    }
}

/// For `#[serde(deserialize_with)]`: the check, if there is one of a known form.
///
/// # Errors
/// When the input is not valid JSON.
pub(crate) fn stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Checked>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer).map_err(D::Error::custom)?;
    Ok(value.and_then(Checked::read))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::outside::{Answer, Cache, Dns, Header, Http, Persist, Served, Tls};

    fn facts() -> Facts {
        Facts {
            domain: "www.example.com".into(),
            name: "www.example.com".into(),
            dns: Dns::SameAddresses {
                chain: vec!["apex.example".into()],
                addresses: vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
            },
            persist: Persist::Unused,
            tls: Tls::Verified { version: "1.3".into() },
            certificate: Some(Served {
                issuer: "R10".into(),
                serial: "0a:0b".into(),
                names: vec!["www.example.com".into()],
                covers: true,
                not_before: datetime!(2026-01-01 0:00 UTC),
                not_after: datetime!(2026-04-01 0:00 UTC),
                age_days: 10,
                days_left: 80,
                attached: true,
            }),
            http: Http::Answered(Answer {
                status: 301,
                location: Some("https://example.com/".into()),
                age: Some(7),
                ..Answer::default()
            }),
            cache: Cache::NotCacheable { why: "private".into() },
            host: Header::Mismatch {
                value: None,
                expected: "www.example.com".into(),
            },
            x_forwarded_for: Header::NoEcho { why: "HTTP 404".into() },
        }
    }

    fn checked(facts: Facts) -> Checked {
        Checked {
            at: datetime!(2026-11-24 12:04:40 UTC),
            distribution: "d1.cloudfront.net".into(),
            origin: "origin.example".into(),
            redirect_to: None,
            echo: Some("/headers".into()),
            domains: vec![CheckedDomain {
                facts,
                problem: Some(Problem::Headers),
            }],
            of: 1,
            next: None,
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let states = [
            Tls::NotPublic,
            Tls::WrongName,
            Tls::NoConnection { why: "refused".into() },
        ];
        for tls in states {
            let check = checked(Facts { tls, ..facts() });
            assert_eq!(Checked::read(check.write().unwrap()), Some(check));
        }
        let unknown = checked(Facts::unknown("*.example.com", "www"));
        assert_eq!(Checked::read(unknown.write().unwrap()), Some(unknown));
    }

    #[test]
    fn another_form_is_none_and_nothing_fails() {
        let mut newer = checked(facts()).write().unwrap();
        newer["v"] = 2.into();
        for value in [newer, json!(null), json!("text"), json!({}), json!({"v": 1})] {
            assert_eq!(Checked::read(value.clone()), None, "{value}");
        }
    }

    /// Peers choose the texts: none is longer than a page shows, and none controls anything or keeps PostgreSQL from storing it.
    #[test]
    fn what_is_stored_is_short_and_harmless() {
        let long = "a\0\u{202e}<".repeat(10_000);
        let names = vec![long.clone(); 1_000];
        let mut hostile = facts();
        hostile.dns = Dns::NoSuchName { chain: names.clone() };
        hostile.tls = Tls::NoHandshake { why: long.clone() };
        hostile.cache = Cache::Told { word: long.clone() };
        hostile.http = Http::Answered(Answer {
            status: 200,
            location: Some(long.clone()),
            x_cache: Some(long.clone()),
            via: Some(long.clone()),
            age: None,
            cache_control: Some(long.clone()),
        });
        hostile.host = Header::AsConfigured { value: long.clone() };
        hostile.x_forwarded_for = Header::Mismatch {
            value: Some(long.clone()),
            expected: long.clone(),
        };
        let certificate = hostile.certificate.as_mut().unwrap();
        (certificate.names, certificate.issuer, certificate.serial) = (names, long.clone(), long);
        let stored = checked(hostile.shortened()).write().unwrap().to_string();
        assert!(stored.len() < 50_000, "{}", stored.len());
        assert!(!stored.contains("\\u0000") && !stored.contains('\u{202e}'), "{stored}");
    }
}
