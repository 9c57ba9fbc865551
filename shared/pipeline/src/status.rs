//! What the user reads in `cf service`: derived at read time from the operation and its steps, never stored.
//!
//! The first line says whose move it is. Then the domains that need the user, those with something wrong first, each
//! with what to set, what was seen there and when it is looked at again; then what the system is doing by itself.

use std::fmt::Write as _;

use time::OffsetDateTime;
use time::macros::format_description;

use crate::domain::{
    CHALLENGE_PATH, dns01_record_name, needs_wildcard_policy, persist_record_name, persist_record_value,
    responder_prefix, wildcard_of,
};
use crate::operation::{OperationKind, OperationState};
use crate::outcome::Method;
use crate::step::{StepKind, StepState};

/// At most this many domains are shown in full; the rest is counted.
const DOMAINS_IN_FULL: usize = 8;
/// No text is longer; Cloud Controller keeps any length, but `cf service` prints it on one screen.
const MOST_BYTES: usize = 9_000;

/// Everything the text is made of: what one SQL statement returns.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct View {
    /// What the operation does.
    pub kind: OperationKind,
    /// How far it is.
    pub state: OperationState,
    /// Why it failed, for the user.
    pub failure: Option<String>,
    /// The tenant whose accounts and challenges these are.
    pub tenant: String,
    /// CloudFront's name for the distribution, once it exists.
    pub distribution_domain: Option<String>,
    /// The time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// When the certificate ends.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub certificate_not_after: Option<OffsetDateTime>,
    /// Why the order before the current one came to nothing.
    pub order_spent: Option<String>,
    /// The instance's domains.
    pub domains: Vec<DomainView>,
    /// The steps that are waiting, without `verify-challenge`.
    pub steps: Vec<StepView>,
}

/// A domain as the user sees it.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct DomainView {
    /// The name.
    pub domain: String,
    /// State of its `verify-challenge` step in the newest round; none before the order is placed.
    pub step_state: Option<StepState>,
    /// What the last look saw.
    pub waiting_for: Option<String>,
    /// When that was.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub checked_at: Option<OffsetDateTime>,
    /// When it is looked at again.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub due_at: Option<OffsetDateTime>,
    /// The CA's issuer domain for dns-persist-01, when it offers that.
    pub issuer_domain: Option<String>,
    /// What the standing record is to have for `accounturi`, once an order was placed.
    pub persist_account_uri: Option<String>,
    /// This order's TXT value.
    pub dns01_value: Option<String>,
    /// This order has an http-01 challenge.
    pub has_http01: bool,
    /// The way that was found in place.
    pub method: Option<Method>,
    /// What the CA said when it last turned the domain down.
    pub ca_said: Option<String>,
    /// Another instance has the domain, and its proof can't be seen: from then on it is this one's.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub wins_at: Option<OffsetDateTime>,
    /// This instance has the domain, its proof can't be seen, and another one proves it: from then on it is that one's.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub loses_at: Option<OffsetDateTime>,
    /// When the domain went to another instance.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub lost_at: Option<OffsetDateTime>,
    /// The update ends then, if the domain is never seen in place before.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub gives_up_at: Option<OffsetDateTime>,
}

/// A step that the system is at.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct StepView {
    /// What it does.
    pub kind: StepKind,
    /// What it waits for, after the first attempt.
    pub waiting_for: Option<String>,
    /// When it is tried next.
    #[serde(with = "time::serde::rfc3339")]
    pub due_at: OffsetDateTime,
}

/// The description for `last_operation`. `responder` is the public address of broker-api, for http-01.
pub fn describe(view: &View, responder: &str) -> String {
    let mut text = match (view.state, view.kind) {
        (OperationState::Failed, _) => view.failure.clone().unwrap_or_else(|| "Failed.".to_string()),
        (OperationState::Superseded, OperationKind::Renew) => {
            "Given up: an update or a deletion goes first.".to_string()
        }
        (OperationState::Superseded, _) => "Given up: this service is being deleted instead.".to_string(),
        (OperationState::Succeeded, OperationKind::Update) => format!("Updated. {}", succeeded(view)),
        (OperationState::Succeeded, OperationKind::Deprovision) => "Everything is removed.".to_string(),
        (OperationState::Succeeded, OperationKind::Provision | OperationKind::Renew) => succeeded(view),
        (OperationState::Running, OperationKind::Deprovision) => {
            format!("Removing the service. {}", working(view))
        }
        (OperationState::Running, OperationKind::Provision | OperationKind::Update | OperationKind::Renew) => {
            at_work(view, responder)
        }
    };
    truncate(&mut text, MOST_BYTES);
    text
}

fn succeeded(view: &View) -> String {
    let target = view.distribution_domain.as_deref().unwrap_or("the distribution");
    let mut text = match view.domains.as_slice() {
        [only] => {
            let scheme = if wildcard_of(&only.domain).is_some() {
                ""
            } else {
                "https://"
            };
            format!("{scheme}{} is ready: CNAME it to {target}.", only.domain)
        }
        many => format!("{} domains are ready: CNAME each to {target}.", many.len()),
    };
    if let Some(until) = view.certificate_not_after {
        let _ = write!(text, " The certificate is in place and valid until {}.", until.date());
    }
    text + &ownership(view)
}

/// What of the instance's domains goes, or went, to another instance, and what keeps them; nothing, mostly.
pub fn ownership(view: &View) -> String {
    let mut text = String::new();
    for domain in &view.domains {
        let name = &domain.domain;
        if let Some(at) = domain.lost_at {
            let _ = write!(
                text,
                "\n{name} was proved by another service instance and is its since {}: leave {name} out of this one's domains.",
                moment(at)
            );
        } else if let Some(at) = domain.loses_at {
            let _ = write!(
                text,
                "\nAnother service instance has proved {name}, and nothing proves it for this one any more: it goes over at {}. To \
                 keep it, {}.",
                moment(at),
                what_keeps(view, domain)
            );
        }
    }
    text
}

fn what_keeps(view: &View, domain: &DomainView) -> String {
    let name = &domain.domain;
    let mut ways = Vec::new();
    if let Some(target) = &view.distribution_domain {
        ways.push(format!("CNAME {name} to {target}"));
    }
    ways.extend(set_once(view, domain).map(|record| format!("set TXT {record}")));
    ways.join(", or ")
}

/// Name and value of the standing record, where the CA takes one.
fn set_once(view: &View, domain: &DomainView) -> Option<String> {
    let (issuer, account) = (domain.issuer_domain.as_ref()?, domain.persist_account_uri.as_ref()?);
    let name = &domain.domain;
    let names = view.domains.iter().map(|other| other.domain.as_str());
    Some(format!(
        "{} \"{}\"",
        persist_record_name(name),
        persist_record_value(issuer, account, needs_wildcard_policy(name, names))
    ))
}

fn at_work(view: &View, responder: &str) -> String {
    let orders_anew = orders_anew(view);
    let mut needy: Vec<&DomainView> = view
        .domains
        .iter()
        .filter(|domain| match domain.step_state {
            Some(state) => state == StepState::Waiting && !is_in_place(domain),
            None => orders_anew && domain.ca_said.is_some(),
        })
        .collect();
    needy.sort_by_key(|domain| {
        (
            domain.ca_said.is_none(),
            is_plain_absence(domain),
            domain.domain.clone(),
        )
    });
    let verified: Vec<&str> = view
        .domains
        .iter()
        .filter(|domain| domain.step_state == Some(StepState::Done))
        .map(|domain| domain.domain.as_str())
        .collect();
    let total = view.domains.len();
    let mut text = String::new();
    if needy.is_empty() {
        let _ = write!(text, "Nothing for you to do now. {}", working(view));
    } else {
        text.push_str(&whose_move(&needy, total, orders_anew));
        let mut shown = 0;
        for domain in needy.iter().take(DOMAINS_IN_FULL) {
            let entry = instructions(view, domain, responder);
            if text.len() + entry.len() > MOST_BYTES - 1_500 {
                break;
            }
            text.push_str(&entry);
            shown += 1;
        }
        if shown < needy.len() {
            let names: Vec<&str> = needy[shown..].iter().map(|d| d.domain.as_str()).collect();
            let _ = write!(text, "\nand {} more like these: {}.", names.len(), list(&names, 600));
        }
    }
    if !verified.is_empty() && verified.len() < total {
        let _ = write!(
            text,
            "\nVerified, {} of {total}: {}.",
            verified.len(),
            list(&verified, 400)
        );
    }
    let in_place: Vec<&str> = view
        .domains
        .iter()
        .filter(|domain| {
            domain.step_state == Some(StepState::Waiting) && is_in_place(domain) && domain.wins_at.is_none()
        })
        .map(|domain| domain.domain.as_str())
        .collect();
    if !in_place.is_empty() {
        let _ = write!(
            text,
            "\nIn place, waiting for a time that the operator has set: {}.",
            list(&in_place, 400)
        );
    }
    for domain in view
        .domains
        .iter()
        .filter(|domain| domain.step_state == Some(StepState::Waiting))
    {
        if let Some(at) = domain.wins_at {
            let _ = write!(
                text,
                "\n{}: in place; another service instance has it so far, and nothing proves it for that one any more. It is yours at \
                 {}, if both stay so: leave your record as it is.",
                domain.domain,
                clock(at, view.now)
            );
        }
    }
    if let Some(reason) = &view.order_spent {
        let _ = write!(
            text,
            "\nThe order before this one came to nothing: {}.",
            reason.trim_end_matches('.')
        );
    }
    if !needy.is_empty() && !view.steps.is_empty() {
        let _ = write!(text, "\nMeanwhile: {}", working(view));
    }
    let made = view.steps.iter().any(|step| step.kind.follows_configuration());
    if view.kind == OperationKind::Update && !made {
        text.push_str("\nUntil then the service goes on as it was.");
    }
    text.push_str(&where_to_point(view));
    text
}

/// What the user does with DNS at the end, as far as it can be said by now.
fn where_to_point(view: &View) -> String {
    let new_domains = view.domains.iter().any(|domain| domain.step_state.is_some());
    match &view.distribution_domain {
        Some(target) if view.kind == OperationKind::Provision || new_domains => format!(
            "\nThen: CNAME each domain to {target} once this says \"succeeded\" (before that CloudFront answers 403)."
        ),
        None if view.kind == OperationKind::Provision => {
            "\nThe CloudFront distribution is made once every domain is proved: the name to CNAME them to is shown here then."
                .to_owned()
        }
        _ => String::new(),
    }
}

/// The CA turned domains down, and the next order isn't placed yet: what is to be mended is known already.
fn orders_anew(view: &View) -> bool {
    view.order_spent.is_some() && view.steps.iter().any(|step| step.kind == StepKind::PlaceOrder)
}

/// The first line, when it is the user's move.
fn whose_move(needy: &[&DomainView], total: usize, orders_anew: bool) -> String {
    if orders_anew {
        return format!(
            "Waiting for you: the CA turned down {} of {total} domains. Mend what it says; a new order is being placed.",
            needy.len()
        );
    }
    format!(
        "Waiting for you: {} of {total} domains {} a DNS record{}.",
        needy.len(),
        if needy.len() == 1 { "needs" } else { "need" },
        if needy.iter().copied().all(is_proved) {
            ""
        } else {
            " (any one of the ways shown)"
        },
    )
}

/// How `waiting_for` begins when the record was seen and only time has to pass (`PROP_DELAY`).
pub const IN_PLACE: &str = "it is in place";

pub(crate) fn is_in_place(domain: &DomainView) -> bool {
    seen_begins(domain, IN_PLACE)
}

/// How `waiting_for` begins when the domain is proved, and its CAA records forbid the CA to issue.
pub const PROVED: &str = "it is proved";

fn is_proved(domain: &DomainView) -> bool {
    seen_begins(domain, PROVED)
}

fn seen_begins(domain: &DomainView, words: &str) -> bool {
    domain
        .waiting_for
        .as_deref()
        .is_some_and(|seen| seen.starts_with(words))
}

/// Nothing wrong was seen, there is just nothing there yet.
fn is_plain_absence(domain: &DomainView) -> bool {
    domain
        .waiting_for
        .as_deref()
        .is_none_or(|seen| seen.starts_with("nothing found yet"))
}

fn instructions(view: &View, domain: &DomainView, responder: &str) -> String {
    let name = &domain.domain;
    let mut ways = Vec::new();
    ways.extend(
        set_once(view, domain).map(|record| format!("set once, good for every later certificate: TXT {record}")),
    );
    if let Some(value) = &domain.dns01_value {
        ways.push(format!(
            "for this certificate only: TXT {} \"{value}\"",
            dns01_record_name(name)
        ));
    }
    if domain.has_http01 {
        ways.push(format!(
            "by HTTP: redirect http://{name}{CHALLENGE_PATH}* to {responder}{}*",
            responder_prefix(&view.tenant)
        ));
    }
    if is_proved(domain) {
        ways = vec!["proved; leave that as it is, and change its CAA records".to_owned()];
    }
    // dns-01 and http-01 want other values with each order. Those of the next are known a moment before its domains are looked at.
    if domain.step_state.is_none() && domain.dns01_value.is_none() && !domain.has_http01 {
        ways.push("by a value of the new order, which is shown here once the order is placed".to_owned());
    }
    let mut text = format!("\n{name}: {}", ways.join("\n  or "));
    if let Some(words) = &domain.ca_said {
        let _ = write!(text, "\n  the CA turned it down: {words}");
    }
    match (&domain.waiting_for, domain.checked_at) {
        (Some(seen), Some(at)) => {
            let _ = write!(
                text,
                "\n  seen {}: {}.",
                clock(at, view.now),
                seen.trim_end_matches('.')
            );
        }
        _ if domain.step_state.is_none() => {}
        _ => text.push_str("\n  not looked at yet."),
    }
    if let Some(due) = domain.due_at {
        let _ = write!(text, " Next check {}.", clock(due, view.now));
    }
    if let Some(at) = domain.gives_up_at {
        let _ = write!(
            text,
            "\n  If it is not seen in place by {}, this update ends by itself and changes nothing.",
            clock(at, view.now)
        );
    }
    text
}

/// What the system is doing by itself, in one line.
fn working(view: &View) -> String {
    let mut parts = Vec::new();
    for step in &view.steps {
        let doing = match step.kind {
            StepKind::CreateDistribution => "making the CloudFront distribution",
            StepKind::PlaceOrder => "placing the certificate order",
            StepKind::VerifyChallenge => "looking at the domains",
            StepKind::AnswerChallenges => "asking the CA to verify the domains",
            StepKind::AwaitValidation => "the CA is verifying the domains",
            StepKind::FinalizeOrder => "fetching the certificate",
            StepKind::UploadCertificate => "uploading the certificate",
            StepKind::AttachCertificate => "attaching the certificate and the domains",
            StepKind::ConfigureDistribution => "changing the CloudFront distribution",
            StepKind::AwaitDeployment => "CloudFront is deploying, which takes minutes",
            StepKind::DisableDistribution => "disabling the CloudFront distribution",
            StepKind::DeleteDistribution => "deleting the CloudFront distribution",
            StepKind::SettleFunction => "changing what redirects",
            StepKind::RetireCertificates => "deleting the certificate",
        };
        parts.push(match &step.waiting_for {
            Some(reason) => format!(
                "{doing} ({}; next try {})",
                reason.trim_end_matches('.'),
                clock(step.due_at, view.now)
            ),
            None => doing.to_string(),
        });
    }
    if parts.is_empty() {
        return "Going on in a moment.".to_string();
    }
    let mut sentence = parts.join("; ");
    if let Some(first) = sentence.get(..1) {
        sentence = first.to_uppercase() + &sentence[1..];
    }
    sentence + "."
}

/// Names up to a length, then a count.
fn list(names: &[&str], most_bytes: usize) -> String {
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        if text.len() + name.len() > most_bytes {
            let _ = write!(text, " and {} more", names.len() - at);
            return text;
        }
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
    }
    text
}

/// The time of day, and the day when it is not today.
fn clock(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let (utc, now) = (
        time.to_offset(time::UtcOffset::UTC),
        now.to_offset(time::UtcOffset::UTC),
    );
    if utc.date() != now.date() {
        return moment(time);
    }
    utc.format(format_description!("[hour]:[minute]:[second] UTC"))
        .unwrap_or_default()
}

/// A day and the time of day, for texts that may be read later.
pub fn moment(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
        .unwrap_or_default()
}

fn truncate(text: &mut String, most: usize) {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests;
