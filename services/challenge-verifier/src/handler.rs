//! `verify-challenge`: one delivery is one domain.

use challenge_verifier::{Expected, Http01Expected, Prober};
use pipeline::caa::CaaExpected;
use pipeline::domain::wildcard_of;
use pipeline::{Outcome, Service, Verdict};
use std::time::Duration;
use store::{Authorization, Order, Store, Task};
use worker::{Handler, HandlerError};

/// Looks at one domain at a time.
pub(crate) struct Verifier {
    pub(crate) store: Store,
    pub(crate) prober: Prober,
    /// How long a record must have been in place before the CA is told.
    pub(crate) prop_delay: Duration,
}

#[async_trait::async_trait]
impl Handler for Verifier {
    const SERVICE: Service = Service::ChallengeVerifier;

    async fn attempt(&self, task: &Task) -> Result<Outcome, HandlerError> {
        let Some(challenge) = self.store.challenge(task).await? else {
            return Ok(Outcome::pending("the order's challenges are not known yet"));
        };
        if challenge.proved_by_other {
            let for_user = pipeline::domain::proved_by_other(&task.subject);
            return Ok(Outcome::failed(for_user, "claim lost to another instance"));
        }
        if challenge.order.expired {
            return Ok(Outcome::Done(Verdict::OrderSpent {
                reason: "the order expired before every domain was ready".to_string(),
                rejections: Vec::new(),
            }));
        }
        let expected = expected(&challenge.order, challenge.authorization, challenge.caa_identities);
        crash_points::call();
        let finding = self.prober.probe(&expected, task.now).await;
        crash_points::answer();
        if challenge.key_changed && finding.in_place.is_none_or(|method| method.is_made_with_the_key()) {
            return Ok(Outcome::Done(Verdict::key_changed()));
        }
        let Some(method) = finding.ready() else {
            if !self.prop_delay.is_zero() {
                self.store.seen_in_place_for(task, false).await?;
            }
            return Ok(Outcome::pending(finding.summary()));
        };
        if !self.prop_delay.is_zero() {
            let seen_for = self.store.seen_in_place_for(task, true).await?;
            if seen_for < self.prop_delay {
                let rest = self.prop_delay - seen_for;
                return Ok(Outcome::pending_for(
                    format!(
                        "{} by {}; waiting {} until every server has it",
                        pipeline::status::IN_PLACE,
                        method.as_str(),
                        humantime::format_duration(Duration::from_secs(self.prop_delay.as_secs()))
                    ),
                    Some(rest),
                ));
            }
        }
        Ok(Outcome::Done(Verdict::Verified(method)))
    }
}

fn expected(order: &Order, authorization: Authorization, caa_identities: Vec<String>) -> Expected {
    let wildcard = wildcard_of(&authorization.domain).is_some();
    let persist = authorization.standing.and_then(|standing| standing.expected(wildcard));
    let caa = match &order.account_uri {
        Some(account_uri) if !caa_identities.is_empty() => Some(CaaExpected {
            identities: caa_identities,
            account_uri: account_uri.clone(),
            wildcard,
        }),
        _ => None,
    };
    let http01 = match (authorization.http01_token, authorization.http01_key_authorization) {
        (Some(token), Some(key_authorization)) => Some(Http01Expected {
            token,
            key_authorization,
        }),
        _ => None,
    };
    Expected {
        domain: authorization.domain,
        persist,
        dns01: authorization.dns01_value,
        http01,
        caa,
    }
}
