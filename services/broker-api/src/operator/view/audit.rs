//! Entries of the audit log.

use askama::Template;
use pipeline::status::moment;
use store::AuditEntry;

use super::{Head, clean};
use crate::operator::address;

#[derive(Template)]
#[template(path = "operator/audit.html")]
struct Document<'v> {
    head: Head<'v>,
    entries: Vec<Entry>,
    next: Option<String>,
}

/// An entry.
pub(super) struct Entry {
    pub(super) at: String,
    pub(super) who: String,
    pub(super) via: String,
    pub(super) db_role: String,
    pub(super) action: String,
    pub(super) instance: Option<Link>,
    /// Its subject and details.
    pub(super) about: String,
}

/// An instance.
pub(super) struct Link {
    pub(super) href: String,
    pub(super) id: String,
}

impl From<&AuditEntry> for Entry {
    fn from(entry: &AuditEntry) -> Self {
        let instance = entry.instance.as_deref();
        let mut about: Vec<String> = entry.subject.iter().map(|subject| clean(subject)).collect();
        if entry.details.as_object().is_some_and(|details| !details.is_empty()) {
            about.push(clean(&entry.details.to_string()));
        }
        Self {
            at: moment(entry.at),
            who: clean(&entry.who),
            via: clean(&entry.via),
            db_role: clean(&entry.db_role),
            action: clean(&entry.action),
            instance: instance.map(|id| Link {
                href: address::instance(id),
                id: clean(id),
            }),
            about: about.join(" "),
        }
    }
}

/// The page; `next`: the entry before which the next one begins.
pub(in crate::operator) fn audit(
    who: &str,
    entries: &[AuditEntry],
    next: Option<i64>,
) -> Result<String, askama::Error> {
    let next = next.map(|id| address::with("/audit", &[("before", id.to_string().as_str())]));
    Document {
        head: Head::new("CDN broker: audit log", who),
        entries: entries.iter().map(Entry::from).collect(),
        next,
    }
    .render()
}
