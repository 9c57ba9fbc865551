//! What an operator can have done to an instance. Each action asks on a page of its own, and is done by the form there; the store records it
//! with the person's name in the same transaction.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest as _, Path, Query, Request, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use store::operator::{Cancelled, Dossier, RenewNow};
use store::{Actor, Via};
use tokio::time::timeout;
use uuid::Uuid;

use crate::operator::OperatorPage;
use crate::operator::form::{Says, is_from_the_page};
use crate::operator::login::Who;
use crate::operator::outcome::Outcome;
use crate::operator::refusal::Refusal;
use crate::operator::view;

/// The most bytes of a form: a reason, a domain's name, and a token.
pub(super) const MOST_BYTES: usize = 8_192;
/// The most characters of a reason, which the user reads.
const LONGEST_WHY: usize = 500;
/// When the next renewal is due after one was given up: cdnctl's default.
const REST: Duration = Duration::from_secs(3_600);

/// An action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Has waiting steps tried now.
    Retry,
    /// Renews the certificate now.
    Renew,
    /// Ends the operation that runs.
    Cancel,
    /// Takes a domain away.
    Release,
    /// Gives the status page another link.
    NewLink,
}

impl Action {
    const ALL: [Self; 5] = [Self::Retry, Self::Renew, Self::Cancel, Self::Release, Self::NewLink];

    /// Its name in addresses, and in what a form's token says.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Renew => "renew",
            Self::Cancel => "cancel",
            Self::Release => "release",
            Self::NewLink => "new-link",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// What an action is about to do, and asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asks {
    pub(super) action: Action,
    /// The operation or the domain; empty where the instance says it all.
    pub(super) subject: String,
    pub(super) question: String,
    pub(super) says: Vec<&'static str>,
    pub(super) button: &'static str,
    /// Domains are held after the CA rejected them.
    pub(super) has_held: bool,
}

impl Asks {
    /// What is asked before the action; or why there is nothing to ask.
    pub(super) fn of(dossier: &Dossier, action: Action, subject: &str, has_pages: bool) -> Result<Self, Outcome> {
        let now = dossier.read_at;
        let asks = |subject: &str, question: String, says: Vec<&'static str>, button| Self {
            action,
            subject: subject.to_owned(),
            question,
            says,
            button,
            has_held: action == Action::Retry
                && dossier
                    .challenges
                    .iter()
                    .any(|challenge| challenge.held_until.is_some_and(|until| until > now)),
        };
        let running = dossier.operations.iter().find(|operation| operation.state == "running");
        match action {
            Action::Retry => Ok(asks(
                "",
                "Retry what waits?".to_owned(),
                vec![
                    "Every waiting step of the running operation becomes due now, and the services' sweepers start it within SWEEP_INTERVAL \
                     (15 s). A renewal that waits after a failed one is started.",
                ],
                "Retry now",
            )),
            Action::Renew => Ok(asks(
                "",
                "Renew the certificate now?".to_owned(),
                vec![
                    "A new certificate is ordered, whether it is time or not; the old one is used until the new one is attached.",
                    "Mind the CA's limits: Let's Encrypt issues five certificates a week for the same set of names.",
                ],
                "Renew now",
            )),
            Action::Cancel => match running {
                None => Err(Outcome::NothingRuns),
                Some(operation) if operation.kind == "deprovision" => Err(Outcome::Removal),
                Some(operation) => Ok(asks(
                    &operation.id.to_string(),
                    format!("Cancel the {} that runs?", operation.kind),
                    vec![
                        "A provision or update fails, and its user reads your reason. Part of an update may just have been written to \
                         CloudFront: cdnctl drift shows it, and the next update corrects it.",
                        "A renewal is given up; the next one is due in an hour, and continues with its order or certificate.",
                        "A cancellation can't be undone.",
                    ],
                    "Cancel the operation",
                )),
            },
            Action::Release => {
                let has = |domain: &&str| {
                    let mut all = dossier.challenges.iter();
                    all.any(|challenge| challenge.proved && challenge.domain == **domain)
                };
                match Some(subject).filter(has) {
                    None => Err(Outcome::NotHeld),
                    Some(domain) => Ok(asks(
                        domain,
                        format!("Take {domain} from this instance?"),
                        vec![
                            "The next instance that proves the domain gets it at once. The distribution serves the domain until then, and \
                             its next renewal leaves the domain out.",
                            "A running update or creation of this instance that wants the domain fails. The instance gets the domain back by \
                             an update, if it proves it first.",
                        ],
                        "Release the domain",
                    )),
                }
            }
            Action::NewLink if !has_pages => Err(Outcome::NoPages),
            Action::NewLink if dossier.deleted_at.is_some() => Err(Outcome::Removed),
            Action::NewLink => Ok(asks(
                "",
                "Make a new link to the status page?".to_owned(),
                vec![
                    "The link before it, or its revocation, ends at once. The platform shows the old one until its next update or fetch of the \
                     instance.",
                ],
                "Make a new link",
            )),
        }
    }
}

/// The address of an action.
#[derive(Deserialize)]
pub(super) struct Where {
    id: String,
    action: String,
}

/// What an action is about, where the instance doesn't say it all.
#[derive(Deserialize)]
pub(super) struct About {
    #[serde(default)]
    subject: String,
}

/// What a form contains.
#[derive(Deserialize)]
struct Sent {
    form: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    why: String,
    held: Option<String>,
}

/// The page that asks. It changes nothing.
pub(super) async fn confirm(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    path: Result<Path<Where>, PathRejection>,
    about: Result<Query<About>, QueryRejection>,
) -> Result<Response, Refusal> {
    let (id, action) = wanted(path)?;
    let Ok(Query(About { subject })) = about else {
        return Err(Refusal::NotFound);
    };
    let turn = page.turn().await?;
    let dossier = page.dossier(&id).await?;
    drop(turn);
    match Asks::of(&dossier, action, &subject, page.broker.pages.is_some()) {
        Err(outcome) => Ok(Redirect::to(&outcome.address(&id)).into_response()),
        Ok(asks) => {
            let says = Says {
                who: &who.0,
                action,
                instance: &id,
                subject: &asks.subject,
            };
            let token = says.token(&page.keys, dossier.read_at.unix_timestamp());
            Ok(Html(view::confirm(&who.0, &dossier, asks, token)?).into_response())
        }
    }
}

/// The form of that page.
pub(super) async fn act(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    path: Result<Path<Where>, PathRejection>,
    request: Request,
) -> Result<Redirect, Refusal> {
    let (id, action) = wanted(path)?;
    if !is_from_the_page(request.headers()) {
        return Err(Refusal::Foreign);
    }
    // It is nobody's turn while a body is on its way.
    let read = timeout(page.broker.body_timeout, Form::<Sent>::from_request(request, &())).await;
    let Some(Form(sent)) = read.ok().and_then(Result::ok) else {
        return Err(Refusal::Foreign);
    };
    let _turn = page.turn().await?;
    let dossier = page.dossier(&id).await?;
    let says = Says {
        who: &who.0,
        action,
        instance: &id,
        subject: &sent.subject,
    };
    if !says.has(&page.keys, &sent.form, dossier.read_at.unix_timestamp()) {
        return Err(Refusal::Foreign);
    }
    let outcome = done(&page, &who.0, &id, action, sent).await?;
    Ok(Redirect::to(&outcome.address(&id)))
}

fn wanted(path: Result<Path<Where>, PathRejection>) -> Result<(String, Action), Refusal> {
    let Ok(Path(Where { id, action })) = path else {
        return Err(Refusal::NotFound);
    };
    let action = Action::named(&action).ok_or(Refusal::NotFound)?;
    Ok((id, action))
}

async fn done(page: &OperatorPage, who: &str, id: &str, action: Action, sent: Sent) -> Result<Outcome, Refusal> {
    let (broker, store) = (&page.broker, &page.broker.store);
    let acting = store.acting(Actor {
        who: who.to_owned(),
        via: Via::OperatorPage,
    });
    let outcome = match action {
        Action::Retry => {
            let steps = acting.retry_now(id, sent.held.is_some()).await?;
            if steps.iter().any(|step| step.held_until.is_none()) {
                Outcome::Retried
            } else if !steps.is_empty() {
                Outcome::AllHeld
            } else if store.renewal_rests(id).await? {
                renewed(&acting.renew_now(id, &broker.schedules).await?)
            } else {
                Outcome::NothingWaits
            }
        }
        Action::Renew => renewed(&acting.renew_now(id, &broker.schedules).await?),
        Action::Cancel => match (sent.subject.parse::<Uuid>(), why(&sent.why)) {
            (Err(_), _) => Outcome::NothingRuns,
            (Ok(_), None) => Outcome::NoReason,
            // Only the operation that was confirmed: another may run by now.
            (Ok(operation), Some(why)) => match acting.cancel(id, operation, &why, REST).await? {
                Cancelled::Unknown | Cancelled::NothingRuns => Outcome::NothingRuns,
                Cancelled::Removal => Outcome::Removal,
                Cancelled::Failed { .. } => Outcome::Cancelled,
                Cancelled::Renewal { .. } => Outcome::GivenUp,
            },
        },
        Action::Release => match acting.release(id, &sent.subject).await? {
            true => Outcome::Released,
            false => Outcome::NotHeld,
        },
        Action::NewLink => match &broker.pages {
            None => Outcome::NoPages,
            Some(pages) => match acting.new_page_link(id, pages.links.lifetime()).await? {
                Some(_) => Outcome::NewLink,
                None => Outcome::Removed,
            },
        },
    };
    tracing::info!(
        operator = who,
        instance = id,
        action = action.name(),
        subject = sent.subject,
        outcome = outcome.name(),
        "an action on the operator's page"
    );
    Ok(outcome)
}

fn renewed(what: &RenewNow) -> Outcome {
    match what {
        RenewNow::Begun => Outcome::RenewalBegun,
        RenewNow::Unknown | RenewNow::Removed => Outcome::Removed,
        RenewNow::NoCertificate => Outcome::NoCertificate,
        RenewNow::AtWork(_) => Outcome::AtWork,
    }
}

/// A reason that a user can read: one line that says something.
fn why(text: &str) -> Option<String> {
    let text = text.trim();
    let is_good = !text.is_empty() && text.chars().count() <= LONGEST_WHY && !text.chars().any(char::is_control);
    is_good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::view::examples;

    #[test]
    fn what_an_action_asks() {
        let mut dossier = examples::dossier();
        let asked = |dossier: &Dossier, action, subject: &str| {
            Asks::of(dossier, action, subject, true).map(|asks| (asks.question, asks.subject, asks.has_held))
        };
        let running = dossier.operations.last().unwrap().id.to_string();
        assert_eq!(
            asked(&dossier, Action::Cancel, "whatever is sent"),
            Ok(("Cancel the update that runs?".to_owned(), running, false))
        );
        assert_eq!(
            asked(&dossier, Action::Release, "www.example.com"),
            Ok((
                "Take www.example.com from this instance?".to_owned(),
                "www.example.com".to_owned(),
                false
            ))
        );
        for not_held in ["api.example.com", "elsewhere.example", ""] {
            assert_eq!(
                asked(&dossier, Action::Release, not_held),
                Err(Outcome::NotHeld),
                "{not_held}"
            );
        }
        assert!(asked(&dossier, Action::Retry, "").unwrap().2, "a domain is held");
        assert_eq!(Asks::of(&dossier, Action::NewLink, "", false), Err(Outcome::NoPages));
        dossier.deleted_at = Some(dossier.read_at);
        assert_eq!(asked(&dossier, Action::NewLink, ""), Err(Outcome::Removed));
        dossier.operations.last_mut().unwrap().kind = "deprovision".to_owned();
        assert_eq!(asked(&dossier, Action::Cancel, ""), Err(Outcome::Removal));
        dossier.operations.pop();
        assert_eq!(asked(&dossier, Action::Cancel, ""), Err(Outcome::NothingRuns));
    }

    #[test]
    fn a_reason_is_one_line_that_says_something() {
        assert_eq!(why(" the origin is gone "), Some("the origin is gone".to_owned()));
        for bad in ["", "  ", "a\nb", "\x1b[2J", &"x".repeat(501)] {
            assert_eq!(why(bad), None, "{bad:?}");
        }
    }
}
