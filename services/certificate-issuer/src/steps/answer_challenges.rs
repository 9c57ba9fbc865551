//! answer-challenges: tells the CA, for all domains, that the challenges are ready (RFC 8555 §7.5.1). Idempotent: only
//! challenges that are still pending are answered.

use std::collections::HashMap;

use instant_acme::{AuthorizationStatus, ChallengeHandle, ChallengeStatus, ChallengeType, OrderStatus};
use pipeline::Outcome;
use pipeline::proof::Method;
use pipeline::reason::{CaReason, During, Request, Spent};
use store::Task;
use worker::Stop;

use crate::account::Session;
use crate::ca::Cas;
use crate::client::triage::Trouble;
use crate::client::words::said;

const DOING: Request = Request::AnswerChallenges;
/// A CA may refuse a response because the authorization has just changed; after this many attempts the refusal is taken
/// as final.
const PATIENCE: i32 = 8;

pub(crate) async fn attempt(cas: &Cas, task: &Task) -> Result<Outcome, Stop> {
    let stored = cas.store.order(task).await?;
    if stored.expired {
        return Ok(Outcome::spent(Spent::Expired {
            during: During::Answering,
        }));
    }
    let methods: HashMap<String, Option<Method>> = cas
        .store
        .verified(task)
        .await?
        .into_iter()
        .map(|(authorization, method)| (authorization.domain, method))
        .collect();
    let session = Session::of(cas, &stored, &task.instance.tenant).await?;
    let key_changed = stored.key_generation != session.key_generation;
    let mut order = session.order(&stored, DOING).await?;
    if order.state().status != OrderStatus::Pending {
        // Ready: nothing to answer. Invalid: await-validation reports the reason.
        return Ok(Outcome::DONE);
    }
    let mut refused = None;
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let mut authorization = match next {
            Ok(authorization) => authorization,
            Err(error) => return Err(session.fail(&error, DOING).await),
        };
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        let domain = authorization.identifier().to_string().to_ascii_lowercase();
        let Some(method) = methods.get(&domain).copied().flatten() else {
            // It was valid when the order was placed, and no longer is (RFC 8555 §7.1.6: expired, deactivated).
            return Ok(Outcome::spent(Spent::AnotherProof { domain: Some(domain) }));
        };
        let Some(challenge) = authorization.challenge(challenge_type(method)?) else {
            return Ok(Outcome::spent(Spent::NoLongerOffered { domain, method }));
        };
        if challenge.status != ChallengeStatus::Pending {
            continue;
        }
        if key_changed && method.is_made_with_the_key() {
            // The CA would expect the key authorization of the new key, and fail the validation.
            return Ok(Outcome::spent(Spent::KeyChanged));
        }
        if let Some(why) = answer(&session, challenge, domain, method).await? {
            refused.get_or_insert(why);
        }
    }
    match refused {
        None => Ok(Outcome::DONE),
        Some(why) if task.attempt < PATIENCE => Ok(Outcome::pending(why)),
        Some(why) => Ok(Outcome::failed(capital(&why.to_string()), why.to_string())),
    }
}

/// Answers a domain's challenge (RFC 8555 §7.5.1). Returns the CA's refusal of the answer, if it refuses it.
async fn answer(
    session: &Session<'_>,
    mut challenge: ChallengeHandle<'_>,
    domain: String,
    method: Method,
) -> Result<Option<CaReason>, Stop> {
    let Err(error) = challenge.set_ready().await else {
        tracing::debug!(domain, method = method.as_str(), "answered");
        return Ok(None);
    };
    if session.exchange.last().is_some_and(|answer| answer.status.is_success()) {
        // The challenge has failed already: its error is the CA's verdict, which await-validation reads.
        return Ok(None);
    }
    match session.trouble(&error, DOING).await {
        Trouble::Refused(problem) => Ok(Some(CaReason::AnswerRefused {
            domain,
            said: said(&problem),
        })),
        trouble => Err(session.stop(trouble, DOING).await),
    }
}

/// The challenge type in instant-acme's representation.
fn challenge_type(method: Method) -> Result<ChallengeType, Stop> {
    serde_json::from_value(method.acme_type().into()).map_err(Stop::internal)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
