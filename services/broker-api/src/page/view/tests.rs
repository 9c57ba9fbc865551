//! Pages as they are rendered: what is on them, that they are well-formed, and that nobody's text is markup.

use pipeline::outside::{Answer, Cache, Checked, CheckedDomain, Dns, Header, Http, Persist, Problem, Served, Tls};
use pipeline::page::{
    CertificateFacts, Change, ClaimFacts, Facts, LookFacts, NewsFacts, OperationFacts, OutsideFacts, Page, StageFacts,
};
use pipeline::proof::dns_persist01::Form as PersistForm;
use pipeline::proof::{Challenge, Challenges, Dns01, DnsPersist01, Http01, Method, Place};
use pipeline::reason::{DnsProblem, Look, Reason, Says, Seen, Spread, Txt, Way, WrongTxt};
use pipeline::status::{DomainView, StepView, View, describe, unfolded};
use pipeline::{InstanceSettings, OperationKind, OperationState, StepKind, StepState};
use serde_json::{Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Outcome, Visit, outside};
use crate::page::live::pieces::Pieces;

const NOW: OffsetDateTime = datetime!(2026-11-24 12:04:40 UTC);
const RESPONDER: &str = "https://broker.example";
const BASE: &str = "/i/5f0c/token";
const TARGET: &str = "d111111abcdef8.cloudfront.net";
const SERVER: &str = "ns1.example.net";
const FORM_TOKEN: &str = "k1.1795525480.mac";

fn visit(base: &str, outcome: Option<Outcome>) -> Visit<'_> {
    Visit {
        base,
        form_token: Some(FORM_TOKEN.to_owned()),
        is_signed_in: false,
        outcome,
        outside: None,
    }
}

fn render(page: &Page) -> String {
    render_after(None, page)
}

/// After the press of a button.
fn render_after(outcome: Option<Outcome>, page: &Page) -> String {
    let html = super::html(page, visit(BASE, outcome), RESPONDER).unwrap();
    well_formed(&html);
    let text = unfolded(&describe(&page.status, RESPONDER));
    let first = text.lines().next().unwrap();
    assert!(
        html.contains(&format!("<p>{first}</p>")),
        "begins as the status does: {first}"
    );
    html
}

/// Every element is closed, every reference leads somewhere, and no heading is left out.
pub(crate) fn well_formed(html: &str) {
    const VOID: [&str; 3] = ["meta", "link", "input"];
    let mut open = Vec::new();
    let mut depth = 0;
    for rest in html.split('<').skip(1) {
        let (tag, _) = rest
            .split_once('>')
            .unwrap_or_else(|| panic!("a tag without an end: {rest}"));
        let name = tag.split_ascii_whitespace().next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{html}");
        } else if !name.starts_with('!') && !VOID.contains(&name) {
            open.push(name);
        }
        if let Some(level) = name.strip_prefix('h').and_then(|level| level.parse::<u8>().ok()) {
            assert!(level <= depth + 1, "{name} after h{depth}");
            depth = level;
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    let ids = values(html, " id=\"");
    for (at, id) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(id), "{id} twice");
    }
    for referred in values(html, " href=\"#")
        .into_iter()
        .chain(values(html, " aria-labelledby=\""))
        .chain(values(html, " form=\""))
    {
        assert!(ids.contains(&referred), "{referred} is nowhere");
    }
}

/// The values of an attribute.
fn values<'h>(html: &'h str, begin: &str) -> Vec<&'h str> {
    html.split(begin)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0))
        .collect()
}

fn challenges() -> Challenges {
    Challenges::from_iter([
        Challenge::DnsPersist01(DnsPersist01 {
            form: PersistForm::AccountUrl,
            issuer_domains: vec!["letsencrypt.org".into()],
            account_uris: "https://ca.example/acct/1".into(),
        }),
        Challenge::Dns01(Dns01 {
            value: "gfj9Xq_Rg85nM".into(),
        }),
        Challenge::Http01(Http01 {
            token: "tok".into(),
            key_authorization: "tok.thumb".into(),
        }),
    ])
}

fn looked(method: Method, name: String, found: Txt, in_place: Option<Method>) -> Option<Reason> {
    let way = Way {
        method,
        place: Place::Txt(name),
        seen: Seen::Txt { alias: None, found },
    };
    let look = Look {
        in_place,
        ways: vec![way],
        ..Look::default()
    };
    Some(look.into())
}

/// Nothing is set yet.
fn missing(name: &str) -> DomainView {
    let problem = DnsProblem::NoSuchName { server: SERVER.into() };
    let record = format!("_validation-persist.{name}");
    DomainView {
        domain: name.into(),
        step_state: Some(StepState::Waiting),
        waiting_for: looked(Method::DnsPersist01, record, Txt::Absent { problem }, None),
        checked_at: Some(datetime!(2026-11-24 12:04:31 UTC)),
        due_at: Some(datetime!(2026-11-24 12:05:16 UTC)),
        challenges: Some(challenges()),
        challenges_are_new: true,
        method: None,
        ca_said: None,
        wins_at: None,
        loses_at: None,
        lost_at: None,
        proof_gone_at: None,
        proof_seen: None,
        gives_up_at: None,
    }
}

/// An old value is set.
fn wrong(name: &str, value: &str) -> DomainView {
    let wrong = WrongTxt::Value {
        found: vec![value.into()],
        more: 0,
        expected: "gfj9Xq_Rg85nM".into(),
    };
    let found = Txt::Wrong {
        wrong,
        server: SERVER.into(),
    };
    DomainView {
        waiting_for: looked(Method::Dns01, format!("_acme-challenge.{name}"), found, None),
        ..missing(name)
    }
}

/// The record is in place, and time has to pass.
fn settling(name: &str) -> DomainView {
    let spread = Spread {
        have: vec![SERVER.into()],
        ..Spread::default()
    };
    let found = Txt::InPlace {
        says: Says::AsExpected,
        spread,
    };
    DomainView {
        waiting_for: looked(
            Method::Dns01,
            format!("_acme-challenge.{name}"),
            found,
            Some(Method::Dns01),
        ),
        ..missing(name)
    }
}

fn verified(name: &str) -> DomainView {
    DomainView {
        step_state: Some(StepState::Done),
        method: Some(Method::DnsPersist01),
        ..missing(name)
    }
}

fn page(state: OperationState, domains: Vec<DomainView>, stages: Vec<StageFacts>) -> Page {
    let claims = domains.iter().map(|domain| ClaimFacts {
        domain: domain.domain.clone(),
        proved: domain.step_state == Some(StepState::Done),
        asked_elsewhere: false,
        proof_checked_at: None,
    });
    let waiting = |domain: &&DomainView| domain.step_state == Some(StepState::Waiting);
    let looks = domains.iter().filter(waiting).map(|domain| LookFacts {
        domain: domain.domain.clone(),
        asked_at: None,
        published: true,
        again_at: domain.checked_at.map(|at| at + Duration::seconds(10)),
        held_until: None,
    });
    let operation = OperationFacts {
        id: Uuid::from_u128(1),
        kind: OperationKind::Provision,
        state,
        failure: None,
        identity: Some(json!({"platform": "cloudfoundry", "value": {"user_id": "683ea748"}})),
        new_certificate: false,
        changes: Vec::new(),
        function: false,
        created_at: NOW - Duration::minutes(5),
        ended_at: None,
        stages,
        news: Vec::new(),
    };
    Page {
        facts: Facts {
            settings: InstanceSettings {
                origin: "app.example.org".into(),
                ..InstanceSettings::default()
            },
            adopted: false,
            renewal: None,
            operations: vec![operation],
            certificate: None,
            earlier: Vec::new(),
            claims: claims.collect(),
            looks: looks.collect(),
            proofs: Vec::new(),
            usual: Vec::new(),
            outside: None,
        },
        status: View {
            kind: OperationKind::Provision,
            state,
            version: 0,
            failure: None,
            tenant: "org-1".into(),
            distribution_domain: None,
            now: NOW,
            certificate_not_after: None,
            order_spent: None,
            fallback_to: None,
            domains,
            steps: vec![],
        },
        renewal: None,
    }
}

fn stage(kind: StepKind, count: u32, done: u32) -> StageFacts {
    StageFacts {
        kind,
        count,
        done,
        waiting: count - done,
        failed: 0,
        begun_at: NOW - Duration::minutes(2),
        ended_at: (count == done).then_some(NOW - Duration::minutes(1)),
    }
}

fn certificate(chain_pem: String) -> CertificateFacts {
    CertificateFacts {
        names: vec!["www.example.com".into()],
        chain_pem,
        not_before: NOW - Duration::days(30),
        not_after: NOW + Duration::days(60),
        renew_at: Some(NOW + Duration::days(30)),
        renew_by: None,
        attached_at: Some(NOW - Duration::days(30)),
        retired_at: None,
        revoked_at: None,
    }
}

#[test]
fn before_the_order_is_placed_it_is_said_what_will_be_shown() {
    let mut fresh = missing("www.example.com");
    (fresh.step_state, fresh.waiting_for, fresh.checked_at, fresh.challenges) = (None, None, None, None);
    let mut page = page(
        OperationState::Running,
        vec![fresh],
        vec![stage(StepKind::PlaceOrder, 1, 0)],
    );
    page.status.steps = vec![StepView {
        kind: StepKind::PlaceOrder,
        waiting_for: None,
        due_at: NOW,
    }];
    let html = render(&page);
    assert!(
        html.contains("In a minute this shows the DNS record for each domain."),
        "{html}"
    );
    assert!(
        html.contains("Being ordered") && html.contains(" aria-current=\"step\""),
        "{html}"
    );
    assert!(!html.contains("records.zone"), "nothing to download yet: {html}");
    assert!(html.contains("There is no certificate in use."), "{html}");
    assert!(
        html.contains("The CloudFront distribution is made once every domain is proved:"),
        "{html}"
    );
}

#[test]
fn just_created_it_shows_the_records_to_set_with_name_and_value_apart() {
    let stages = vec![
        stage(StepKind::PlaceOrder, 1, 1),
        stage(StepKind::VerifyChallenge, 1, 0),
    ];
    let html = render(&page(OperationState::Running, vec![missing("www.example.com")], stages));
    assert!(html.contains("<title>www.example.com</title>"), "{html}");
    assert!(html.contains(">Your move</span>"), "{html}");
    for copied in [
        "_validation-persist.www.example.com",
        "letsencrypt.org;accounturi=https://ca.example/acct/1",
        "_acme-challenge.www.example.com",
        "gfj9Xq_Rg85nM",
        "http://www.example.com/.well-known/acme-challenge/*",
        "https://broker.example/acme/org-1/.well-known/acme-challenge/*",
    ] {
        assert!(
            html.contains(&format!("<code class=\"copy\">{copied}</code>")),
            "{copied}: {html}"
        );
    }
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}: {html}"));
    assert!(at("Set once, good for every later certificate:") < at("<summary>Other ways<"));
    assert!(at("<summary>Other ways<") < at("Or for this certificate only:"));
    assert!(html.contains("12:04:31 UTC: nothing found yet: TXT _validation-persist.www.example.com: no such name"));
    assert!(html.contains("Next look: 12:05:16 UTC."), "{html}");
    for form in ["zone", "csv", "route53.tf", "cloudflare.tf", "dns.tf"] {
        let link = format!("href=\"/i/5f0c/token/records.{form}\"");
        assert!(html.contains(&link), "{link}: {html}");
    }
    assert!(html.contains("user 683ea748"), "{html}");
}

#[test]
fn domains_that_need_the_tenant_come_before_those_that_wait_and_those_that_are_done() {
    let domains = vec![
        wrong("api.example.com", "old"),
        settling("shop.example.com"),
        verified("www.xn--bcher-kva.example"),
    ];
    let stages = vec![
        stage(StepKind::PlaceOrder, 1, 1),
        stage(StepKind::VerifyChallenge, 3, 1),
    ];
    let html = render(&page(OperationState::Running, domains, stages));
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}: {html}"));
    let order = ["id=\"needs-you\"", "id=\"in-progress\"", "id=\"verified\""].map(at);
    assert!(order.is_sorted(), "{order:?}");
    for (label, between) in [
        ("Not in place", order[0]..order[1]),
        ("In place", order[1]..order[2]),
        ("Verified", order[2]..html.len()),
    ] {
        assert!(html[between].contains(&format!(">{label}</span>")), "{label}: {html}");
    }
    assert!(html.contains("(www.bücher.example)"), "{html}");
    assert!(html.contains("now, 1 of 3, for 2 min so far"), "{html}");
    assert!(
        html.contains("Leave it in place until there is a certificate."),
        "{html}"
    );
}

#[test]
fn when_all_is_done_it_says_where_to_point_and_how_long_the_certificate_lasts() {
    let mut page = page(OperationState::Succeeded, vec![verified("www.example.com")], Vec::new());
    page.status.distribution_domain = Some(TARGET.into());
    page.status.certificate_not_after = Some(datetime!(2027-01-23 12:04 UTC));
    page.facts.certificate = Some(certificate(String::new()));
    page.facts.earlier = vec![CertificateFacts {
        retired_at: Some(NOW - Duration::days(29)),
        ..certificate(String::new())
    }];
    let html = render(&page);
    for said in [
        "https://www.example.com is ready: CNAME it to",
        "The certificate is renewed by itself before 2027-01-23.",
        ">Succeeded</span>",
        ">Served</span>",
        "Leave it in place: the next certificate needs it, too.",
        "33 % of its life is over; the renewal is planned at 66 %",
        "Valid for 60 d more.",
        "Deployed: every edge has its settings.",
        "2026-10-25 to 2026-10-26",
        "CloudFront fetches from https://app.example.org",
    ] {
        assert!(html.contains(said), "{said}: {html}");
    }
    assert!(
        html.matches(TARGET).count() >= 2,
        "below what is said, and beside the domain: {html}"
    );
}

#[test]
fn a_failure_says_why_and_the_history_has_it() {
    let why = "www.example.com could not be verified in time.";
    let mut failed = missing("www.example.com");
    failed.step_state = Some(StepState::Failed);
    let mut steps = stage(StepKind::VerifyChallenge, 1, 0);
    (steps.waiting, steps.failed) = (0, 1);
    let mut page = page(
        OperationState::Failed,
        vec![failed],
        vec![stage(StepKind::PlaceOrder, 1, 1), steps],
    );
    page.status.failure = Some(why.into());
    page.facts.operations[0].failure = Some(why.into());
    let html = render(&page);
    assert_eq!(html.matches(why).count(), 2, "{html}");
    assert!(
        html.contains(">Failed</span>") && html.contains(">Not proved</span>"),
        "{html}"
    );
    assert!(
        html.contains("<li class=\"failed\">") && html.contains("not reached"),
        "{html}"
    );
}

#[test]
fn the_history_opens_on_what_was_changed_and_seen() {
    let mut page = page(OperationState::Running, vec![missing("www.example.com")], Vec::new());
    page.facts.operations[0].changes = vec![Change {
        parameter: "http3".into(),
        says: "HTTP/3 is offered in addition to HTTP/2".into(),
    }];
    assert!(!render(&page).contains("What was seen"), "nothing was");
    page.facts.operations[0].news = vec![NewsFacts {
        kind: StepKind::VerifyChallenge,
        subject: "www.example.com".into(),
        at: datetime!(2026-11-23 12:04:31 UTC),
        reason: missing("www.example.com").waiting_for,
    }];
    let html = render(&page);
    assert!(
        html.contains("<li><code>http3</code>: HTTP/3 is offered in addition to HTTP/2</li>"),
        "{html}"
    );
    let (_, details) = html.split_once("<summary>What was seen<").unwrap();
    assert!(
        details.contains("<li>2026-11-23 12:04 UTC, www.example.com: nothing found yet: TXT "),
        "{details}"
    );
}

#[test]
fn a_name_that_can_be_mistaken_is_marked_wherever_it_stands() {
    let mut page = page(
        OperationState::Succeeded,
        vec![
            verified("www.xn--e1argc3h.example"),
            verified("www.xn--bcher-kva.example"),
        ],
        Vec::new(),
    );
    page.status.distribution_domain = Some(TARGET.into());
    let html = render(&page);
    let caution =
        "(www.\u{455}\u{441}\u{43e}\u{440}\u{435}.example)</span> <span class=\"caution\">Caution: looks like";
    assert_eq!(html.matches(caution).count(), 2, "among domains and aliases: {html}");
    assert_eq!(html.matches("class=\"caution\"").count(), 2, "{html}");
}

#[test]
fn a_renewal_is_shown_beside_what_the_platform_asked_for() {
    let mut page = page(OperationState::Succeeded, vec![verified("www.example.com")], Vec::new());
    page.status.distribution_domain = Some(TARGET.into());
    page.renewal = Some(View {
        kind: OperationKind::Renew,
        state: OperationState::Running,
        domains: vec![missing("www.example.com")],
        ..page.status.clone()
    });
    page.facts.renewal = Some(Uuid::from_u128(2));
    let renewal = OperationFacts {
        id: Uuid::from_u128(2),
        kind: OperationKind::Renew,
        state: OperationState::Running,
        identity: None,
        ..page.facts.operations[0].clone()
    };
    page.facts.operations.insert(0, renewal);
    let html = render(&page);
    assert!(html.contains("Renewal of the certificate</h2>"), "{html}");
    assert!(
        html.contains("Waiting for you: 1 of 1 domain needs a DNS record."),
        "{html}"
    );
    assert!(
        html.contains(">Nothing found yet</span>") && html.contains("the broker, by itself"),
        "{html}"
    );
}

#[test]
fn who_waits_has_a_button_by_domain_until_it_is_pressed() {
    let domains = vec![missing("www.example.com"), verified("shop.example.com")];
    let mut page = page(OperationState::Running, domains, Vec::new());
    let html = render(&page);
    assert_eq!(html.matches("<form ").count(), 1, "{html}");
    assert!(
        html.contains("<form id=\"check\" method=\"post\" action=\"/i/5f0c/token/check\">"),
        "{html}"
    );
    assert!(
        html.contains(&format!("<input type=\"hidden\" name=\"form\" value=\"{FORM_TOKEN}\">")),
        "{html}"
    );
    let button = "<button type=\"submit\" form=\"check\" name=\"domain\" value=\"www.example.com\">Check now<";
    assert!(
        html.contains(button) && html.matches(" form=\"check\"").count() == 1,
        "{html}"
    );
    assert!(html.contains("<p>Nothing to check: it is proved.</p>"), "{html}");
    // That it was too soon is said as long as it is.
    let said = |page: &Page| render_after(Some(Outcome::TooSoon), page).contains("<p class=\"told\"");
    assert!(said(&page));
    page.facts.looks[0].again_at = Some(NOW);
    assert!(!said(&page));

    page.facts.looks[0].asked_at = Some(NOW);
    let html = render_after(Some(Outcome::Asked), &page);
    assert!(!html.contains(" form=\"check\"") && !html.contains("<form"), "{html}");
    assert!(
        html.contains("<p class=\"told\" role=\"status\">The domain is being looked at."),
        "{html}"
    );
    assert!(
        html.contains("<p>Asked for at 12:04:40 UTC: it is being looked at."),
        "{html}"
    );
    page.facts.looks[0].asked_at = None;
    let html = render_after(Some(Outcome::Asked), &page);
    assert!(
        !html.contains("is being looked at") && html.contains(button),
        "the look is recorded: {html}"
    );
}

#[test]
fn who_has_signed_in_and_may_only_look_has_no_button() {
    let domains = vec![missing("www.example.com")];
    let page = page(OperationState::Running, domains, Vec::new());
    let shown = |form_token: Option<&str>| {
        let visit = Visit {
            base: "/s/cf-eu/5f0c",
            form_token: form_token.map(str::to_owned),
            is_signed_in: true,
            outcome: None,
            outside: None,
        };
        let html = super::html(&page, visit, RESPONDER).unwrap();
        well_formed(&html);
        assert!(html.contains("Whoever may see this service at the platform"), "{html}");
        assert!(!html.contains("whoever has its address"), "{html}");
        html
    };
    let html = shown(None);
    assert!(!html.contains("<form") && !html.contains("Check now"), "{html}");
    let html = shown(Some(FORM_TOKEN));
    assert!(
        html.contains(" action=\"/s/cf-eu/5f0c/check\"") && html.contains(">Check now<"),
        "{html}"
    );
    assert!(render(&page).contains("whoever has its address"));
}

#[test]
fn all_of_the_page_is_sent_in_pieces_and_of_domains_what_has_changed() {
    let domains = vec![missing("www.example.com"), verified("shop.example.com")];
    let mut page = page(OperationState::Running, domains, Vec::new());
    let html = render(&page);
    let first = Pieces::of(&html);
    let all: Value = serde_json::from_str(&first.since(None).unwrap()).unwrap();
    let order = [
        "as-of",
        "check",
        "section-now",
        "section-domains",
        "section-certificate",
        "section-distribution",
        "section-history",
    ];
    assert_eq!(all["order"], json!(order));
    let (_, main) = html.split_once("<main id=\"main\" tabindex=\"-1\">").unwrap();
    let mut rest = main.split_once("</main>").unwrap().0.to_owned();
    for piece in all["pieces"].as_array().unwrap().iter().skip(1) {
        let piece = piece[1].as_str().unwrap();
        assert!(rest.contains(piece), "{piece}");
        rest = rest.replacen(piece, "", 1);
    }
    assert_eq!(rest.trim(), "", "changes of this are not sent");

    page.status.domains[0].checked_at = Some(NOW);
    let second = Pieces::of(&render(&page));
    let changes: Value = serde_json::from_str(&second.since(Some(&first)).unwrap()).unwrap();
    let pieces = changes["pieces"].as_array().unwrap().iter();
    let ids: Vec<&str> = pieces.filter_map(|piece| piece[0].as_str()).collect();
    assert!(ids.contains(&"at-www.example.com"), "{ids:?}");
    assert!(
        !ids.contains(&"section-domains") && !ids.contains(&"section-history"),
        "{ids:?}"
    );
}

#[test]
fn each_name_and_value_has_a_button_that_copies_it() {
    let html = render(&page(
        OperationState::Running,
        vec![missing("www.example.com")],
        Vec::new(),
    ));
    let copied = html.matches("<code class=\"copy\">").count();
    assert!(copied >= 6, "{html}");
    let buttons =
        "</code> <button type=\"button\" class=\"copies scripted\" data-done=\"Copied\">Copy<span class=\"unseen\">: ";
    assert_eq!(html.matches(buttons).count(), copied, "{html}");
    for named in [
        "Copy<span class=\"unseen\">: Name, _validation-persist.www.example.com</span>",
        "Copy<span class=\"unseen\">: Value of _validation-persist.www.example.com</span>",
    ] {
        assert!(html.contains(named), "{named}: {html}");
    }
}

/// A check from outside a minute ago, which saw this text everywhere.
fn checked_from_outside(text: &str) -> OutsideFacts {
    let header = || Header::Mismatch {
        value: Some(text.into()),
        expected: text.into(),
    };
    let facts = pipeline::outside::Facts {
        domain: text.into(),
        name: format!("www.{text}"),
        dns: Dns::Elsewhere {
            chain: vec![text.into()],
            addresses: Vec::new(),
        },
        persist: Persist::Unused,
        tls: Tls::NoHandshake { why: text.into() },
        certificate: Some(Served {
            issuer: text.into(),
            serial: text.into(),
            names: vec![text.into()],
            covers: false,
            not_before: NOW,
            not_after: NOW,
            age_days: 0,
            days_left: 0,
            attached: false,
        }),
        http: Http::Answered(Answer {
            status: 301,
            location: Some(text.into()),
            ..Answer::default()
        }),
        cache: Cache::Told { word: text.into() },
        host: header(),
        x_forwarded_for: header(),
    };
    let problems = [
        Problem::Name,
        Problem::Tls,
        Problem::Redirect,
        Problem::Origin,
        Problem::Headers,
    ];
    let domains = problems.map(|problem| CheckedDomain {
        facts: facts.clone(),
        problem: Some(problem),
    });
    OutsideFacts {
        asked_at: NOW - Duration::minutes(1),
        attempts: 1,
        taken_at: Some(NOW - Duration::minutes(1)),
        done_at: Some(NOW - Duration::minutes(1)),
        result: Some(Checked {
            at: NOW - Duration::minutes(1),
            distribution: text.into(),
            origin: text.into(),
            redirect_to: Some(text.into()),
            echo: Some(text.into()),
            domains: domains.into(),
            of: 9,
            next: Some(text.into()),
        }),
    }
}

/// A service that is ready, after the press of the button.
fn render_checked(outcome: Option<outside::Outcome>, check: Option<OutsideFacts>) -> String {
    let mut page = page(OperationState::Succeeded, vec![verified("www.example.com")], Vec::new());
    page.status.distribution_domain = Some(TARGET.into());
    page.facts.outside = check;
    let visit = Visit {
        outside: outcome,
        ..visit(BASE, None)
    };
    let html = super::html(&page, visit, RESPONDER).unwrap();
    well_formed(&html);
    html
}

#[test]
fn a_check_from_outside_is_offered_until_one_is_asked_for_and_its_result_stays() {
    let button = "<button type=\"submit\" form=\"outside\">Check from outside<";
    let form = format!(
        "<form id=\"outside\" method=\"post\" action=\"/i/5f0c/token/outside\"><input type=\"hidden\" name=\"form\" value=\"{FORM_TOKEN}\"></form>"
    );
    let html = render_checked(None, None);
    assert!(html.contains(&form) && html.contains(button), "{html}");
    assert!(
        html.contains("<label for=\"echo\">") && html.contains(" form=\"outside\" maxlength"),
        "{html}"
    );

    // Nobody is told of a press that is over.
    let told = "<p class=\"told\" role=\"status\">The domains are looked at from outside.";
    assert!(!render_checked(Some(outside::Outcome::Asked), None).contains(told));
    let asked = OutsideFacts {
        asked_at: NOW,
        done_at: None,
        taken_at: None,
        ..checked_from_outside("other.example")
    };
    let html = render_checked(Some(outside::Outcome::Asked), Some(asked));
    assert!(html.contains(told) && html.contains("it begins in a moment."), "{html}");
    assert!(
        !html.contains(button) && !html.contains("<form id=\"outside\""),
        "{html}"
    );
    assert!(
        html.contains("<caption>What was seen from outside at 2026-11-24 12:03 UTC</caption>"),
        "that of the check before: {html}"
    );

    let html = render_checked(None, Some(checked_from_outside("other.example")));
    assert!(
        html.contains(
            "<p>It points at other.example: change the CNAME record, name other.example, value other.example "
        ),
        "{html}"
    );
    assert!(html.contains("<li>DNS: leads to other.example.</li>"), "{html}");
    assert!(html.contains("5 of 9 domains were looked at."), "{html}");
    assert!(
        html.contains(">Not as it should be</span>") && html.contains(button),
        "{html}"
    );

    // Before there is a distribution there is nothing to look at.
    let before = render(&page(
        OperationState::Running,
        vec![missing("www.example.com")],
        Vec::new(),
    ));
    assert!(!before.contains("from outside"), "{before}");
}

/// Whatever stands in DNS, in a CA's or platform's answer, or in a request: none of it is markup.
#[test]
fn nobodys_text_is_markup() {
    const IMG: &str = "<img src=x onerror=alert(1)>\"'&";
    let mut hostile = wrong("www.example.com", IMG);
    hostile.domain = format!("{IMG}.example.com");
    hostile.ca_said = Some(IMG.into());
    let mut page = page(OperationState::Running, vec![hostile], Vec::new());
    page.facts.settings.origin = IMG.into();
    page.facts.settings.path = format!("/{IMG}");
    page.facts.operations[0].failure = Some(IMG.into());
    page.facts.operations[0].changes = vec![Change {
        parameter: IMG.into(),
        says: IMG.into(),
    }];
    page.facts.operations[0].news = vec![NewsFacts {
        kind: StepKind::VerifyChallenge,
        subject: IMG.into(),
        at: NOW,
        reason: wrong("www.example.com", IMG).waiting_for,
    }];
    page.facts.operations[0].identity = Some(json!({"value": {"user_id": IMG}}));
    page.status.distribution_domain = Some(IMG.into());
    page.facts.outside = Some(checked_from_outside(IMG));
    page.facts.certificate = Some(CertificateFacts {
        names: vec![IMG.into()],
        ..certificate(String::new())
    });
    let base = format!("/i/{IMG}/t");
    let html = super::html(&page, visit(&base, None), RESPONDER).unwrap();
    well_formed(&html);
    assert!(!html.contains("<img") && !html.contains("onerror=alert(1)>"), "{html}");
    assert!(html.contains("&#60;img src=x onerror=alert(1)&#62;&#34;"), "{html}");
}
