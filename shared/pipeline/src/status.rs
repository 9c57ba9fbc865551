//! The text that the user reads in `cf service`: derived at read time from the operation and its steps, never stored.
//!
//! The first line says who has to act. Then come the records to set, each on a line of its own, with what all domains
//! share listed once; then what was seen, problems first; then what the system is doing by itself. `lines.rs` handles
//! the display in a terminal.
//!
//! The page has the same facts and the same words: whose move it is (`situation.rs`), what else is to be said
//! (`notes.rs`, `threat.rs`), and how a domain is judged by what was seen (`judged.rs`).

use std::collections::BTreeSet;

use time::OffsetDateTime;

use crate::operation::{OperationKind, OperationState};
use crate::proof::{Challenge, Challenges, Method, Tenancy, ToSet};
use crate::reason::{Look, Reason, stored};
use crate::shown;
use crate::step::{StepKind, StepState};

mod judged;
mod lines;
pub(crate) mod notes;
pub(crate) mod seen;
mod situation;
mod threat;
mod told;
pub(crate) mod ways;
pub(crate) mod words;
pub(crate) mod working;

pub(crate) use judged::{is_in_place, is_plain_absence, is_proved, look, waits_for_the_broker};
use lines::Text;
pub use lines::unfolded;
use notes::Then;
pub use situation::{Situation, Whose, situation};
pub(crate) use threat::Threat;
pub use told::{Danger, endangered, not_renewed, told, waits_for_user};
use words::list;
pub use words::moment;

/// The maximum length of the text. Cloud Controller accepts 64 kB for an operation in progress, and some 16,000
/// characters for one that failed.
const MOST_BYTES: usize = 14_000;
/// The number of domains about to move from another instance that are described in full.
const HANDED_OVER_IN_FULL: usize = 8;

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
    text(view, Some(responder))
}

/// The text. Without an address of the responder it leaves redirects out.
fn text(view: &View, responder: Option<&str>) -> String {
    let situation = situation(view);
    let mut text = Text::default();
    for line in &situation.says {
        text.say(line);
    }
    match (view.state, view.kind) {
        (OperationState::Failed | OperationState::Superseded, _) | (_, OperationKind::Deprovision) => {}
        (OperationState::Succeeded, _) => succeeded(view, &mut text),
        (OperationState::Running, _) => at_work(view, &situation.needy, responder, &mut text),
    }
    let mut text = shown::basic(&text.into_string());
    truncate(&mut text, MOST_BYTES);
    text
}

fn succeeded(view: &View, text: &mut Text) {
    text.record(view.distribution_domain.as_deref().unwrap_or("the distribution"));
    if let Some(renewal) = notes::renewal(view) {
        text.say(&renewal);
    }
    tell_threats(view, text);
}

/// Which of the instance's domains are about to move or have moved to another instance, and how to keep them; usually
/// empty.
pub fn ownership(view: &View) -> String {
    let mut text = Text::default();
    tell_threats(view, &mut text);
    unfolded(&text.into_string())
}

fn tell_threats(view: &View, text: &mut Text) {
    for domain in &view.domains {
        if let Some(threat) = Threat::of(domain) {
            text.say(&threat.said(domain));
            for record in threat.remedies(view, domain).iter().filter_map(ways::line) {
                text.record(&record);
            }
        }
    }
}

impl View {
    pub(crate) fn names(&self) -> Vec<&str> {
        self.domains.iter().map(|domain| domain.domain.as_str()).collect()
    }

    pub(crate) fn tenancy<'a>(&'a self, names: &'a [&'a str]) -> Tenancy<'a> {
        Tenancy {
            tenant: &self.tenant,
            domains: names,
        }
    }

    /// The records of a domain that are valid for every order.
    pub(crate) fn set_once(&self, domain: &DomainView) -> Vec<ToSet> {
        let names = self.names();
        let tenancy = self.tenancy(&names);
        let ways = Method::ALL.into_iter().filter(|method| method.outlasts_its_order());
        ways.filter_map(|method| domain.challenge(method))
            .map(|challenge| challenge.to_set(&domain.domain, &tenancy))
            .collect()
    }
}

impl DomainView {
    /// The challenge of this type, as far as it is known.
    pub(crate) fn challenge(&self, method: Method) -> Option<&Challenge> {
        let challenge = self.challenges.as_ref()?.get(method)?;
        (self.challenges_are_new || method.outlasts_its_order()).then_some(challenge)
    }
}

/// What an operation at work says after its first lines.
fn at_work(view: &View, needy: &[&DomainView], responder: Option<&str>, text: &mut Text) {
    let rest = rest(view, !needy.is_empty());
    if needy.is_empty() {
        return text.append(rest);
    }
    let records = room(text, &rest).saturating_sub(seen::LEAST_ROOM);
    text.append_apart(ways::ways(view, needy, responder, records));
    let seen = seen::seen(view, needy, room(text, &rest));
    text.append_apart(seen);
    text.append_apart(rest);
}

fn room(text: &Text, rest: &Text) -> usize {
    MOST_BYTES.saturating_sub(text.len() + rest.len())
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
        text.say(&format!("{}: {}", domain.domain, notes::goes_over(*at, view.now)));
    }
    if let more @ 1.. = goes_over.len().saturating_sub(HANDED_OVER_IN_FULL) {
        text.say(&format!(
            "{more} more are in place, and another service instance has them so far."
        ));
    }
    for note in notes::notes(view, waits_for_user) {
        text.say(&note);
    }
    match Then::of(view) {
        Some(Then::Point(target)) => {
            text.say(notes::POINT);
            text.record(target);
            text.say(notes::ONCE_IT_SUCCEEDED);
        }
        Some(Then::NotYet) => {
            for line in notes::NOT_YET {
                text.say(line);
            }
        }
        None => {}
    }
    text
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
pub(crate) mod examples;
#[cfg(test)]
mod tests;

#[cfg(test)]
mod wrapping;
