//! The results, for people and as JSON: the same facts.

use pipeline::outside::Facts;
use serde::Serialize;

use super::row;
use super::verdict::Verdict;
use crate::table;

/// The results for an instance.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) instance: String,
    pub(super) distribution: String,
    pub(super) ok: bool,
    pub(super) domains: Vec<Domain>,
}

/// The results for a domain.
#[derive(Debug, Serialize)]
pub(super) struct Domain {
    #[serde(flatten)]
    pub(super) facts: Facts,
    pub(super) verdict: Verdict,
}

impl Report {
    pub(super) fn new(instance: &str, distribution: &str, domains: Vec<Domain>) -> Self {
        Self {
            instance: instance.to_owned(),
            distribution: distribution.to_owned(),
            ok: domains.iter().all(|domain| domain.verdict.ok),
            domains,
        }
    }

    /// The table, and a sentence about each domain.
    pub(super) fn text(&self) -> String {
        let rows: Vec<_> = self.domains.iter().map(|domain| row::cells(&domain.facts)).collect();
        let sentences = self.domains.iter().map(|Domain { facts, verdict }| {
            let state = if verdict.ok { "ok  " } else { "FAIL" };
            let seen_as = match facts.domain == facts.name {
                true => String::new(),
                false => format!(" (as {})", facts.name),
            };
            format!("{state}  {}{seen_as}  {}", facts.domain, verdict.text)
        });
        let mut lines = table::lines(row::HEADING, &rows);
        lines.push(String::new());
        lines.extend(sentences);
        lines.join("\n")
    }
}
