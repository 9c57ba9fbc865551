//! What a notice says: the same facts and the same words for the text and the HTML.

use notices::Facts;
use pipeline::shown::{few, harmless};
use pipeline::status::{self, Danger, moment};
use store::{Now, ToldNotice};

/// The subject of a mail that asks for a confirmation.
pub(super) const CONFIRMATION: &str = "Please confirm: news of a CDN service to this address";
/// The maximum length of a text of the platform's, in characters; a failure is as long as `cf service` shows it.
const MOST: usize = 1_000;
/// Where more is to be seen than a mail has.
const LOOK: &str = "How it is now, and every way to prove a domain: `cf service` shows it.";
/// The maximum number of services that are listed.
const MOST_SERVICES: usize = 20;

/// The maximum number of notices that are told one by one: a mail that is too long is refused, and then all are lost.
const MOST_ITEMS: usize = 100;

/// What is said of one notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// What it is about, in a few words.
    pub(super) title: String,
    /// What happened, and what to do, a sentence or two each.
    pub(super) lines: Vec<String>,
    /// Which service.
    pub(super) service: String,
    /// When.
    pub(super) at: String,
}

/// What is said of each, the newest if there are very many.
pub(super) fn items(told: &[ToldNotice]) -> Vec<Item> {
    told.iter().skip(older(told)).map(item).collect()
}

/// What is said of all the others.
pub(super) fn others(told: &[ToldNotice]) -> Option<String> {
    match older(told) {
        0 => None,
        older => Some(format!(
            "There were {older} news before these, which are not in this mail. Where each service stands, the platform says (cf service NAME)."
        )),
    }
}

/// The subject: what happened, if it is one thing.
pub(super) fn subject(told: &[ToldNotice], items: &[Item]) -> String {
    match items {
        [only] => only.title.clone(),
        _ => format!("{} news of your CDN services", told.len()),
    }
}

/// How many are not told one by one.
fn older(told: &[ToldNotice]) -> usize {
    told.len().saturating_sub(MOST_ITEMS)
}

/// Services by their ids.
pub(super) fn services(instances: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = instances
        .iter()
        .take(MOST_SERVICES)
        .map(|id| harmless(id, MOST))
        .collect();
    match instances.len().saturating_sub(MOST_SERVICES) {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown
}

fn item(told: &ToldNotice) -> Item {
    let (title, lines) = match &told.facts {
        Facts::Ended {
            operation,
            failure: None,
        } => done(operation, told),
        Facts::Ended {
            operation,
            failure: Some(failure),
        } => failed(operation, failure, told),
        Facts::Left { domain } => left(domain),
        Facts::Todo { .. } => todo(told),
        Facts::Trouble { .. } => trouble(told),
        Facts::Leaves { name } => endangered("Domain about to be lost", name, Danger::Leaves, told),
        Facts::Lapses { name } => endangered("Record gone", name, Danger::Lapses, told),
    };
    Item {
        title: harmless(&title, MOST),
        lines: lines.iter().map(|line| harmless(line, MOST)).collect(),
        service: harmless(&told.instance, MOST),
        at: moment(told.born_at),
    }
}

fn done(operation: &str, told: &ToldNotice) -> (String, Vec<String>) {
    let domains = domains(told);
    match operation {
        "deprovision" => (
            format!("Removed: {domains}"),
            vec!["The service is removed. Nothing serves its domains here any more: remove their DNS records that lead to it.".to_owned()],
        ),
        "renew" => (
            format!("New certificate: {domains}"),
            std::iter::once("The certificate was replaced by a new one. There is nothing to do.".to_owned())
                .chain(until(told))
                .collect(),
        ),
        "update" => (
            format!("Updated: {domains}"),
            std::iter::once("The update is done.".to_owned()).chain(until(told)).collect(),
        ),
        _ => {
            let leads = told.distribution_domain.as_ref().map(|name| {
                format!("Each domain has to lead to {name}: set a CNAME record, or an alias where a CNAME is not possible.")
            });
            (
                format!("Ready: {domains}"),
                std::iter::once("The service is ready.".to_owned())
                    .chain(leads)
                    .chain(until(told))
                    .collect(),
            )
        }
    }
}

fn failed(operation: &str, failure: &str, told: &ToldNotice) -> (String, Vec<String>) {
    let domains = domains(told);
    let (what, title) = match operation {
        "provision" => ("The service could not be created", "Not created"),
        "deprovision" => ("The service could not be removed", "Not removed"),
        "update" => ("The update failed", "Not updated"),
        _ => ("An operation failed", "Failed"),
    };
    (format!("{title}: {domains}"), vec![format!("{what}: {failure}")])
}

fn left(domain: &str) -> (String, Vec<String>) {
    (
        format!("Domain lost: {domain}"),
        vec![
            format!("{domain} belongs to another service now, which has proved it. It is no longer served by this one."),
            "If that is not what you want: set this service's own record again, and request the domain again by an update.".to_owned(),
        ],
    )
}

fn todo(told: &ToldNotice) -> (String, Vec<String>) {
    let title = format!("Waiting for you: {}", domains(told));
    let ends_at = told.now.as_deref().and_then(|now| now.ends_at);
    let ends = ends_at.map(|at| format!("If it is not done by {}, this ends by itself.", moment(at)));
    let lines = status_of(told).into_iter().chain(ends);
    (title, lines.chain(std::iter::once(LOOK.to_owned())).collect())
}

fn trouble(told: &ToldNotice) -> (String, Vec<String>) {
    let says = told.now.as_deref().map(|now| status::not_renewed(&now.view));
    let lines = says.into_iter().chain(status_of(told));
    (format!("Certificate not renewed: {}", domains(told)), lines.collect())
}

fn endangered(title: &str, name: &str, danger: Danger, told: &ToldNotice) -> (String, Vec<String>) {
    let now = told.now.as_deref();
    let lines = now.and_then(|now| status::endangered(&now.view, name, danger));
    (format!("{title}: {name}"), lines.unwrap_or_default())
}

/// The status of what waits, as the platform shows it.
fn status_of(told: &ToldNotice) -> Vec<String> {
    let view = told.now.as_deref().map(|Now { view, .. }| view);
    view.map(status::told).unwrap_or_default()
}

fn until(told: &ToldNotice) -> Option<String> {
    let until = moment(told.certificate_not_after?);
    Some(format!(
        "Its certificate is valid until {until}, and is renewed by itself before."
    ))
}

fn domains(told: &ToldNotice) -> String {
    match told.domains.as_slice() {
        [] => format!("service {}", told.instance),
        domains => few(domains.iter().cloned()),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use notices::Event;
    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::*;

    const BORN: OffsetDateTime = datetime!(2026-12-01 04:05 UTC);

    fn told(event: &str, facts: Facts, domains: &[&str]) -> ToldNotice {
        ToldNotice {
            instance: "8b8c5c1e-2f1c-4c53-9b0e-6c9d6a1f0a01".to_owned(),
            event: Event::from_str(event).unwrap(),
            facts,
            born_at: BORN,
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            distribution_domain: Some("d111111abcdef8.cloudfront.net".to_owned()),
            certificate_not_after: Some(datetime!(2027-03-01 00:00 UTC)),
            now: None,
        }
    }

    /// The same, of something that lasts: an operation, or else an instance at rest, with these parts of its only domain.
    fn lasting(event: &str, facts: Facts, operation: (&str, &str), domain: &serde_json::Value) -> ToldNotice {
        let mut parts = serde_json::json!({"domain": "www.example.com", "challenges_are_new": false});
        for (key, part) in domain.as_object().unwrap() {
            parts[key] = part.clone();
        }
        let view = serde_json::json!({
            "kind": operation.0,
            "state": operation.1,
            "tenant": "org-1",
            "distribution_domain": "d111111abcdef8.cloudfront.net",
            "now": "2026-12-01T04:05:00Z",
            "certificate_not_after": "2026-12-08T00:00:00Z",
            "domains": [parts],
            "steps": [],
        });
        let now = Now {
            view: serde_json::from_value(view).unwrap(),
            ends_at: Some(datetime!(2026-12-02 04:00 UTC)),
        };
        ToldNotice {
            now: Some(Box::new(now)),
            ..told(event, facts, &["www.example.com"])
        }
    }

    fn ended(operation: &str, failure: Option<&str>) -> Facts {
        Facts::Ended {
            operation: operation.to_owned(),
            failure: failure.map(str::to_owned),
        }
    }

    fn said(told: &ToldNotice) -> String {
        let item = item(told);
        format!("{}\n{}", item.title, item.lines.join("\n"))
    }

    #[test]
    fn each_notice_says_what_happened_and_what_to_do() {
        let www = ["www.example.com"];
        for (told, expected) in [
            (
                told("done", ended("provision", None), &www),
                "Ready: www.example.com\nThe service is ready.\nEach domain has to lead to d111111abcdef8.cloudfront.net: set a CNAME record, \
                 or an alias where a CNAME is not possible.\nIts certificate is valid until 2027-03-01 00:00 UTC, and is renewed by itself before.",
            ),
            (
                told(
                    "done",
                    ended("update", None),
                    &["a.example", "b.example", "c.example", "d.example"],
                ),
                "Updated: a.example, b.example, c.example and 1 more\nThe update is done.\nIts certificate is valid until 2027-03-01 00:00 UTC, \
                 and is renewed by itself before.",
            ),
            (
                told("done", ended("deprovision", None), &[]),
                "Removed: service 8b8c5c1e-2f1c-4c53-9b0e-6c9d6a1f0a01\nThe service is removed. Nothing serves its domains here any more: remove \
                 their DNS records that lead to it.",
            ),
            (
                told("failed", ended("provision", Some("The CA says no.")), &www),
                "Not created: www.example.com\nThe service could not be created: The CA says no.",
            ),
            (
                told("replaced", ended("renew", None), &www),
                "New certificate: www.example.com\nThe certificate was replaced by a new one. There is nothing to do.\nIts certificate is valid \
                 until 2027-03-01 00:00 UTC, and is renewed by itself before.",
            ),
        ] {
            assert_eq!(said(&told), expected);
        }
        let left = told(
            "domain",
            Facts::Left {
                domain: "www.example.com".to_owned(),
            },
            &[],
        );
        assert!(said(&left).starts_with("Domain lost: www.example.com\n"));
    }

    #[test]
    fn what_lasts_is_told_as_its_status_tells_it() {
        let id = uuid::Uuid::from_u128(7);
        let name = || "www.example.com".to_owned();
        let waits = serde_json::json!({"step_state": "waiting"});
        let todo = lasting("todo", Facts::Todo { operation: id }, ("provision", "running"), &waits);
        let words = said(&todo);
        assert!(
            words.starts_with("Waiting for you: www.example.com\nWaiting for you: 1 of 1 domain needs a DNS record.\n"),
            "{words}"
        );
        assert!(
            words.contains("\nIf it is not done by 2026-12-02 04:00 UTC, this ends by itself.\nHow it is now"),
            "{words}"
        );

        let certificate = Facts::Trouble { certificate: id };
        let trouble = lasting("trouble", certificate, ("renew", "running"), &waits);
        let words = said(&trouble);
        assert!(
            words.starts_with(
                "Certificate not renewed: www.example.com\nThe certificate can't be renewed so far. The certificate in use is \
                 valid until 2026-12-08.\nWaiting for you: 1 of 1 domain needs a DNS record.\n"
            ),
            "{words}"
        );

        let loses = serde_json::json!({"step_state": "done", "loses_at": "2026-12-01T10:00:00Z"});
        let leaves = lasting(
            "domain",
            Facts::Leaves { name: name() },
            ("provision", "succeeded"),
            &loses,
        );
        assert_eq!(
            said(&leaves),
            "Domain about to be lost: www.example.com\nAnother service instance has proved www.example.com, and nothing proves \
             it for this one any more: it moves there at 2026-12-01 10:00 UTC. To keep it, set one of these:\nwww.example.com \
             CNAME d111111abcdef8.cloudfront.net"
        );
        let gone = serde_json::json!({"step_state": "done", "proof_gone_at": "2026-12-01T03:00:00Z"});
        let lapses = lasting(
            "domain",
            Facts::Lapses { name: name() },
            ("provision", "succeeded"),
            &gone,
        );
        let words = said(&lapses);
        assert!(
            words.starts_with(
                "Record gone: www.example.com\nNothing proves www.example.com any more since 2026-12-01 03:00 UTC"
            ),
            "{words}"
        );
    }

    #[test]
    fn no_notice_begins_a_line_of_its_own_or_hides_in_one() {
        let told = told("failed", ended("update", Some("no\r\nBcc: x@example.com\u{202e}")), &[]);
        let item = item(&told);
        assert!(!item.lines[0].contains(['\r', '\n', '\u{202e}']), "{:?}", item.lines);
    }

    #[test]
    fn many_services_are_not_all_listed() {
        let ids: Vec<String> = (0..25).map(|number| format!("i-{number}")).collect();
        let shown = services(&ids);
        assert_eq!((shown.len(), shown[20].as_str()), (21, "and 5 more"));
        assert_eq!(services(&ids[..2]), ["i-0", "i-1"]);
    }

    #[test]
    fn the_subject_is_the_news_or_their_number() {
        let told = told("done", ended("update", None), &["www.example.com"]);
        let one = items(std::slice::from_ref(&told));
        assert_eq!(subject(std::slice::from_ref(&told), &one), "Updated: www.example.com");
        let two = [told.clone(), told];
        assert_eq!(subject(&two, &items(&two)), "2 news of your CDN services");
        assert_eq!(others(&two), None);
    }

    #[test]
    fn of_very_many_news_the_newest_are_told_and_the_others_counted() {
        let mut many = vec![told("done", ended("update", None), &["old.example.com"]); 137];
        many.extend(vec![
            told("done", ended("update", None), &["new.example.com"]);
            MOST_ITEMS
        ]);
        let told = items(&many);
        assert_eq!(told.len(), MOST_ITEMS);
        assert!(told.iter().all(|item| item.title == "Updated: new.example.com"));
        assert_eq!(subject(&many, &told), "237 news of your CDN services");
        assert!(others(&many).is_some_and(|said| said.starts_with("There were 137 news before these")));
    }
}
