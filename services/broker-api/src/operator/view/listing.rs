//! Lists of instances: those behind a number, and those that a search found.

use askama::Template;
use pipeline::shown::lasting;
use pipeline::status::moment;
use store::operator::{InstanceLine, Listed, Listing};

use super::{Head, NONE, clean, clean_or_none, moment_or_none, names};
use crate::operator::address;
use crate::operator::lists::Titled;
use crate::operator::search::Found;

#[derive(Template)]
#[template(path = "operator/listing.html")]
struct Document<'v> {
    head: Head<'v>,
    caption: String,
    rows: Vec<Row>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "operator/search.html")]
struct SearchDocument<'v> {
    head: Head<'v>,
    found: Vec<Group>,
}

/// What was found in one way.
struct Group {
    anchor: String,
    title: &'static str,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    href: String,
    id: String,
    is_removed: bool,
    domains: String,
    note: Option<String>,
    tenant: String,
    kind: String,
    state: String,
    when: String,
    waits: String,
    ends: String,
}

/// A list.
pub(in crate::operator) fn listing(who: &str, titled: &Titled<'_>, listing: Listing) -> Result<String, askama::Error> {
    Document {
        head: Head::new(clean(&titled.title), who),
        caption: clean(&titled.title),
        next: listing.next.as_ref().map(|place| titled.next(place)),
        rows: listing.rows.into_iter().map(row).collect(),
    }
    .render()
}

/// What a search found.
pub(in crate::operator) fn search(who: &str, sought: &str, found: Vec<Found>) -> Result<String, askama::Error> {
    let group = |(number, found): (usize, Found)| Group {
        anchor: format!("found-{number}"),
        title: found.by.title(),
        rows: found.listing.rows.into_iter().map(row).collect(),
        next: found.next,
    };
    SearchDocument {
        head: Head {
            sought,
            ..Head::new("CDN broker: search", who)
        },
        found: found.into_iter().enumerate().map(group).collect(),
    }
    .render()
}

fn row(listed: Listed) -> Row {
    let Listed { line, note } = listed;
    Row {
        href: address::instance(&line.id),
        id: clean(&line.id),
        is_removed: line.deleted_at.is_some(),
        domains: names(&line.domains),
        note: note.as_deref().map(clean),
        tenant: clean(&line.tenant),
        when: when(&line),
        waits: waits(&line),
        kind: line.kind,
        state: line.state,
        ends: moment_or_none(line.certificate_not_after),
    }
}

/// Since when it runs, or when it ended.
fn when(line: &InstanceLine) -> String {
    match line.operation_ended_at {
        None => format!("for {}", lasting(line.read_at - line.operation_created_at)),
        Some(at) => format!("ended at {}", moment(at)),
    }
}

/// One of the steps that it waits for, and why; or why it failed.
fn waits(line: &InstanceLine) -> String {
    let Some(step) = &line.waiting_step else {
        return match line.state.as_str() {
            "failed" => clean_or_none(line.cause.as_deref().or(line.failure.as_deref())),
            _ => NONE.to_owned(),
        };
    };
    let subject = line.waiting_subject.as_deref().unwrap_or_default();
    let what = format!("{step} {subject}");
    let what = match line.waiting {
        0 | 1 => what.trim_end().to_owned(),
        many => format!("{} and {} more", what.trim_end(), many - 1),
    };
    match &line.waiting_for {
        None => clean(&what),
        Some(reason) => clean(&format!("{what}: {reason}")),
    }
}
