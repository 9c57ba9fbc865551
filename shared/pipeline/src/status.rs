//! The text that the user reads in `cf service`: derived at read time from the operation and its steps, never stored.
//!
//! The first line says who has to act. Then come the records to set, each on a line of its own, with what all domains
//! share listed once; then what was seen, problems first; then what the system is doing by itself. `lines.rs` handles
//! the display in a terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::domain::wildcard_of;
use crate::operation::{OperationKind, OperationState};
use crate::proof::{Challenge, Challenges, Method, Tenancy, ToSet};
use crate::reason::{Look, Reason, stored};
use crate::shown;
use crate::step::{StepKind, StepState};

mod lines;
mod seen;
mod ways;
mod working;

use lines::Text;
pub use lines::unfolded;
use working::{orders, working};

/// The maximum length of the text. Cloud Controller accepts 64 kB for an operation in progress, and some 16,000
/// characters for one that failed.
const MOST_BYTES: usize = 14_000;
/// The number of domains about to move from another instance that are described in full.
const HANDED_OVER_IN_FULL: usize = 8;
/// A platform polls again, and its user reads the text, up to this much later (`patience`): a moment that is nearer has
/// passed by then, so it is not shown.
const NEAR: Duration = Duration::minutes(8);

/// Everything the text is made of: the result of one SQL statement.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct View {
    /// The operation's kind.
    pub kind: OperationKind,
    /// The operation's state.
    pub state: OperationState,
    /// Grows with each record of the operation's steps.
    #[serde(default)]
    pub version: i64,
    /// Why it failed, as shown to the user.
    pub failure: Option<String>,
    /// The tenant whose accounts and challenges these are.
    pub tenant: String,
    /// CloudFront's domain name of the distribution, once it exists.
    pub distribution_domain: Option<String>,
    /// The time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// When the certificate expires.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub certificate_not_after: Option<OffsetDateTime>,
    /// Why the order before the current one could not be completed.
    #[serde(default, with = "stored")]
    pub order_spent: Option<Reason>,
    /// The directory of the CA of the current order, if it was asked in place of one that the plan prefers.
    #[serde(default)]
    pub fallback_to: Option<String>,
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
    /// The result of the last probe.
    #[serde(default, with = "stored")]
    pub waiting_for: Option<Reason>,
    /// When the domain was last probed.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub checked_at: Option<OffsetDateTime>,
    /// When it is probed next.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub due_at: Option<OffsetDateTime>,
    /// The CA's challenges: of this order or, before it is placed, of the previous one.
    pub challenges: Option<Challenges>,
    /// The challenges belong to this order.
    pub challenges_are_new: bool,
    /// The challenge type whose proof was found in place.
    pub method: Option<Method>,
    /// What the CA reported when it last rejected the domain.
    pub ca_said: Option<String>,
    /// Another instance has the domain, and its proof can't be seen: from this time on the domain belongs to this
    /// instance.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub wins_at: Option<OffsetDateTime>,
    /// This instance has the domain, its proof can't be seen, and another instance proves it: from this time on the
    /// domain belongs to that one.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub loses_at: Option<OffsetDateTime>,
    /// When the domain moved to another instance.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub lost_at: Option<OffsetDateTime>,
    /// Since when nothing proves the domain any more, though its instance has it and its certificate is in use.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub proof_gone_at: Option<OffsetDateTime>,
    /// What was seen instead.
    #[serde(default, with = "stored")]
    pub proof_seen: Option<Reason>,
    /// The update fails at this time unless the domain is seen in place before.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub gives_up_at: Option<OffsetDateTime>,
}

/// A step that the system is working on.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct StepView {
    /// The step's kind.
    pub kind: StepKind,
    /// What it waits for, after the first attempt.
    #[serde(default, with = "stored")]
    pub waiting_for: Option<Reason>,
    /// When it is tried next.
    #[serde(with = "time::serde::rfc3339")]
    pub due_at: OffsetDateTime,
}

/// The description for `last_operation`. `responder` is the public address of broker-api, for http-01.
pub fn describe(view: &View, responder: &str) -> String {
    let text = match (view.state, view.kind) {
        (OperationState::Failed, _) => Text::of(view.failure.as_deref().unwrap_or("Failed.")),
        (OperationState::Superseded, OperationKind::Renew) => {
            Text::of("Given up: an update or a deletion takes precedence.")
        }
        (OperationState::Superseded, _) => Text::of("Given up: this service is being deleted instead."),
        (OperationState::Succeeded, OperationKind::Update) => {
            let mut text = Text::of("Updated.");
            succeeded(view, &mut text);
            text
        }
        (OperationState::Succeeded, OperationKind::Deprovision) => Text::of("Everything is removed."),
        (OperationState::Succeeded, OperationKind::Provision | OperationKind::Renew) => {
            let mut text = Text::default();
            succeeded(view, &mut text);
            text
        }
        (OperationState::Running, OperationKind::Deprovision) => {
            Text::of(&format!("Removing the service.\n{}", working(view)))
        }
        (OperationState::Running, OperationKind::Provision | OperationKind::Update | OperationKind::Renew) => {
            at_work(view, responder)
        }
    };
    let mut text = shown::basic(&text.into_string());
    truncate(&mut text, MOST_BYTES);
    text
}

fn succeeded(view: &View, text: &mut Text) {
    let target = view.distribution_domain.as_deref().unwrap_or("the distribution");
    match view.domains.as_slice() {
        [only] => {
            let wildcard = wildcard_of(&only.domain).is_some();
            let scheme = if wildcard { "" } else { "https://" };
            text.say(&format!("{scheme}{} is ready: CNAME it to", only.domain));
        }
        many => text.say(&format!("{} domains are ready: CNAME each to", many.len())),
    }
    text.record(target);
    if let Some(until) = view.certificate_not_after {
        let until = until.date();
        text.say(&format!("The certificate is renewed by itself before {until}."));
    }
    tell_ownership(view, text);
}

/// Which of the instance's domains are about to move or have moved to another instance, and how to keep them; usually
/// empty.
pub fn ownership(view: &View) -> String {
    let mut text = Text::default();
    tell_ownership(view, &mut text);
    unfolded(&text.into_string())
}

fn tell_ownership(view: &View, text: &mut Text) {
    for domain in &view.domains {
        let name = &domain.domain;
        if let Some(at) = domain.lost_at {
            text.say(&format!(
                "{name} was proved by another service instance and has belonged to it since {}: leave {name} out of \
                 this one's domains.",
                moment(at)
            ));
        } else if let Some(at) = domain.loses_at {
            text.say(&format!(
                "Another service instance has proved {name}, and nothing proves it for this one any more: it moves \
                 there at {}. To keep it, set one of these:",
                moment(at)
            ));
            if let Some(target) = &view.distribution_domain {
                text.record(&format!("{name} CNAME {target}"));
            }
            for record in set_once(view, domain) {
                text.record(&record);
            }
        } else if let Some(since) = domain.proof_gone_at {
            tell_gone(view, domain, since, text);
        }
    }
}

/// Nothing is lost yet, but the next renewal waits for the tenant.
fn tell_gone(view: &View, domain: &DomainView, since: OffsetDateTime, text: &mut Text) {
    let seen = domain.proof_seen.as_ref().map(Reason::to_string).unwrap_or_default();
    text.say(&format!(
        "Nothing proves {} any more since {}: {}. Its certificate can't be renewed like this. Set one of these:",
        domain.domain,
        moment(since),
        seen.trim_end_matches('.')
    ));
    for record in set_once(view, domain) {
        text.record(&record);
    }
}

/// The records that are valid for every order.
fn set_once(view: &View, domain: &DomainView) -> Vec<String> {
    let names = view.names();
    let tenancy = view.tenancy(&names);
    let ways = Method::ALL.into_iter().filter(|method| method.outlasts_its_order());
    ways.filter_map(|method| domain.challenge(method))
        .filter_map(|challenge| match challenge.to_set(&domain.domain, &tenancy) {
            ToSet::Txt { name, value } => Some(ways::txt(&name, &value)),
            ToSet::Cname { name, target } => Some(ways::cname(&name, &target)),
            ToSet::Redirect(_) => None,
        })
        .collect()
}

impl View {
    fn names(&self) -> Vec<&str> {
        self.domains.iter().map(|domain| domain.domain.as_str()).collect()
    }

    fn tenancy<'a>(&'a self, names: &'a [&'a str]) -> Tenancy<'a> {
        Tenancy {
            tenant: &self.tenant,
            domains: names,
        }
    }
}

impl DomainView {
    /// The challenge of this type, as far as it is known.
    fn challenge(&self, method: Method) -> Option<&Challenge> {
        let challenge = self.challenges.as_ref()?.get(method)?;
        (self.challenges_are_new || method.outlasts_its_order()).then_some(challenge)
    }
}

fn at_work(view: &View, responder: &str) -> Text {
    let orders_again = orders_again(view);
    let needy = needy(view, orders_again);
    let rest = rest(view, !needy.is_empty());
    let mut text = Text::default();
    match (needy.is_empty(), orders(view)) {
        (false, _) => {
            first_lines(&needy, view.domains.len(), orders_again, &mut text);
            let room = |text: &Text| MOST_BYTES.saturating_sub(text.len() + rest.len());
            let records = room(&text).saturating_sub(seen::LEAST_ROOM);
            text.append_apart(ways::ways(view, &needy, responder, records));
            let seen = seen::seen(view, &needy, room(&text));
            text.append_apart(seen);
        }
        (true, Some(ordering)) => text.append(Text::of(&ordering)),
        (true, None) => match asked_of_user(view) {
            Some(asked) => text.say(&format!("Waiting for you: {asked}.")),
            None => {
                text.say("Nothing for you to do now.");
                text.say(&working(view));
            }
        },
    }
    if needy.is_empty() {
        text.append(rest);
    } else {
        text.append_apart(rest);
    }
    text
}

/// The domains that wait for the user, those with a problem first.
fn needy(view: &View, orders_again: bool) -> Vec<&DomainView> {
    let waits = |domain: &&DomainView| match domain.step_state {
        Some(state) => state == StepState::Waiting && !is_in_place(domain) && !waits_for_the_broker(domain),
        None => orders_again && domain.ca_said.is_some(),
    };
    let mut needy: Vec<&DomainView> = view.domains.iter().filter(waits).collect();
    needy.sort_by_key(|domain| {
        (
            domain.ca_said.is_none(),
            is_plain_absence(domain),
            domain.domain.as_str(),
        )
    });
    needy
}

/// Domains whose tenant has done their part by a CNAME, and the broker's name servers that some wait for.
fn tell_unpublished<'a>(domains: impl Iterator<Item = &'a DomainView>, text: &mut Text) {
    let domains: Vec<&DomainView> = domains.collect();
    if domains.is_empty() {
        return;
    }
    let names: Vec<&str> = domains.iter().map(|domain| domain.domain.as_str()).collect();
    let names = list(&names, 400);
    let looks = domains.iter().filter_map(|domain| look(domain));
    let lagging: BTreeSet<String> = looks.flat_map(Look::lagging).map(str::to_owned).collect();
    let lagging = match lagging.is_empty() {
        true => String::new(),
        false => format!(" Not all of it has reached {} yet.", shown::few(lagging.into_iter())),
    };
    text.say(&format!(
        "The CNAME is in place, the broker publishes the CA's value: {names}.{lagging}"
    ));
}

/// What is done, what others are doing, and what follows.
fn rest(view: &View, waits_for_user: bool) -> Text {
    let mut text = Text::default();
    let of = |state: StepState| {
        view.domains
            .iter()
            .filter(move |domain| domain.step_state == Some(state))
    };
    let verified: Vec<&str> = of(StepState::Done).map(|domain| domain.domain.as_str()).collect();
    let total = view.domains.len();
    if !verified.is_empty() && verified.len() < total {
        let (count, names) = (verified.len(), list(&verified, 400));
        text.say(&format!("Verified, {count} of {total}: {names}."));
    }
    let in_place: Vec<&str> = of(StepState::Waiting)
        .filter(|domain| is_in_place(domain) && domain.wins_at.is_none())
        .map(|domain| domain.domain.as_str())
        .collect();
    if !in_place.is_empty() {
        let names = list(&in_place, 400);
        text.say(&format!(
            "In place, waiting for a time that the operator has set: {names}."
        ));
    }
    tell_unpublished(
        of(StepState::Waiting).filter(|domain| waits_for_the_broker(domain)),
        &mut text,
    );
    let goes_over: Vec<(&DomainView, OffsetDateTime)> = of(StepState::Waiting)
        .filter_map(|domain| Some((domain, domain.wins_at?)))
        .collect();
    for (domain, at) in goes_over.iter().take(HANDED_OVER_IN_FULL) {
        text.say(&format!(
            "{}: in place; another service instance has it so far, and nothing proves it for that one any more. It becomes yours at \
             {}, if nothing changes: leave your record in place.",
            domain.domain,
            clock(*at, view.now)
        ));
    }
    if let more @ 1.. = goes_over.len().saturating_sub(HANDED_OVER_IN_FULL) {
        text.say(&format!(
            "{more} more are in place, and another service instance has them so far."
        ));
    }
    if let Some(reason) = &view.order_spent {
        let reason = reason.to_string();
        let reason = reason.trim_end_matches('.');
        text.say(&format!("The previous order failed: {reason}."));
    }
    if let Some(host) = view.fallback_to.as_deref().and_then(|url| url.split('/').nth(2)) {
        text.say(&format!(
            "The certificate is ordered from {host} this time: the CA that comes first takes no order now."
        ));
    }
    if waits_for_user && !view.steps.is_empty() {
        text.say(&format!("Meanwhile: {}", working(view)));
    }
    let made = view.steps.iter().any(|step| step.kind.follows_configuration());
    if view.kind == OperationKind::Update && !made {
        text.say("Until then the service keeps working unchanged.");
    }
    where_to_point(view, &mut text);
    text
}

/// The user's final DNS change, as far as it is known yet.
fn where_to_point(view: &View, text: &mut Text) {
    let new_domains = view.domains.iter().any(|domain| domain.step_state.is_some());
    match &view.distribution_domain {
        Some(target) if view.kind == OperationKind::Provision || new_domains => {
            text.say("Then: CNAME each domain to");
            text.record(target);
            text.say("once this says \"succeeded\" (before that CloudFront answers 403).");
        }
        None if view.kind == OperationKind::Provision => {
            text.say("The CloudFront distribution is made once every domain is proved:");
            text.say("the name to CNAME them to is shown here then.");
        }
        _ => {}
    }
}

fn asked_of_user(view: &View) -> Option<String> {
    let mut reasons = view.steps.iter().filter_map(|step| step.waiting_for.as_ref());
    reasons.find(|reason| reason.waits_for_user()).map(Reason::to_string)
}

/// The CA rejected domains, and the next order isn't placed yet: what has to be fixed is known already.
fn orders_again(view: &View) -> bool {
    view.order_spent.is_some() && view.steps.iter().any(|step| step.kind == StepKind::PlaceOrder)
}

/// The first lines, when the user has to act.
fn first_lines(needy: &[&DomainView], total: usize, orders_again: bool, text: &mut Text) {
    let count = needy.len();
    let domains = if total == 1 { "domain" } else { "domains" };
    if orders_again {
        text.say(&format!(
            "Waiting for you: the CA rejected {count} of {total} {domains}."
        ));
        return text.say("Fix what it says; a new order is being placed.");
    }
    let need = if count == 1 { "needs" } else { "need" };
    text.say(&format!(
        "Waiting for you: {count} of {total} {domains} {need} a DNS record."
    ));
    if !needy.iter().copied().all(is_proved) {
        let each = if count == 1 { "Any" } else { "For each of them any" };
        text.say(&format!("{each} one of the ways shown is enough."));
    }
}

fn look(domain: &DomainView) -> Option<&Look> {
    domain.waiting_for.as_ref().and_then(Reason::look)
}

/// The record was seen, and only time has to pass.
pub(crate) fn is_in_place(domain: &DomainView) -> bool {
    look(domain).is_some_and(|look| look.ready().is_some())
}

/// The CNAME was seen, and the rest is the broker's.
fn waits_for_the_broker(domain: &DomainView) -> bool {
    look(domain).is_some_and(Look::waits_for_the_broker)
}

/// It is proved, but its CAA records forbid the CA to issue.
fn is_proved(domain: &DomainView) -> bool {
    look(domain).is_some_and(Look::is_held_by_caa)
}

/// Nothing wrong was seen; the records are just not set yet.
fn is_plain_absence(domain: &DomainView) -> bool {
    domain.waiting_for.is_none() || look(domain).is_some_and(Look::is_plain_absence)
}

/// Capitalizes the first letter, as at the beginning of a sentence.
fn capitalized(words: &str) -> String {
    let mut chars = words.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Names up to a total length, then a count.
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

/// The time of day, and the date when it is not today.
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

/// A moment in the future, if it will not have passed when it is read.
fn later(time: OffsetDateTime, now: OffsetDateTime) -> Option<String> {
    (time - now > NEAR).then(|| clock(time, now))
}

/// A date and time of day, for texts that may be read later.
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

#[cfg(test)]
mod wrapping;
