//! What a page shows, as `shown.js` reads it.

use anyhow::Context as _;
use serde::Deserialize;

/// What a page shows. Texts are as they can be read: what is folded is not in them.
#[derive(Clone, Debug, Deserialize)]
pub struct Shown {
    /// The HTTP status that it came with.
    pub status: u16,
    /// Its title.
    pub title: String,
    /// All of it.
    pub text: String,
    /// Who has to act, in a few words; empty where there is no such thing.
    pub now: String,
    /// The same of the renewal.
    pub renewal: String,
    /// The stages that are at work.
    pub current: Vec<String>,
    /// The domains.
    pub rows: Vec<Row>,
    /// The section about the certificate.
    pub certificate: String,
    /// The section about the distribution.
    pub distribution: String,
    /// What was done before.
    pub history: String,
}

/// A domain.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    /// Its name.
    pub domain: String,
    /// With which others it is listed: `needs-you`, `in-progress` or `verified`.
    pub group: String,
    /// Where it stands, in two words.
    pub standing: String,
    /// All that is said of it.
    pub text: String,
    /// What may be set for it, or what proves it; also what is folded.
    pub records: Vec<Record>,
}

/// A record or a redirect.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// `TXT`, `CNAME` or `redirect`.
    pub kind: String,
    /// Its name; of a redirect, the address that is redirected.
    pub name: String,
    /// Its value; of a redirect, where it leads.
    pub value: String,
}

impl Shown {
    /// A domain.
    ///
    /// # Errors
    /// When it isn't there.
    pub fn row(&self, domain: &str) -> anyhow::Result<&Row> {
        let row = self.rows.iter().find(|row| row.domain == domain);
        row.with_context(|| format!("no {domain} in\n{}", self.text))
    }

    /// Whether every domain, of which there is one at least, is as wanted.
    pub fn all(&self, is_wanted: impl Fn(&Row) -> bool) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(is_wanted)
    }
}

impl Row {
    /// Whether its tenant has to act, and what was seen is known.
    pub fn needs_its_tenant(&self) -> bool {
        // What was seen begins with its time.
        self.group == "needs-you" && !self.records.is_empty() && self.text.contains(" UTC: ")
    }

    /// What may be set at a name.
    ///
    /// # Errors
    /// When nothing is.
    pub fn record(&self, kind: &str, name: &str) -> anyhow::Result<&Record> {
        let mut records = self.records.iter();
        let record = records.find(|record| record.kind == kind && record.name == name);
        record.with_context(|| format!("no {kind} {name} in {:?}", self.records))
    }
}
