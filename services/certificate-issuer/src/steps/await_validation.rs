//! await-validation: one request for the whole order (RFC 8555 §7.4) until the CA has validated every authorization.

use instant_acme::{AuthorizationState, AuthorizationStatus, ChallengeStatus, Order, OrderStatus, Problem};
use pipeline::reason::{CaReason, During, Request, Spent};
use pipeline::{Outcome, Rejection, Verdict};
use store::Task;
use worker::Stop;

use crate::account::Session;
use crate::ca::Cas;
use crate::client::words::said;
use crate::steps::caa_refusal::{given_up, is_about_caa};

const DOING: Request = Request::ReadValidation;
/// Boulder never reports `processing`, so a pending authorization doesn't show whether its validation is still running.
/// After this many attempts (some minutes by the default schedule) it counts as settled.
const PATIENCE: i32 = 7;

pub(crate) async fn attempt(cas: &Cas, task: &Task) -> Result<Outcome, Stop> {
    let stored = cas.store.order(task).await?;
    let session = Session::of(cas, &stored, &task.instance.tenant).await?;
    let mut order = session.order(&stored, DOING).await?;
    let retry_after = session.exchange.poll_after();
    match order.state().status {
        OrderStatus::Ready | OrderStatus::Processing | OrderStatus::Valid => Ok(Outcome::DONE),
        OrderStatus::Pending if stored.expired => Ok(Outcome::spent(Spent::Expired {
            during: During::Validating,
        })),
        OrderStatus::Pending => Ok(Outcome::pending_for(CaReason::Validating, retry_after)),
        OrderStatus::Invalid => {
            let judged = judge(&session, &mut order, task.attempt).await?;
            let given_up = given_up(cas, task, &stored, judged.about_caa.as_ref()).await?;
            Ok(given_up.unwrap_or(judged.outcome))
        }
    }
}

/// The order is invalid (RFC 8555 §7.1.6: one invalid authorization is enough). Which domains caused it is known once
/// the CA has finished all validations: until then no new order requests one of them again.
async fn judge(session: &Session<'_>, order: &mut Order, attempt: i32) -> Result<Judged, Stop> {
    let order_error = order.state().error.as_ref().map(said);
    let mut rejections = Vec::new();
    let mut unsettled = 0;
    let mut about_caa = None;
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let authorization = match next {
            Ok(authorization) => authorization,
            Err(error) => return Err(session.fail(&error, DOING).await),
        };
        let error = authorization
            .challenges
            .iter()
            .find_map(|challenge| challenge.error.as_ref());
        about_caa = about_caa.or_else(|| error.filter(|problem| is_about_caa(problem)).cloned());
        match settle(&authorization, attempt) {
            Settled::Blamed(rejection) => rejections.push(rejection),
            Settled::NotYet => unsettled += 1,
            Settled::Blameless => {}
        }
    }
    if unsettled > 0 {
        let outcome = Outcome::pending(CaReason::StillValidating {
            turned_down: rejections.len(),
            left: unsettled,
        });
        return Ok(Judged {
            outcome,
            about_caa: None,
        });
    }
    let reason = match (rejections.as_slice(), order_error) {
        ([], said) => Spent::Invalid { said },
        ([only], _) => Spent::OneTurnedDown {
            domain: only.domain.clone(),
        },
        (many, _) => Spent::TurnedDown { count: many.len() },
    };
    Ok(Judged {
        outcome: Outcome::Done(Verdict::OrderSpent { reason, rejections }),
        about_caa,
    })
}

/// An invalid order's result.
struct Judged {
    outcome: Outcome,
    /// The first validation that failed because of CAA records.
    about_caa: Option<Problem>,
}

enum Settled {
    /// Validation failed, with the CA's reason.
    Blamed(Rejection),
    /// Did not cause the failure.
    Blameless,
    /// The CA is still validating.
    NotYet,
}

fn settle(authorization: &AuthorizationState, attempt: i32) -> Settled {
    match authorization.status {
        AuthorizationStatus::Invalid => Settled::Blamed(Rejection {
            domain: authorization.identifier().to_string().to_ascii_lowercase(),
            reason: authorization
                .challenges
                .iter()
                .find_map(|challenge| challenge.error.as_ref())
                .map_or_else(|| "no reason was given".to_string(), said),
        }),
        AuthorizationStatus::Pending => {
            let at_work = authorization
                .challenges
                .iter()
                .any(|challenge| challenge.status == ChallengeStatus::Processing);
            if at_work || attempt < PATIENCE {
                Settled::NotYet
            } else {
                Settled::Blameless
            }
        }
        _ => Settled::Blameless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(status: &str, challenge: &str) -> AuthorizationState {
        serde_json::from_str(&format!(
            r#"{{"identifier":{{"type":"dns","value":"A.example"}},"status":"{status}","challenges":[
                {{"type":"http-01","url":"https://ca/1","token":"t","status":"pending"}},
                {{"type":"dns-01","url":"https://ca/2","token":"t",{challenge}}}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn only_what_the_ca_is_done_with_is_judged() {
        let failed = r#""status":"invalid","error":{"type":"urn:ietf:params:acme:error:dns","detail":"NXDOMAIN looking up TXT"}"#;
        let Settled::Blamed(rejection) = settle(&authorization("invalid", failed), 0) else {
            panic!("not blamed");
        };
        assert_eq!(rejection.domain, "a.example");
        assert_eq!(rejection.reason, "NXDOMAIN looking up TXT (dns)");
        for (status, challenge, attempt, not_yet) in [
            ("pending", r#""status":"processing""#, 1000, true),
            ("pending", r#""status":"pending""#, 0, true),
            ("pending", r#""status":"pending""#, PATIENCE, false),
            ("valid", r#""status":"valid""#, 0, false),
            ("expired", r#""status":"pending""#, 0, false),
            ("deactivated", r#""status":"valid""#, 0, false),
        ] {
            let settled = settle(&authorization(status, challenge), attempt);
            assert_eq!(
                matches!(settled, Settled::NotYet),
                not_yet,
                "{status} {challenge} {attempt}"
            );
            assert!(!matches!(settled, Settled::Blamed(_)), "{status}");
        }
    }
}
