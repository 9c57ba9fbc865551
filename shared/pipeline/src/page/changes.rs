//! What an update asks to change, in the words in which the page shows settings. Stored with the operation: what was asked for is told
//! as it was then.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::settings_in_words::{Setting, in_words};
use crate::instance::InstanceSettings;
use crate::status::words::list;

/// The most bytes of names that are listed.
const MOST_NAMES: usize = 400;

/// A parameter and what it is changed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The parameter.
    pub parameter: String,
    /// What it is changed to.
    pub says: String,
}

impl Change {
    fn new(parameter: &str, says: impl Into<String>) -> Self {
        Self {
            parameter: parameter.to_owned(),
            says: says.into(),
        }
    }
}

/// What an instance is asked to be.
#[derive(Debug, Clone, Copy)]
pub struct Requested<'r> {
    /// Catalog id of the plan.
    pub plan: &'r str,
    /// Its domains.
    pub domains: &'r [String],
    /// Its settings.
    pub settings: &'r InstanceSettings,
}

/// What differs, of all that a user can choose. `looks_again`: the distribution is checked even if nothing does.
pub fn changes(before: Requested<'_>, after: Requested<'_>, looks_again: bool) -> Vec<Change> {
    let mut all = Vec::new();
    if before.plan != after.plan {
        all.push(Change::new("plan", "Another plan"));
    }
    all.extend(of_domains(before.domains, after.domains));
    all.extend(of_settings(before.settings, after.settings));
    if looks_again {
        all.push(Change::new("timestamp", "Everything is checked once more"));
    }
    all
}

fn of_domains(before: &[String], after: &[String]) -> Option<Change> {
    let (before, after): (BTreeSet<&str>, BTreeSet<&str>) = (names(before), names(after));
    let only_in = |one: &BTreeSet<&str>, other: &BTreeSet<&str>, what: &str| {
        let names: Vec<&str> = one.difference(other).copied().collect();
        (!names.is_empty()).then(|| format!("{what}: {}", list(&names, MOST_NAMES)))
    };
    let added = only_in(&after, &before, "Added");
    let removed = only_in(&before, &after, "Removed");
    let parts: Vec<String> = added.into_iter().chain(removed).collect();
    (!parts.is_empty()).then(|| Change::new("domains", parts.join(". ")))
}

fn names(domains: &[String]) -> BTreeSet<&str> {
    domains.iter().map(String::as_str).collect()
}

fn of_settings(before: &InstanceSettings, after: &InstanceSettings) -> Vec<Change> {
    let (before, after) = (in_words(before), in_words(after));
    let changed = after.iter().filter(|setting| !before.contains(setting));
    let mut all: Vec<Change> = changed
        .map(|setting| Change::new(setting.parameter, setting.says.as_str()))
        .collect();
    let is_gone = |setting: &&Setting| !after.iter().any(|now| now.parameter == setting.parameter);
    // What a cache policy takes the place of, or the other way round, follows from the policy.
    let follows = |setting: &&Setting| FOLLOW_FROM_A_POLICY.contains(&setting.parameter);
    let gone = before.iter().filter(is_gone).filter(|setting| !follows(setting));
    all.extend(gone.map(|setting| Change::new(setting.parameter, "Not set any more")));
    all
}

/// Said in one case only: with a cache policy or without.
const FOLLOW_FROM_A_POLICY: [&str; 4] = [
    "forward_headers",
    "forward_cookies",
    "default_ttl",
    "origin_request_policy",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managed;

    fn said(before: (&[&str], &InstanceSettings), after: (&[&str], &InstanceSettings)) -> Vec<String> {
        let owned = |domains: &[&str]| domains.iter().map(|&domain| domain.to_owned()).collect::<Vec<_>>();
        let (there, asked) = (owned(before.0), owned(after.0));
        let before = Requested {
            plan: "p",
            domains: &there,
            settings: before.1,
        };
        let after = Requested {
            plan: "p",
            domains: &asked,
            settings: after.1,
        };
        let all = changes(before, after, false).into_iter();
        all.map(|change| format!("{}: {}", change.parameter, change.says))
            .collect()
    }

    fn settings() -> InstanceSettings {
        InstanceSettings {
            origin: "app.example.org".to_owned(),
            failover_origin: Some("spare.example.org".to_owned()),
            ..InstanceSettings::default()
        }
    }

    #[test]
    fn only_what_differs_is_said() {
        let there = settings();
        let asked = InstanceSettings {
            path: "/shop".to_owned(),
            failover_origin: None,
            http3: true,
            certificate_authorities: vec!["a-secret-ca".to_owned()],
            ..settings()
        };
        let (before, after) = (["a.example", "b.example"], ["c.example", "b.example"]);
        assert_eq!(
            said((&before, &there), (&after, &asked)),
            [
                "domains: Added: c.example. Removed: a.example",
                "origin: CloudFront fetches from https://app.example.org/shop",
                "http3: HTTP/3 is offered in addition to HTTP/2",
                "failover_origin: Not set any more",
            ]
        );
        let same = ["b.example", "a.example"];
        assert!(
            said((&before, &there), (&same, &there)).is_empty(),
            "the order is nothing"
        );
    }

    #[test]
    fn a_policy_is_said_without_what_follows_from_it() {
        let with = InstanceSettings {
            cache_policy: Some(managed::CACHING_DISABLED),
            ..settings()
        };
        let names = ["a.example"];
        assert_eq!(
            said((&names, &settings()), (&names, &with)),
            [
                "cache_policy: CloudFront's Managed-CachingDisabled",
                "origin_request_policy: Nothing is passed to the origin beside the cache key",
            ]
        );
        let back = said((&names, &with), (&names, &settings()));
        assert_eq!(back.last().map(String::as_str), Some("cache_policy: Not set any more"));
        assert!(
            !back.iter().any(|line| line.starts_with("origin_request_policy")),
            "{back:?}"
        );
    }

    #[test]
    fn another_plan_and_another_look_are_changes() {
        let (names, settings) = (["a.example".to_owned()], settings());
        let of = |plan| Requested {
            plan,
            domains: &names,
            settings: &settings,
        };
        let parameters: Vec<String> = changes(of("p"), of("q"), true)
            .into_iter()
            .map(|change| change.parameter)
            .collect();
        assert_eq!(parameters, ["plan", "timestamp"]);
        assert!(changes(of("p"), of("p"), false).is_empty());
    }
}
