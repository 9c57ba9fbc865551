//! `verify-challenge`: one delivery is one domain.

use challenge_verifier::{Expected, Glance, HolderExpected, Look, Prober};
use pipeline::caa::CaaExpected;
use pipeline::domain::wildcard_of;
use pipeline::proof::Method;
use pipeline::reason::{BrokerReason, During, Spent};
use pipeline::turn::Turn;
use pipeline::{Outcome, Verdict, VerifierStep};
use std::time::{Duration, Instant};
use store::{Authorization, Challenge, Holder, Order, Store, StoreError, Task};
use uuid::Uuid;
use worker::{Chore, Handler, HandlerError, Stop};

use crate::standing;
use crate::together::{Together, rest_after_publication};

/// Probes one domain at a time.
pub(crate) struct Verifier {
    pub(crate) store: Store,
    pub(crate) prober: Prober,
    pub(crate) together: Together,
    /// How long a record must have been in place before the challenge is answered.
    pub(crate) prop_delay: Duration,
    /// How long an instance keeps a domain after its proof has disappeared, once another instance has proved the
    /// domain.
    pub(crate) claim_grace: Duration,
    /// How often records that were set once are looked at while nothing is renewed; zero: never.
    pub(crate) standing_proof_interval: Duration,
}

/// The longest interval between probes of a domain that waits to be transferred to another instance.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// The same, when a probe runs into a time limit.
const SLOW_REST: Duration = Duration::from_secs(3600);

#[async_trait::async_trait]
impl Handler for Verifier {
    type Step = VerifierStep;
    /// A tenant's servers decide how long a probe takes.
    const AHEAD: u16 = 16;

    fn chores(&self) -> Vec<Chore> {
        let every = self.standing_proof_interval.min(standing::EVERY);
        Some(every)
            .filter(|every| !every.is_zero())
            .map(Chore::every)
            .into_iter()
            .collect()
    }

    async fn chore(&self, _name: &'static str) -> Result<(), HandlerError> {
        Ok(standing::check(&self.store, &self.prober, self.standing_proof_interval).await?)
    }

    async fn load(&self, store: &Store, step: Uuid, attempt: i32) -> Result<Option<Task>, StoreError> {
        match store.load_task_with_challenge(step, attempt).await {
            // A challenge that can't be read is what the attempt comes to, and not the end of its message.
            Err(error) if !error.is_transient() => store.load_task(step, attempt).await,
            loaded => loaded,
        }
    }

    async fn attempt(&self, step: VerifierStep, task: &Task) -> Result<Outcome, Stop> {
        let VerifierStep::VerifyChallenge = step;
        let read;
        let challenge = match &task.challenge {
            Some(challenge) => challenge,
            None => {
                read = self.store.challenge(task).await?;
                &read
            }
        };
        let Some(challenge) = challenge else {
            return Ok(Outcome::pending(BrokerReason::NoChallengesYet));
        };
        if challenge.order.expired {
            return Ok(Outcome::spent(Spent::Expired {
                during: During::Looking,
            }));
        }
        let expected = expected(
            &challenge.order,
            challenge.authorization.clone(),
            challenge.caa_identities.clone(),
        );
        let turn = Turn::of(task.step, task.attempt, task.age);
        let before = may_glance(challenge, turn);
        crash_points::call();
        if let Some(before) = before
            && self.prober.glance(&expected, before, turn, task.now).await == Glance::Same
        {
            crash_points::answer();
            telemetry::looked("glance");
            return Ok(Outcome::pending(before.clone()));
        }
        telemetry::looked(if before.is_some() { "both" } else { "whole" });
        // After the glance: a server that is slow counts once.
        let begun = Instant::now();
        let mut look = self.prober.probe(&expected, task.now).await;
        crash_points::answer();
        if challenge.key_changed && look.in_place.is_none_or(|method| method.is_made_with_the_key()) {
            return Ok(Outcome::spent(Spent::KeyChanged));
        }
        if challenge.order.fallback && look.forbidden.is_some() {
            // The preferred CA may be allowed, and will be back before a user changes CAA records.
            self.store.set_caa_forbids(task).await?;
            let domain = task.subject.clone();
            return Ok(Outcome::spent(Spent::CaaForbids { domain }));
        }
        // Seen from here is not seen from everywhere: the broker's servers have replicas.
        let seen_here = look.in_place == Some(Method::DelegatedDns01)
            && self
                .store
                .published(task)
                .await?
                .is_some_and(|published| !published.everywhere)
            && look.wait_for_replicas();
        // Somebody may have proved it since, which matters when it would become this instance's.
        if (challenge.held || look.ready().is_some())
            && let Some(holder) = self.store.holder(task).await?
        {
            return self.contested(task, look, &holder, begun).await;
        }
        let Some(method) = look.ready() else {
            if !self.prop_delay.is_zero() {
                self.store.seen_in_place_for(task, false).await?;
            }
            if look.waits_for_the_broker() {
                self.store.proof_seen(task).await?;
                let published = self.store.published(task).await?;
                let rest = published.and_then(|mut published| {
                    // With `PROP_DELAY` each domain waits for itself.
                    published.follows &= self.prop_delay.is_zero();
                    rest_after_publication(published, seen_here)
                });
                return Ok(Outcome::pending_for(look, rest));
            }
            return Ok(self.not_in_place(look, begun).await);
        };
        self.ready(task, challenge, look, method, begun).await
    }
}

impl Verifier {
    /// The domain is proved. Others of its order that wait for the broker's values are looked at as well.
    async fn ready(
        &self,
        task: &Task,
        challenge: &Challenge,
        look: Look,
        method: Method,
        begun: Instant,
    ) -> Result<Outcome, Stop> {
        if !self.prop_delay.is_zero() {
            self.store.proof_seen(task).await?;
            let seen_for = self.store.seen_in_place_for(task, true).await?;
            if seen_for < self.prop_delay {
                let rest = self.prop_delay - seen_for;
                let settles = u64::try_from(self.prop_delay.as_millis()).unwrap_or(u64::MAX);
                return Ok(Outcome::pending_for(
                    Look {
                        settles_ms: Some(settles),
                        ..look
                    },
                    Some(rest),
                ));
            }
        } else if method == Method::DelegatedDns01 {
            let others = self.store.waiting_for_values(task).await?;
            if !others.is_empty() {
                let others = self.together.verified(&self.prober, challenge, others, task.now).await;
                // That took a while.
                if let Some(holder) = self.store.holder(task).await? {
                    return self.contested(task, look, &holder, begun).await;
                }
                return Ok(Outcome::Done(Verdict::VerifiedTogether { method, others }));
            }
        }
        Ok(Outcome::Done(Verdict::Verified(method)))
    }

    /// Another instance has the domain. That instance keeps it as long as its own proof can be seen; otherwise the
    /// instance that proves the domain gets it after a grace period.
    async fn contested(&self, task: &Task, mut look: Look, holder: &Holder, begun: Instant) -> Result<Outcome, Stop> {
        let wanted = HolderExpected {
            domain: task.subject.clone(),
            challenges: holder.challenges.clone(),
            distribution: holder.distribution_domain.clone(),
        };
        if let Some(proof) = self.prober.proof_of_holder(&wanted, task.now).await {
            self.store.holder_seen(task, holder).await?;
            let for_user = pipeline::domain::kept_by_other(&task.subject, &proof);
            return Ok(Outcome::failed(
                for_user,
                "another instance has the domain, and its proof is in place",
            ));
        }
        look.contested = true;
        look.memory = None;
        let Some(method) = look.ready() else {
            // A CNAME shows control as long as it is there, for the holder and for the challenger alike.
            if !look.waits_for_the_broker() {
                self.store.withdraw_challenge(task).await?;
            }
            return Ok(self.not_in_place(look, begun).await);
        };
        self.store.proof_seen(task).await?;
        let rest = self.store.challenge_holder(task, holder, self.claim_grace).await?;
        if rest.is_zero() {
            tracing::info!(
                domain = task.subject,
                from = holder.instance,
                "a domain moves to the instance that proves it"
            );
            return Ok(Outcome::Done(Verdict::Verified(method)));
        }
        let longest = if self.is_slow(begun) { SLOW_REST } else { LONGEST_REST };
        Ok(Outcome::pending_for(look, Some(rest.min(longest))))
    }

    /// Schedules another probe of the domain, with a delay that grows with the number of consecutive probes that ran
    /// into a time limit. If our own resolver doesn't answer, that is not counted against the domain.
    async fn not_in_place(&self, mut look: Look, begun: Instant) -> Outcome {
        if !self.is_slow(begun) {
            return Outcome::pending(look);
        }
        if !self.prober.resolver_answers().await {
            tracing::warn!(
                "a probe ran into its time limit, and the resolver does not answer: see `challenge-verifier doctor`"
            );
            return Outcome::pending(look);
        }
        look.slow = true;
        look.memory = None;
        Outcome::pending_slow(look)
    }

    fn is_slow(&self, begun: Instant) -> bool {
        begun.elapsed() >= self.prober.shortest_limit()
    }
}

/// The last look, if it is enough to see that nothing has changed since. Where the domain is another instance's, or its values are of an
/// old key, there is more to do than to look.
fn may_glance(challenge: &Challenge, turn: Turn) -> Option<&Look> {
    let before = challenge.before.as_ref().filter(|look| look.memory.is_some())?;
    (!challenge.held && !challenge.key_changed && !turn.is_whole()).then_some(before)
}

/// What the CA has to see for the authorization's domain.
pub(crate) fn expected(order: &Order, authorization: Authorization, caa_identities: Vec<String>) -> Expected {
    let wildcard = wildcard_of(&authorization.domain).is_some();
    let caa = match &order.account_uri {
        Some(account_uri) if !caa_identities.is_empty() => Some(CaaExpected {
            identities: caa_identities,
            account_uri: account_uri.clone(),
            wildcard,
        }),
        _ => None,
    };
    Expected {
        domain: authorization.domain,
        challenges: authorization.challenges,
        caa,
    }
}

#[cfg(test)]
mod tests {
    use pipeline::proof::Challenges;
    use pipeline::reason::Memory;

    use super::*;

    fn looked(memory: Option<Memory>) -> Challenge {
        Challenge {
            order: Order {
                id: Uuid::nil(),
                url: None,
                expires_at: None,
                account_uri: None,
                directory_url: None,
                fallback: false,
                expired: false,
                key_generation: 0,
            },
            authorization: Authorization {
                domain: "www.example.com".to_owned(),
                url: String::new(),
                valid: false,
                challenges: Challenges::default(),
            },
            caa_identities: Vec::new(),
            key_changed: false,
            held: false,
            before: Some(Look {
                memory,
                ..Look::default()
            }),
        }
    }

    fn turn(is_whole: bool) -> Turn {
        (0..100)
            .map(|attempt| Turn::of(Uuid::nil(), attempt, Duration::ZERO))
            .find(|turn| turn.is_whole() == is_whole)
            .expect("there are both")
    }

    #[test]
    fn only_a_look_that_left_a_memory_is_followed_by_a_glance() {
        let remembered = || looked(Some(Memory::default()));
        assert!(may_glance(&remembered(), turn(false)).is_some());
        let held = Challenge {
            held: true,
            ..remembered()
        };
        let key_changed = Challenge {
            key_changed: true,
            ..remembered()
        };
        let first = Challenge {
            before: None,
            ..remembered()
        };
        for (challenge, is_whole) in [
            (remembered(), true),
            (held, false),
            (key_changed, false),
            (looked(None), false),
            (first, false),
        ] {
            assert_eq!(may_glance(&challenge, turn(is_whole)), None, "{challenge:?}");
        }
    }
}
