//! The operator's pages as they are rendered.

use std::collections::BTreeMap;

use messaging::operator::{Found, Purpose, QueueState};
use pipeline::Service;
use serde_json::json;
use store::Figures;
use store::operator::{Failures, Listed, Listing, Progress, WaitingSteps};

use super::examples;
use crate::operator::action::{Action, Asks};
use crate::operator::outcome::Outcome;
use crate::operator::overview::Overview;
use crate::operator::search::{By, Found as FoundRows};
use crate::page::view::tests::well_formed;

fn checked(html: Result<String, askama::Error>) -> String {
    let html = html.unwrap();
    well_formed(&html);
    for markup in ["<script", "<img", "<b>"] {
        assert!(!html.contains(markup), "{markup}: {html}");
    }
    html
}

fn has(html: &str, all: &[&str]) {
    for words in all {
        assert!(html.contains(words), "no {words:?} in {html}");
    }
}

fn overview(queues: Option<Vec<QueueState>>) -> Overview {
    let progress: Progress = serde_json::from_value(json!({
        "read_at": "2026-11-24T12:04:40Z", "running": 5, "users": 3,
        "steps": [{"kind": "verify-challenge", "operations": 4, "of_an_hour": 1, "of_a_day": 2, "older": 1, "oldest_seconds": 90_061.5}],
    }))
    .unwrap();
    let figures: Figures = serde_json::from_value(json!({
        "read_at": 1_795_521_880.0, "steps": {}, "operations": {"provision": 5},
        "certificates": {"counted_at": 1_795_521_880.0, "days_left": {"7-13": 1, "60+": 4_000}, "soonest_end": 1_796_000_000.0, "late": 1},
        "in_trouble": 1, "to_revoke": 0, "to_roll_over": 0, "iam": {"server_certificates": 12, "quota": 20},
    }))
    .unwrap();
    let failures = Failures {
        operation: "provision".into(),
        step: Some("place-order".into()),
        why: "ca limits".into(),
        count: 2,
    };
    let late = WaitingSteps {
        waiting: 9,
        due: 2,
        latest_seconds: 301.0,
    };
    Overview {
        progress,
        failures: vec![failures],
        figures,
        queues,
        steps: vec![("distribution".into(), late)],
        troubles: BTreeMap::new(),
    }
}

#[test]
fn each_number_of_the_overview_leads_to_what_it_counts() {
    let state = |purpose, ready| QueueState {
        purpose,
        name: String::new(),
        found: Some(Found { ready, consumers: 1 }),
    };
    let queues = vec![
        state(Purpose::Work(Service::Distribution), 7),
        state(Purpose::Delay(250), 4),
        state(Purpose::Parking, 2),
    ];
    let html = checked(super::overview("alice", &overview(Some(queues))));
    has(
        &html,
        &[
            "You are alice",
            "<a href=\"/running?whose=users\"><strong>3</strong>",
            "<a href=\"/running?whose=machines\"><strong>2</strong>",
            "<a href=\"/running?step=verify-challenge\">4<",
            "1 d 1 h",
            "<a href=\"/trouble\"><strong>1</strong>",
            "<a href=\"/certificates?left=60%2B\">4000<",
            "late</span> 5 min 1 s",
            "Delayed messages: 4. Parked messages: 2.",
            ">12</td>",
            ">20</td>",
            "not known",
        ],
    );
    // An ampersand in an address is written as a reference.
    has(
        &html.replace("&#38;", "&"),
        &["<a href=\"/failed?operation=provision&why=ca%20limits&step=place-order\">2<"],
    );
    // A bar of one beside 4,000 can be seen.
    has(
        &html,
        &["y=\"39\" width=\"8\" height=\"1\"", "y=\"0\" width=\"8\" height=\"40\""],
    );
}

#[test]
fn without_rabbitmq_the_rest_is_told() {
    let html = checked(super::overview("alice", &overview(None)));
    has(
        &html,
        &[
            "RabbitMQ does not answer",
            "Parked messages: not known",
            "<strong>5</strong>",
        ],
    );
}

#[test]
fn an_instance_shows_its_timeline_and_what_can_be_done() {
    let dossier = examples::dossier();
    let link = Some("https://broker.example/i/x/y".to_owned());
    let page = super::instance("alice", &dossier, &[], link, true, Some(Outcome::Retried));
    let html = checked(page);
    let base = "/instances/i%2F1%20%3Cscript%3E";
    for action in ["retry", "renew", "cancel", "new-link"] {
        has(&html, &[&format!("<a href=\"{base}/{action}\">")]);
    }
    has(
        &html,
        &[
            &format!("<a href=\"{base}/release?subject=www.example.com\">"),
            "https://broker.example/i/x/y",
            Outcome::Retried.words(),
            "held until 2026-11-24 13:00 UTC",
            "verify-challenge api.example.com",
            "in 20 s",
            "No operator has changed anything",
        ],
    );
    assert!(!html.contains("subject=api.example.com"), "it does not have that one");
}

#[test]
fn an_action_asks_before_it_does_anything() {
    let dossier = examples::dossier();
    for action in [Action::Retry, Action::Renew, Action::Cancel, Action::NewLink] {
        let asks = Asks::of(&dossier, action, "", true).unwrap();
        let (question, subject) = (asks.question.clone(), asks.subject.clone());
        let html = checked(super::confirm("alice", &dossier, asks, "k1.1.mac".to_owned()));
        let form = format!(
            "method=\"post\" action=\"/instances/i%2F1%20%3Cscript%3E/{}\"",
            action.name()
        );
        has(
            &html,
            &[
                &question,
                &form,
                "value=\"k1.1.mac\"",
                &format!("name=\"subject\" value=\"{subject}\""),
            ],
        );
        assert_eq!(html.contains("name=\"why\""), action == Action::Cancel);
        assert_eq!(html.contains("name=\"held\""), action == Action::Retry);
    }
}

#[test]
fn what_a_search_finds_leads_to_the_instance() {
    let rows = vec![Listed {
        line: examples::line(),
        note: Some("a.test: asks".to_owned()),
    }];
    let found = FoundRows {
        by: By::Domain,
        listing: Listing { rows, next: None },
        next: Some("/search?q=test&by=domain&after=tset.a&id=i".to_owned()),
    };
    let html = checked(super::search("alice", "\"><script>", vec![found]));
    has(
        &html,
        &[
            "<a href=\"/instances/i%2F1%20%3Cscript%3E\">",
            "a.test, b.test, c.test and 1 more",
            "a.test: asks",
            "verify-challenge a.test and 2 more: nothing found yet",
            "for 4 min 40 s",
            "Next page",
        ],
    );
    let nothing = checked(super::search("alice", "x", Vec::new()));
    has(&nothing, &["Nothing found", "value=\"x\""]);
}
