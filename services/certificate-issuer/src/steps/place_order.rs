//! place-order: registers the tenant's account, places an order for the instance's domains (RFC 8555 §7.4), and records
//! its authorizations for the verifier and for the user.

use std::collections::BTreeMap;
use std::time::Duration;

use dns_writer::Delegation;
use instant_acme::{
    AuthorizationStatus, CertificateIdentifier, Error, Identifier, NewOrder, Order, OrderStatus, Problem,
};
use pipeline::Outcome;
use pipeline::proof::{Challenge, Challenges, Offered};
use pipeline::reason::{CaReason, During, Request, Spent};
use serde_json::Value;
use store::{Authorization, Placed, Task};
use worker::Stop;

use crate::account::Session;
use crate::ca::{Ca, Cas};
use crate::choice::{Candidate, Known, Meaning, candidates, meaning};
use crate::client::renewal_info::identifier;
use crate::client::triage::Trouble;
use crate::client::words::{cause, per_domain, said, short_type};
use crate::within_limits::before_order;

const DOING: Request = Request::PlaceOrder;
/// After this many attempts a server error of the CA may be caused by `replaces`: Pebble 2.10 does not find
/// certificates whose serial number begins with a zero byte.
const OFTEN: i32 = 3;
/// How many refused domains are named to the user.
const MOST_NAMED: usize = 10;

pub(crate) async fn attempt(cas: &Cas, task: &Task) -> Result<Outcome, Stop> {
    if let Some(pause) = pause_before(task.round).filter(|_| task.attempt == 0) {
        return Ok(Outcome::pending_for(CaReason::Pause { order: task.round }, Some(pause)));
    }
    let stored = cas.store.order(task).await?;
    if stored.expired {
        return Ok(Outcome::spent(Spent::Expired {
            during: During::Placing,
        }));
    }
    let (session, mut order) = match &stored.url {
        // A crash happened between placing the order and the following steps: the order is adopted.
        Some(_) => {
            let session = Session::of(cas, &stored, &task.instance.tenant).await?;
            let order = session.order(&stored, DOING).await?;
            (session, order)
        }
        None => place_somewhere(cas, task, &stored).await?,
    };
    if order.state().status == OrderStatus::Invalid {
        let said = order.state().error.as_ref().map(said);
        return Ok(Outcome::spent(Spent::Invalid { said }));
    }
    let targets = match &cas.delegation {
        Some(Delegation { zone, .. }) => {
            let (tenant, domains) = (&task.instance.tenant, &task.instance.domains);
            cas.store.delegation_targets(tenant, zone, domains).await?
        }
        None => BTreeMap::new(),
    };
    let mut authorizations = read_authorizations(&session, &mut order, &targets).await?;
    if session.ca.settings.one_account {
        tell_tenants_apart(cas, task, &mut authorizations).await?;
    }
    look_at_the_account(&session, &mut authorizations).await?;
    refuse_unprovable(&authorizations)?;
    require_all(&task.instance.domains, &authorizations)?;
    warn_of_the_unusable(&authorizations, &task.instance.tenant);
    let caa_identities = session
        .directory
        .called_by_caa(session.ca.settings.issuer_domain.as_deref());
    cas.store
        .set_authorizations(
            task,
            stored.id,
            session.key_generation,
            &authorizations,
            &caa_identities,
        )
        .await?;
    Ok(Outcome::DONE)
}

/// A limit on orders that fail repeatedly without any domain being held back for it: the third waits 5 s, and each
/// further one three times as long, up to an hour. Let's Encrypt allows 300 new orders in 3 hours per account.
fn pause_before(round: i32) -> Option<Duration> {
    let excess = u32::try_from(round.checked_sub(3)?).ok()?;
    Some(Duration::from_secs(
        5u64.saturating_mul(3u64.saturating_pow(excess)).min(3600),
    ))
}

/// Places the order at the first CA that takes it.
async fn place_somewhere<'a>(
    cas: &'a Cas,
    task: &'a Task,
    stored: &store::Order,
) -> Result<(Session<'a>, Order), Stop> {
    let plan = &task.instance.settings.certificate_authorities;
    let circumstances = cas.store.circumstances(task).await?;
    let all: Vec<Known<'_>> = cas.all.iter().map(Ca::known).collect();
    let troubles = cas.store.ca_troubles().await?;
    let candidates = candidates(&all, plan, &circumstances, &troubles, cas.fallback_after);
    let several = candidates.len() > 1;
    let mut first: Option<Stop> = None;
    for candidate in candidates {
        let ca = &cas.all[candidate.ca];
        let stop = match place_and_record(cas, candidate, task, stored).await {
            Ok(placed) => {
                cas.store.ca_takes_orders(ca.url()).await?;
                return Ok(placed);
            }
            Err(Stop::Error(error)) => return Err(Stop::Error(error)),
            Err(stop) => stop,
        };
        let meaning = meaning(&stop, candidate.fallback && several);
        let another = match meaning {
            Meaning::TakesNone => cas.store.ca_takes_no_order(ca.url()).await? >= cas.fallback_after,
            Meaning::Final => false,
            Meaning::TakesItIn(time) => time >= cas.fallback_after,
            Meaning::NotThere => true,
        };
        if meaning != Meaning::TakesNone {
            // It answers.
            cas.store.ca_takes_orders(ca.url()).await?;
        }
        if several {
            tracing::warn!(
                ca = ca.settings.name,
                instance = task.instance.id,
                another,
                "the CA took no order"
            );
        }
        // What a CA says that was asked in place of another one decides nothing.
        if meaning != Meaning::NotThere {
            first.get_or_insert(stop);
        }
        if !another {
            break;
        }
    }
    Err(match first {
        Some(stop) if several => asked_again_soon(stop, cas.fallback_after),
        Some(stop) => stop,
        None => Outcome::pending(CaReason::NoneOfThePlan { names: plan.clone() }).into(),
    })
}

/// Where there are several CAs, another one may recover before the first one takes the order.
fn asked_again_soon(stop: Stop, longest: Duration) -> Stop {
    match stop {
        Stop::Outcome(Outcome::Pending {
            waiting_for,
            retry_after: Some(after),
            slow,
        }) => Stop::Outcome(Outcome::Pending {
            waiting_for,
            retry_after: Some(after.min(longest)),
            slow,
        }),
        stop => stop,
    }
}

/// Places the order at a CA, and records its URL at once: after a crash the order is adopted by it.
async fn place_and_record<'a>(
    cas: &'a Cas,
    candidate: Candidate,
    task: &'a Task,
    stored: &store::Order,
) -> Result<(Session<'a>, Order), Stop> {
    let session = Session::open(cas, &cas.all[candidate.ca], &task.instance.tenant).await?;
    let (order, replaces) = place(cas, &session, task).await?;
    let replaces = replaces.map(|certificate| certificate.to_string());
    let placed = Placed {
        url: order.url(),
        account_uri: &session.account_uri,
        directory_url: session.ca.url(),
        fallback: candidate.fallback,
        replaces: replaces.as_deref(),
        expires_at: session.expires(),
    };
    cas.store.set_order_url(task, stored.id, &placed).await?;
    if candidate.fallback {
        tracing::warn!(
            ca = session.ca.settings.name,
            instance = task.instance.id,
            "the order is placed at this CA in place of the one that the plan prefers"
        );
    }
    Ok((session, order))
}

/// Places the order, and returns the certificate that the CA knows it to replace.
async fn place(
    cas: &Cas,
    session: &Session<'_>,
    task: &Task,
) -> Result<(Order, Option<CertificateIdentifier<'static>>), Stop> {
    let identifiers: Vec<Identifier> = task
        .instance
        .domains
        .iter()
        .map(|domain| Identifier::Dns(domain.clone()))
        .collect();
    let ca = session.ca;
    let mut replaced = replaced(cas, session, task).await?;
    if replaced.is_none() {
        before_order(cas, ca, task, &session.account_uri).await?;
    }
    if let Some(certificate) = &replaced {
        tracing::info!(certificate = %certificate, "the order replaces a certificate");
    }
    // The semaphore is never closed. The attempt's time limit bounds how long the permit is held.
    let _turn = cas.placing.acquire().await;
    let mut placed = session
        .account()
        .new_order(&wanted(ca, &identifiers, replaced.clone()))
        .await;
    if replaced.is_some()
        && let Err(Error::Api(problem)) = &placed
        && (refuses_replacing(problem) || fails_at_replacing(problem, task.attempt))
    {
        match before_order(cas, ca, task, &session.account_uri).await {
            // The CA may recover sooner.
            Err(Stop::Outcome(_)) if !refuses_replacing(problem) => {}
            room => {
                room?;
                // Replaced already, perhaps by an order that we could not record: the certificate is needed regardless.
                tracing::info!(
                    problem = cause(DOING, problem),
                    "the CA doesn't let the certificate be replaced: it is ordered like a first one"
                );
                replaced = None;
                placed = session.account().new_order(&wanted(ca, &identifiers, None)).await;
            }
        }
    }
    match placed {
        Ok(order) => Ok((order, replaced)),
        Err(error) => Err(not_placed(session, task, &error).await),
    }
}

/// The outcome of the step when the CA accepted no order.
async fn not_placed(session: &Session<'_>, task: &Task, error: &Error) -> Stop {
    match session.trouble(error, DOING).await {
        Trouble::AccountUnknown => match session.forget_account().await {
            Ok(()) => Outcome::pending(CaReason::AccountForgotten).into(),
            Err(stop) => stop,
        },
        Trouble::Gone => Outcome::pending(CaReason::NoOrdersThere).into(),
        Trouble::Refused(problem) if refuses_account(&problem) => {
            tracing::error!(
                tenant = task.instance.tenant,
                account_uri = session.account_uri,
                problem = cause(DOING, &problem),
                "the CA refuses the tenant's account: was it deactivated?"
            );
            Outcome::pending(CaReason::AccountRefused { said: said(&problem) }).into()
        }
        Trouble::Refused(problem) => Outcome::failed(refusal(&problem), cause(DOING, &problem)).into(),
        trouble => session.stop(trouble, DOING).await,
    }
}

fn wanted<'a>(ca: &'a Ca, identifiers: &'a [Identifier], replaces: Option<CertificateIdentifier<'a>>) -> NewOrder<'a> {
    let mut new = NewOrder::new(identifiers);
    if let Some(profile) = ca.settings.profile.as_deref() {
        new = new.profile(profile);
    }
    match replaces {
        Some(certificate) => new.replaces(certificate),
        None => new,
    }
}

/// The certificate in use, if the CA accepts `replaces` (RFC 9773 §5): it must be of the same account, and have a name
/// in common. Let's Encrypt exempts such orders from its limits.
async fn replaced(
    cas: &Cas,
    session: &Session<'_>,
    task: &Task,
) -> Result<Option<CertificateIdentifier<'static>>, Stop> {
    if session.directory.renewal_info.is_none() {
        return Ok(None);
    }
    let found = cas.store.replaced(task).await?;
    Ok(found
        .filter(|(certificate, account)| {
            account.as_ref() == Some(&session.account_uri)
                && certificate
                    .names
                    .iter()
                    .any(|name| task.instance.domains.contains(name))
        })
        .and_then(|(certificate, _)| identifier(&certificate.chain_pem)))
}

/// `alreadyReplaced` (RFC 9773 §7.4), or the CA doesn't know the certificate or its issuer (any more): CAs use
/// different errors for that. An order without `replaces` shows whether the cause was something else.
fn refuses_replacing(problem: &Problem) -> bool {
    if matches!(problem.status, Some(429 | 500..)) {
        return false;
    }
    matches!(
        short_type(problem.r#type.as_deref()),
        None | Some("alreadyReplaced" | "malformed" | "conflict" | "unauthorized")
    ) || matches!(problem.status, Some(404 | 409))
}

/// A server error that repeats. An overloaded CA (429, 503) says nothing about `replaces`.
fn fails_at_replacing(problem: &Problem, attempt: i32) -> bool {
    attempt >= OFTEN && problem.status == Some(500)
}

/// The account was deactivated or revoked (RFC 8555 §7.3.6 requires 401, Boulder and Pebble answer 403). Another
/// instance would use the same account, so creating this one again would not help.
fn refuses_account(problem: &Problem) -> bool {
    short_type(problem.r#type.as_deref()) == Some("unauthorized") && per_domain(problem).is_empty()
}

/// The text for the user when the CA refuses the order (RFC 8555 §7.4, §6.7.1).
fn refusal(problem: &Problem) -> String {
    let named = per_domain(problem);
    let kind = short_type(problem.r#type.as_deref()).unwrap_or_default();
    if named.is_empty() {
        let advice = match kind {
            "rejectedIdentifier" | "unsupportedIdentifier" | "malformed" => "Name domains that the CA issues for",
            "caa" => "Let the domains' CAA records allow this CA",
            _ => "Tell the broker's operator",
        };
        return format!("The CA refused the order: {}. {advice}.", said(problem));
    }
    let mut lines: Vec<String> = named
        .iter()
        .take(MOST_NAMED)
        .map(|rejection| format!("{}: {}", rejection.domain, rejection.reason))
        .collect();
    if named.len() > MOST_NAMED {
        lines.push(format!("and {} more", named.len() - MOST_NAMED));
    }
    format!(
        "The CA refuses {} of the domains: {}. Leave {} out.",
        named.len(),
        lines.join("; "),
        if named.len() == 1 { "it" } else { "them" },
    )
}

/// Reads every authorization of the order (RFC 8555 §7.5), one request each.
async fn read_authorizations(
    session: &Session<'_>,
    order: &mut Order,
    targets: &BTreeMap<String, String>,
) -> Result<Vec<Authorization>, Stop> {
    let mut read = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let authorization = match next {
            Ok(authorization) => authorization,
            Err(error) => return Err(session.fail(&error, Request::ReadOrder).await),
        };
        let answer = session.exchange.last().map(|answer| answer.json()).unwrap_or_default();
        let domain = authorization.identifier().to_string().to_ascii_lowercase();
        let delegation = targets.get(&domain).map(String::as_str);
        let challenges = Challenges::read(&Offered {
            authorization: &answer,
            meta: session.directory.meta(),
            domain: &domain,
            account: session.holder(),
            delegation,
        });
        read.push(Authorization {
            domain,
            url: authorization.url().to_string(),
            valid: authorization.status == AuthorizationStatus::Valid,
            challenges,
        });
    }
    Ok(read)
}

/// What another tenant has proved to the CA with the same account proves nothing for this one: each shows its own record,
/// unless it has the domain already.
async fn tell_tenants_apart(cas: &Cas, task: &Task, authorizations: &mut [Authorization]) -> Result<(), Stop> {
    let (tenant, domains) = (&task.instance.tenant, &task.instance.domains);
    let theirs = cas.store.domains_of_tenant(tenant, domains).await?;
    for known in authorizations {
        known.valid &= theirs.contains(&known.domain);
        known.challenges = std::mem::take(&mut known.challenges).naming_the_tenant();
    }
    Ok(())
}

/// The account's URL must work at the CA before the user is shown a record that depends on it.
async fn look_at_the_account(session: &Session<'_>, authorizations: &mut [Authorization]) -> Result<(), Stop> {
    let mut all = authorizations.iter().flat_map(|known| known.challenges.iter());
    if all.any(Challenge::relies_on_the_accounts_url) && !holds_its_account(session).await? {
        for known in authorizations {
            known
                .challenges
                .distrust_the_accounts_url("the CA doesn't show the account as a valid one at its URL");
        }
    }
    Ok(())
}

async fn holds_its_account(session: &Session<'_>) -> Result<bool, Stop> {
    match session.get(&session.account_uri).await {
        Ok(answer) => Ok(answer.json().get("status").and_then(Value::as_str) == Some("valid")),
        Err(error) => Err(session.fail(&error, Request::ReadAccount).await),
    }
}

fn warn_of_the_unusable(authorizations: &[Authorization], tenant: &str) {
    if let Some((method, problem)) = authorizations
        .iter()
        .find_map(|known| known.challenges.unusable().next())
    {
        tracing::warn!(
            tenant,
            method = method.as_str(),
            problem,
            "the CA offers a way to prove domains in a form that is not known here: it is not shown to tenants"
        );
    }
}

/// Every requested domain has an authorization in the order.
fn require_all(domains: &[String], authorizations: &[Authorization]) -> Result<(), Stop> {
    let missing = |domain: &&String| !authorizations.iter().any(|known| known.domain == **domain);
    match domains.iter().find(missing) {
        None => Ok(()),
        Some(missing) => Err(Stop::because(
            CaReason::OrderMisfits,
            format!("no authorization for {missing}"),
        )),
    }
}

fn refuse_unprovable(authorizations: &[Authorization]) -> Result<(), Stop> {
    let unprovable = |known: &&Authorization| !known.valid && known.challenges.is_empty();
    match authorizations.iter().find(unprovable) {
        None => Ok(()),
        Some(known) => Err(Outcome::failed(
            format!(
                "The CA offers no way to prove {} that this service knows. Leave it out.",
                known.domain
            ),
            format!("no usable challenge in {}", known.url),
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_fail_in_a_row_slow_down() {
        let seconds = |round| pause_before(round).map(|pause| pause.as_secs());
        assert_eq!([1, 2, 3, 4, 5].map(seconds), [None, None, Some(5), Some(15), Some(45)]);
        assert_eq!(seconds(i32::MAX), Some(3600));
        assert_eq!(seconds(i32::MIN), None);
    }

    #[test]
    fn an_order_that_is_refused_for_what_it_replaces_is_placed_without() {
        let refused = |kind: &str, status: u16| {
            let text = format!(r#"{{"type":"urn:ietf:params:acme:error:{kind}","status":{status}}}"#);
            refuses_replacing(&serde_json::from_str(&text).unwrap())
        };
        assert!(refused("alreadyReplaced", 409) && refused("malformed", 400) && refused("other", 404));
        assert!(!refused("rejectedIdentifier", 400) && !refused("rateLimited", 429) && !refused("caa", 403));
        // An overloaded CA says nothing about `replaces`, until the same error repeats.
        let problem = |status: u16| serde_json::from_str(&format!(r#"{{"status":{status}}}"#)).unwrap();
        assert!(
            [429, 500, 503]
                .into_iter()
                .all(|status| !refuses_replacing(&problem(status)))
        );
        assert!(fails_at_replacing(&problem(500), OFTEN) && !fails_at_replacing(&problem(500), OFTEN - 1));
        assert!(!fails_at_replacing(&problem(503), 99) && !fails_at_replacing(&problem(429), 99));
    }

    #[test]
    fn a_refused_account_is_the_operators_matter_and_refused_domains_are_not() {
        let problem = |kind: &str, subproblems: &str| -> Problem {
            serde_json::from_str(&format!(
                r#"{{"type":"urn:ietf:params:acme:error:{kind}","status":403,"detail":"Account is not valid, has status \"deactivated\"","subproblems":[{subproblems}]}}"#
            ))
            .unwrap()
        };
        let account = problem("unauthorized", "");
        assert!(refuses_account(&account));
        let reason = CaReason::AccountRefused { said: said(&account) };
        assert_eq!(
            reason.to_string(),
            "the CA refuses your organization's account, which the broker's operator must investigate: \
             Account is not valid, has status \"deactivated\" (unauthorized)"
        );
        let one = r#"{"detail":"no","identifier":{"type":"dns","value":"a.example"}}"#;
        assert!(!refuses_account(&problem("unauthorized", one)));
        assert!(!refuses_account(&problem("rejectedIdentifier", "")));
    }

    #[test]
    fn a_refusal_names_the_domains_and_says_what_to_do() {
        let whole: Problem = serde_json::from_str(
            r#"{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"The ACME server can not issue a certificate for an IP address"}"#,
        )
        .unwrap();
        assert_eq!(
            refusal(&whole),
            "The CA refused the order: The ACME server can not issue a certificate for an IP address (rejectedIdentifier). \
             Name domains that the CA issues for."
        );
        let parts: Problem = serde_json::from_str(
            r#"{"type":"urn:ietf:params:acme:error:malformed","detail":"Some","subproblems":[
                {"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"forbidden by policy","identifier":{"type":"dns","value":"a.example"}}]}"#,
        )
        .unwrap();
        assert_eq!(
            refusal(&parts),
            "The CA refuses 1 of the domains: a.example: forbidden by policy (rejectedIdentifier). \
             Leave it out."
        );
    }
}
