//! What was done to the instance before, by whom, what was changed and seen, and how it ended.

use serde_json::Value;
use time::OffsetDateTime;

use super::Page;
use super::changes::Change;
use super::facts::{NewsFacts, OperationFacts};
use crate::operation::{OperationKind, OperationState};
use crate::shown::{harmless, lasting};
use crate::status::moment;
use crate::status::words::{capitalized, clock};
use crate::status::working::doing;

/// The most characters of a platform's name for its user.
const LONGEST_USER: usize = 100;

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// What was done.
    pub what: &'static str,
    /// What an update asked to change.
    pub changes: Vec<Change>,
    /// Who asked for it.
    pub who: String,
    /// When it began.
    pub when: String,
    /// How long it took.
    pub took: String,
    /// How it ended.
    pub outcome: &'static str,
    /// Its name in the style sheet.
    pub name: &'static str,
    /// Why it failed.
    pub why: Option<String>,
    /// What its attempts saw, as far as it was news, the newest first.
    pub attempts: Vec<Attempt>,
    /// There were more of them.
    pub had_more: bool,
}

/// What was seen in an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub at: String,
    /// The domain, or else what was being done.
    pub what: String,
    /// What.
    pub saw: String,
}

impl Page {
    /// The operations, the newest first.
    pub fn history(&self) -> Vec<HistoryRow> {
        let now = self.status.now;
        self.facts
            .operations
            .iter()
            .map(|operation| row(operation, now))
            .collect()
    }
}

fn row(operation: &OperationFacts, now: OffsetDateTime) -> HistoryRow {
    let took = lasting(operation.ended_at.unwrap_or(now) - operation.created_at);
    let (outcome, name) = match operation.state {
        OperationState::Running => ("in progress", "progress"),
        OperationState::Succeeded => ("succeeded", "done"),
        OperationState::Failed => ("failed", "failed"),
        OperationState::Superseded => ("given up", "given-up"),
    };
    let shown = operation.news.iter().take(OperationFacts::MOST_NEWS);
    HistoryRow {
        what: match operation.kind {
            OperationKind::Provision => "Creation",
            OperationKind::Update => "Update",
            OperationKind::Deprovision => "Deletion",
            OperationKind::Renew => "Renewal",
        },
        changes: operation.changes.clone(),
        who: who(operation),
        when: moment(operation.created_at),
        took: match operation.state {
            OperationState::Running => format!("{took} so far"),
            _ => took,
        },
        outcome,
        name,
        why: operation.failure.clone(),
        attempts: shown.filter_map(|news| attempt(news, operation.kind, now)).collect(),
        had_more: operation.news.len() > OperationFacts::MOST_NEWS,
    }
}

/// What says no more than the step does is left out.
fn attempt(news: &NewsFacts, operation: OperationKind, now: OffsetDateTime) -> Option<Attempt> {
    let reason = news.reason.as_ref().filter(|reason| !reason.is_usual())?;
    Some(Attempt {
        at: clock(news.at, now),
        what: match news.subject.as_str() {
            "" => capitalized(doing(news.kind, operation)),
            domain => domain.to_owned(),
        },
        saw: reason.to_string().trim_end_matches('.').to_owned(),
    })
}

/// As the platform named them: it alone knows whose id that is.
fn who(operation: &OperationFacts) -> String {
    if operation.kind == OperationKind::Renew {
        return "the broker, by itself".to_owned();
    }
    match operation.identity.as_ref().and_then(user) {
        Some(user) => format!("user {}", harmless(user, LONGEST_USER)),
        None => "not told by the platform".to_owned(),
    }
}

/// Cloud Foundry's `user_id`, Kubernetes' `username` (OSBAPI, "Originating Identity").
fn user(identity: &Value) -> Option<&str> {
    let value = &identity["value"];
    value["user_id"].as_str().or_else(|| value["username"].as_str())
}
