//! finalize-order: sends the CSR to the CA and downloads the certificate (RFC 8555 §7.4, §7.4.2). The key is stored in
//! the database before the CSR is sent, and the certificate is stored before anything else happens: it is never
//! requested twice.

use instant_acme::{Order, OrderStatus, Problem};
use pipeline::reason::{CaReason, Request, Spent};
use pipeline::{Outcome, Rejection, Verdict};
use secrecy::SecretBox;
use store::{NewCertificate, Task};
use telemetry::with_causes;
use uuid::Uuid;
use worker::Stop;

use crate::account::Session;
use crate::ca::Cas;
use crate::certificate::{Flaw, check, new_key, signing_request};
use crate::chain::{alternates, is_issued_by};
use crate::client::triage::Trouble;
use crate::client::words::{cause, of_order, per_domain, said, short_type};
use crate::steps::caa_refusal::given_up;

const DOING: Request = Request::Certificate;
/// A CA with several replicas may return an older state of the order: for this many attempts (a minute and a half by
/// the default schedule) an order that was ready is not given up because it is pending again.
const PATIENCE: i32 = 5;

pub(crate) async fn attempt(cas: &Cas, task: &Task) -> Result<Outcome, Stop> {
    let stored = cas.store.order(task).await?;
    let session = Session::of(cas, &stored, &task.instance.tenant).await?;
    let mut order = session.order(&stored, DOING).await?;
    if order.state().status == OrderStatus::Ready {
        let key = certificate_key(cas, task, stored.id).await?;
        let request = signing_request(&task.instance.domains, &key).map_err(Stop::internal)?;
        // A worker that was frozen until now must not finalize an order that a newer operation has taken over.
        cas.store.ensure_current(task).await?;
        if let Err(error) = order.finalize_csr(&request).await {
            return Err(match session.trouble(&error, DOING).await {
                Trouble::Refused(problem) => match given_up(cas, task, &stored, Some(&problem)).await? {
                    Some(outcome) => outcome.into(),
                    None => refused(&session, &mut order, &problem, &task.instance.domains)
                        .await?
                        .into(),
                },
                trouble => after_the_order(&session, trouble).await,
            });
        }
    }
    match order.state().status {
        OrderStatus::Valid => fetch(cas, &session, &mut order, stored.id, task).await,
        OrderStatus::Processing | OrderStatus::Ready => {
            Ok(Outcome::pending_for(CaReason::Issuing, session.exchange.poll_after()))
        }
        OrderStatus::Invalid => {
            let error = order.state().error.as_ref();
            let given_up = given_up(cas, task, &stored, error).await?;
            Ok(given_up.unwrap_or_else(|| invalid(error, &task.instance.domains)))
        }
        OrderStatus::Pending => Ok(pending_again(task.attempt)),
    }
}

fn pending_again(attempt: i32) -> Outcome {
    if attempt < PATIENCE {
        Outcome::pending(CaReason::NoLongerReady)
    } else {
        Outcome::spent(Spent::AnotherProof { domain: None })
    }
}

/// Classifies a failed request after the order itself was just read. The order's URLs may not be available on all of
/// the CA's replicas yet, and only a GET of the order tells that it is gone: otherwise a second certificate would be
/// ordered.
async fn after_the_order(session: &Session<'_>, trouble: Trouble) -> Stop {
    match trouble {
        Trouble::Gone => Outcome::pending(CaReason::CertificateNotYet).into(),
        trouble => session.stop(trouble, DOING).await,
    }
}

/// The order's key: the first that was stored for it, by any worker.
async fn certificate_key(cas: &Cas, task: &Task, order: Uuid) -> Result<SecretBox<Vec<u8>>, Stop> {
    let of_plan = task.instance.settings.certificate_key_type;
    let key_type = of_plan.unwrap_or(cas.key_type);
    let fresh = tokio::task::spawn_blocking(move || new_key(key_type))
        .await
        .map_err(Stop::internal)?
        .map_err(Stop::internal)?;
    Ok(cas.store.certificate_key(&cas.ring, task, order, &fresh).await?)
}

async fn fetch(
    cas: &Cas,
    session: &Session<'_>,
    order: &mut Order,
    order_id: Uuid,
    task: &Task,
) -> Result<Outcome, Stop> {
    let chain = match order.certificate().await {
        Ok(Some(chain)) => chain,
        Ok(None) => return Ok(Outcome::pending(CaReason::Issuing)),
        Err(error) => return Err(after_the_order(session, session.trouble(&error, DOING).await).await),
    };
    let key = certificate_key(cas, task, order_id).await?;
    let domains = &task.instance.domains;
    let chain = match session.ca.settings.preferred_chain.as_deref() {
        Some(root) if !is_issued_by(&chain, root) => {
            let other = other_chain(session, root).await;
            // A chain was downloaded already, so a problem with the alternate one doesn't matter.
            other
                .filter(|other| check(other, domains, &key, task.now).is_ok())
                .unwrap_or(chain)
        }
        _ => chain,
    };
    let validity = match check(&chain, domains, &key, task.now) {
        Ok(validity) => validity,
        Err(flaw) => return flawed(&flaw),
    };
    let new = NewCertificate {
        names: domains.clone(),
        chain_pem: chain,
        not_before: validity.not_before,
        not_after: validity.not_after,
    };
    cas.store.store_certificate(task, order_id, &new).await?;
    tracing::info!(names = domains.len(), not_after = %new.not_after, "certificate stored");
    Ok(Outcome::DONE)
}

/// The chain to that root, if the CA offers it as an alternate to the one that it just returned (RFC 8555 §7.4.2).
async fn other_chain(session: &Session<'_>, root: &str) -> Option<String> {
    let given = session.exchange.last()?;
    for url in alternates(&given.headers) {
        match session.get(&url).await {
            Ok(answer) => {
                let chain = String::from_utf8(answer.body.to_vec()).unwrap_or_default();
                if is_issued_by(&chain, root) {
                    return Some(chain);
                }
            }
            Err(error) => tracing::warn!(url, error = with_causes(&error), "another chain can't be fetched"),
        }
    }
    tracing::warn!(
        root,
        "the CA offers no chain under the preferred root: its default chain is used"
    );
    None
}

/// The outcome when the certificate doesn't match the request.
fn flawed(flaw: &Flaw) -> Result<Outcome, Stop> {
    match flaw {
        Flaw::Unreadable(_) => Err(Stop::because(CaReason::CertificateUnreadable, flaw.to_string())),
        Flaw::NotYet(_) => Ok(Outcome::pending(CaReason::CertificateNotValidYet)),
        // Its key is lost, or the order is an old one: a new order yields a new certificate.
        Flaw::Key | Flaw::Expired(_) => Ok(Outcome::spent(Spent::Useless { flaw: flaw.to_string() })),
        Flaw::Names { .. } | Flaw::Chain => Ok(Outcome::failed(
            format!("The CA's certificate is not what was asked for: {flaw}. Tell the broker's operator."),
            format!("certificate check: {flaw}"),
        )),
    }
}

/// The outcome when the CA refused to finalize. Some CAs then make the order invalid (they check CAA once more), and a
/// new order may succeed.
async fn refused(
    session: &Session<'_>,
    order: &mut Order,
    problem: &Problem,
    domains: &[String],
) -> Result<Outcome, Stop> {
    if let Err(error) = order.refresh().await {
        return Err(session.fail(&error, DOING).await);
    }
    Ok(match order.state().status {
        OrderStatus::Invalid => {
            let told = order.state().error.clone();
            invalid(Some(told.as_ref().unwrap_or(problem)), domains)
        }
        // Another attempt finalized it first.
        OrderStatus::Processing | OrderStatus::Valid => Outcome::pending(CaReason::Issuing),
        OrderStatus::Ready | OrderStatus::Pending => fatal(problem),
    })
}

fn fatal(problem: &Problem) -> Outcome {
    Outcome::failed(
        format!(
            "The CA refuses to issue the certificate: {}. Fix what it names, or tell the broker's operator.",
            said(problem)
        ),
        cause(DOING, problem),
    )
}

/// The outcome when the order became invalid during finalization.
fn invalid(error: Option<&Problem>, domains: &[String]) -> Outcome {
    let Some(problem) = error else {
        return Outcome::spent(Spent::Invalid { said: None });
    };
    let mut rejections = per_domain(problem);
    for rejection in &mut rejections {
        rejection.domain = of_order(&rejection.domain, domains);
    }
    match short_type(problem.r#type.as_deref()).unwrap_or_default() {
        "badCSR" | "badPublicKey" | "rejectedIdentifier" | "unsupportedIdentifier" | "malformed" => {
            return fatal(problem);
        }
        // The CA names no domain: all of them back off, so that a new order doesn't follow at once and fail in the same
        // way.
        "caa" | "dns" | "unauthorized" if rejections.is_empty() => {
            rejections = domains
                .iter()
                .map(|domain| Rejection {
                    domain: domain.clone(),
                    reason: said(problem),
                })
                .collect();
        }
        _ => {}
    }
    Outcome::Done(Verdict::OrderSpent {
        reason: Spent::NotIssued { said: said(problem) },
        rejections,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn problem(kind: &str, subproblems: &str) -> Problem {
        serde_json::from_str(&format!(
            r#"{{"type":"urn:ietf:params:acme:error:{kind}","detail":"its words","subproblems":[{subproblems}]}}"#
        ))
        .unwrap()
    }

    /// The outcome's name, and how many domains back off.
    fn told(outcome: &Outcome) -> (&'static str, usize) {
        match outcome {
            Outcome::Done(Verdict::OrderSpent { rejections, .. }) => ("spent", rejections.len()),
            other => (other.name(), 0),
        }
    }

    #[test]
    fn an_order_that_failed_at_the_end_is_replaced_when_another_may_do() {
        let domains = ["a.example".to_string(), "b.example".to_string()];
        let one = r#"{"detail":"CAA forbids","identifier":{"type":"dns","value":"a.example"}}"#;
        for (error, expected) in [
            (None, ("spent", 0)),
            (Some(problem("serverInternal", "")), ("spent", 0)),
            (Some(problem("caa", one)), ("spent", 1)),
            (Some(problem("caa", "")), ("spent", 2)),
            (Some(problem("unauthorized", "")), ("spent", 2)),
            (Some(problem("badCSR", "")), ("failed", 0)),
            (Some(problem("rejectedIdentifier", one)), ("failed", 0)),
        ] {
            assert_eq!(told(&invalid(error.as_ref(), &domains)), expected, "{error:?}");
        }
    }

    #[test]
    fn an_order_that_is_pending_again_is_given_up_only_after_some_attempts() {
        assert_eq!(told(&pending_again(0)).0, "pending");
        assert_eq!(told(&pending_again(PATIENCE - 1)).0, "pending");
        assert_eq!(told(&pending_again(PATIENCE)).0, "spent");
    }

    #[test]
    fn a_flawed_certificate_has_the_outcome_of_its_flaw() {
        let now = OffsetDateTime::now_utc();
        let names = Flaw::Names {
            found: "x.example".into(),
            wanted: "a.example".into(),
        };
        for (flaw, expected) in [
            (Flaw::Key, "spent"),
            (Flaw::Expired(now), "spent"),
            (Flaw::NotYet(now), "pending"),
            (names, "failed"),
            (Flaw::Chain, "failed"),
        ] {
            assert_eq!(told(&flawed(&flaw).unwrap()).0, expected, "{flaw}");
        }
        assert!(matches!(flawed(&Flaw::Unreadable(String::new())), Err(Stop::Error(_))));
    }
}
