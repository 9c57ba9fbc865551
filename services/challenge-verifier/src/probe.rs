//! All methods concurrently: which are in place, what was seen instead, and whether CAA records let the CA issue.

mod delegation;
mod glance;
mod holder;
mod known;
mod spread;
mod txt;

pub use glance::Glance;
pub use holder::HolderExpected;

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use hickory_resolver::net::NetError;
use pipeline::domain::without_wildcard;
use pipeline::proof::{Challenge, LookFor};
use pipeline::reason::Seen;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout, timeout_at};

use crate::caa::Caa;
use crate::dns::{Dns, Near};
use crate::http01::Http01;
use crate::{Expected, Look, Method, ProbeSettings, Way};
use known::Known;

/// How long a method that is in place waits for a preferred one, and how long a probe that found none waits for the CAA
/// records.
const COURTESY: Duration = Duration::from_secs(2);
const RESOLVER_ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// Probes whether the CA can verify a domain now.
#[derive(Debug)]
pub struct Prober {
    dns: Dns,
    http01: Http01,
    caa_check: bool,
    timeout: Duration,
    shortest_limit: Duration,
}

/// Why a prober can't be created.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The system's resolver configuration can't be read.
    #[error("can't read the system's DNS configuration; DNS_RESOLVER or DNS_WALK_RESOLVER would replace it")]
    Dns(#[source] NetError),
    /// The TLS library can't be set up.
    #[error("can't set up TLS")]
    Tls(#[source] rustls::Error),
}

impl Prober {
    /// Reads the system's DNS configuration unless the settings name a server; connects to nothing.
    pub fn new(settings: &ProbeSettings) -> Result<Self, SetupError> {
        Ok(Self {
            dns: Dns::new(settings).map_err(SetupError::Dns)?,
            http01: Http01::new(settings).map_err(SetupError::Tls)?,
            caa_check: settings.caa_check,
            timeout: settings.probe_timeout,
            shortest_limit: settings
                .probe_timeout
                .min(settings.http_timeout)
                .min(settings.dns_timeout),
        })
    }

    /// A probe that takes this long has run into one of its limits: those of one server, of one method, or of all
    /// methods.
    pub fn shortest_limit(&self) -> Duration {
        self.shortest_limit
    }

    /// Whether our own resolver responds at all, tested with a record that every resolver has cached.
    pub async fn resolver_answers(&self) -> bool {
        let asked = timeout(RESOLVER_ANSWERS_WITHIN, self.dns.resolver_validates("."));
        matches!(asked.await, Ok(Ok(_)))
    }

    /// Probes every method that `expected` names, and the domain's CAA records, concurrently.
    ///
    /// It ends as soon as the result is certain. A method that is in place waits a moment for a preferred one, so that
    /// the result is the same each time; methods that had not finished by then are left out.
    pub async fn probe(&self, expected: &Expected, now: OffsetDateTime) -> Look {
        let limit = Instant::now() + self.timeout;
        let all: Vec<&Challenge> = expected.challenges.iter().collect();
        let methods: Vec<Method> = all.iter().map(|challenge| challenge.method()).collect();
        let domain = expected.domain.as_str();
        let base = without_wildcard(domain);
        let known = Known::new(self, base);
        let looking = pin!(self.look(&all, domain, &known, now, limit));
        let climbing = pin!(self.caa(expected, base, known.near.as_ref(), limit));
        let (mut seen, caa) = match select(looking, climbing).await {
            Either::Right((caa, looking)) => (looking.await, caa),
            Either::Left((seen, climbing)) => {
                // The CA obeys these records, so a method that is in place waits for them.
                let patience = match seen.in_place {
                    Some(_) => limit,
                    None => limit.min(Instant::now() + COURTESY),
                };
                (seen, timeout_at(patience, climbing).await.ok().flatten())
            }
        };
        if let (Some(caa), Some(method)) = (&caa, seen.in_place) {
            let allowed: Vec<&Challenge> = all.iter().copied().filter(|other| caa.allows(other.method())).collect();
            // Records may allow some methods only (RFC 8657), and one of those may be in place as well.
            if !allowed.is_empty() && !allowed.iter().any(|other| other.method() == method) {
                let other = self.look(&allowed, domain, &known, now, limit).await;
                if other.in_place.is_some() {
                    seen = other;
                }
            }
        }
        seen.forbidden = caa.and_then(|caa| match seen.in_place {
            Some(method) => caa.forbids(&[method]),
            None => caa.forbids(&methods),
        });
        seen.memory = known.memory(&seen);
        tracing::debug!(domain, %seen, "probed");
        seen
    }

    /// Probes the methods only; they are in the order of preference.
    async fn look(
        &self,
        challenges: &[&Challenge],
        domain: &str,
        known: &Known<'_>,
        now: OffsetDateTime,
        limit: Instant,
    ) -> Look {
        let mut running: FuturesUnordered<_> = challenges
            .iter()
            .enumerate()
            .map(async |(slot, challenge)| (slot, self.within_limit(challenge, domain, known, now, limit).await))
            .collect();
        let mut slots: Vec<Option<Way>> = challenges.iter().map(|_| None).collect();
        let mut patience = limit + COURTESY;
        while let Ok(Some((slot, way))) = timeout_at(patience, running.next()).await {
            slots[slot] = Some(way);
            // The slots are in the order of preference.
            let best = slots
                .iter()
                .position(|slot| slot.as_ref().is_some_and(Way::is_in_place));
            let Some(best) = best else { continue };
            if slots[..best].iter().all(Option::is_some) {
                break;
            }
            patience = patience.min(Instant::now() + COURTESY);
        }
        let ways: Vec<Way> = slots.into_iter().flatten().collect();
        Look {
            in_place: ways.iter().find(|way| way.is_in_place()).map(|way| way.method),
            ways,
            ..Look::default()
        }
    }

    /// The relevant CAA records of the domain; `None` when there are none, or when they can't be determined: then the
    /// CA decides.
    async fn caa<'a>(
        &self,
        expected: &'a Expected,
        base: &str,
        near: Option<&Near>,
        limit: Instant,
    ) -> Option<Caa<'a>> {
        let wanted = expected.caa.as_ref().filter(|_| self.caa_check)?;
        let domain = expected.domain.as_str();
        let found = timeout_at(limit, self.dns.caa(base, near)).await;
        let unknown = match found {
            Ok(Ok(found)) => return found.map(|found| Caa::new(found, wanted)),
            Ok(Err(failure)) => failure.to_string(),
            Err(_elapsed) => "no answer in time".to_owned(),
        };
        tracing::debug!(domain, unknown, "the CAA records are left to the CA");
        None
    }

    async fn within_limit(
        &self,
        challenge: &Challenge,
        domain: &str,
        known: &Known<'_>,
        now: OffsetDateTime,
        limit: Instant,
    ) -> Way {
        let (within, place) = (self.timeout, challenge.place(domain));
        let near = known.near.as_ref();
        let seen = async {
            match challenge.look_for(domain) {
                LookFor::Txt(judge) => self.txt(place.name(), near, |texts| judge(texts, now)).await,
                LookFor::Delegation {
                    target,
                    only_by_cname,
                    judge,
                } => {
                    let judge = |texts: &[Vec<u8>]| judge(texts, now);
                    self.delegation(place.name(), target, only_by_cname, near, judge).await
                }
                LookFor::File(wanted) => match self.http01.walk(&known.names, domain, wanted).await {
                    Ok(seen) => Seen::HttpInPlace(seen),
                    Err(failure) => Seen::HttpFailure(failure),
                },
            }
        };
        let seen = timeout_at(limit, seen).await.unwrap_or(Seen::NoAnswer { within });
        Way {
            method: challenge.method(),
            place,
            seen,
        }
    }
}
