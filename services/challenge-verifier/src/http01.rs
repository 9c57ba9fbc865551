//! The challenge file, fetched as the CA would (RFC 8555 §8.3), and with care: every name comes from a user.
//!
//! A host's addresses are looked up here, checked ([`crate::address`]), and the connection goes to exactly the address
//! that was checked, so a name that changes between the two (DNS rebinding) gains nothing. Redirects begin the same
//! again. The operating system's resolver, proxies and /etc/hosts play no part.

mod fetch;
mod problem;
mod target;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use telemetry::Call;
use tokio::time::{Instant, timeout_at};

use crate::dns::Dns;
use crate::settings::ProbeSettings;
use crate::{Http01Expected, address, shown};
use fetch::{MOST_BYTES, Response};
pub use problem::{HttpProblem, Refusal};
use target::{Ports, Target};

/// As many redirects as Let's Encrypt follows.
const MOST_REDIRECTS: usize = 10;

/// Fetches challenge files, by the settings.
#[derive(Debug)]
pub struct Http01 {
    ports: Ports,
    timeout: Duration,
    allow_private: bool,
    tls: Arc<ClientConfig>,
}

/// A fetch that didn't bring the key authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpFailure {
    /// Where redirects had led, if there were any.
    pub redirected_to: Option<String>,
    /// What happened there.
    pub problem: HttpProblem,
}

impl std::fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.redirected_to {
            None => self.problem.fmt(f),
            Some(url) => write!(f, "{} (redirected to {url})", self.problem),
        }
    }
}

impl Http01 {
    /// Fails only when the TLS library can't be set up.
    pub fn new(settings: &ProbeSettings) -> Result<Self, rustls::Error> {
        Ok(Self {
            ports: Ports {
                http: settings.http01_port,
                https: settings.http01_tls_port,
            },
            timeout: settings.http_timeout,
            allow_private: settings.allow_private_addresses,
            tls: Arc::new(tls::unchecked()?),
        })
    }

    /// Whether the file is in place; the address that has it.
    pub async fn check(&self, dns: &Dns, domain: &str, expected: &Http01Expected) -> Result<IpAddr, HttpFailure> {
        let deadline = Instant::now() + self.timeout;
        let mut target = Target::first(domain, &expected.token, self.ports);
        let mut passed = Vec::new();
        loop {
            let failed = |problem| HttpFailure {
                redirected_to: (!passed.is_empty()).then(|| target.to_string()),
                problem,
            };
            let (address, response) = self.fetch(dns, &target, deadline).await.map_err(failed)?;
            match self.next(&target, &passed, address, &response).map_err(failed)? {
                Some(next) => passed.push(std::mem::replace(&mut target, next)),
                None => return compare(address, response.body, expected).map_err(failed),
            }
        }
    }

    /// The first address of the host that answers: IPv6, and IPv4 when there is none or the network fails, as Let's
    /// Encrypt does. A wrong answer at the one is not mended by a right answer at the other.
    async fn fetch(&self, dns: &Dns, target: &Target, deadline: Instant) -> Result<(IpAddr, Response), HttpProblem> {
        let slow = |address| HttpProblem::Slow {
            address,
            after: self.timeout,
        };
        let host = || shown::plain(target.host.as_bytes());
        let found = timeout_at(deadline, dns.addresses(&target.host))
            .await
            .map_err(|_| slow(None))?;
        let found = found.map_err(|failure| HttpProblem::Name { host: host(), failure })?;
        let usable = |v6: bool| {
            found
                .iter()
                .copied()
                .find(|&a| a.is_ipv6() == v6 && address::allowed(a, self.allow_private))
        };
        let mut last = HttpProblem::NotPublic { host: host() };
        let candidates: Vec<IpAddr> = [usable(true), usable(false)].into_iter().flatten().collect();
        for (index, &address) in candidates.iter().enumerate() {
            let now = Instant::now();
            let fallback_left = index + 1 < candidates.len();
            let limit = if fallback_left {
                now + deadline.saturating_duration_since(now) / 2
            } else {
                deadline
            };
            let server = SocketAddr::new(address, target.port);
            let call = Call::begin("http-01", "GET");
            let got = timeout_at(limit, fetch::get(target, server, &self.tls)).await;
            call.ended(&match &got {
                // The class: an owner of a domain must not make a time series for each code there can be.
                Ok(Ok(response)) => format!("{}xx", response.status.as_u16() / 100),
                Ok(Err(_)) => "lost".to_owned(),
                Err(_) => "timeout".to_owned(),
            });
            last = match got {
                Ok(Ok(response)) => return Ok((address, response)),
                Ok(Err(why)) => HttpProblem::Network {
                    address: server,
                    why: shown::plain(why.as_bytes()),
                },
                Err(_) => slow(Some(address)),
            };
        }
        Err(last)
    }

    /// The next target when the response is a redirect (of the kinds that BR §3.2.2.4.19 allows, so not 303).
    fn next(
        &self,
        target: &Target,
        passed: &[Target],
        address: IpAddr,
        response: &Response,
    ) -> Result<Option<Target>, HttpProblem> {
        let status = response.status.as_u16();
        match status {
            200 => return Ok(None),
            301 | 302 | 307 | 308 => {}
            _ => return Err(HttpProblem::Status { status, address }),
        }
        let refused = |refusal| HttpProblem::Redirect {
            status,
            address,
            refusal,
        };
        let location = response
            .location
            .as_deref()
            .ok_or(Refusal::NoLocation)
            .map_err(refused)?;
        let next = target.redirected(location, self.ports).map_err(refused)?;
        if next == *target || passed.contains(&next) {
            return Err(refused(Refusal::Loop(next.to_string())));
        }
        if passed.len() >= MOST_REDIRECTS {
            return Err(refused(Refusal::TooMany { limit: MOST_REDIRECTS }));
        }
        Ok(Some(next))
    }
}

/// White space at the end doesn't count (RFC 8555 §8.3).
fn compare(address: IpAddr, body: Vec<u8>, expected: &Http01Expected) -> Result<IpAddr, HttpProblem> {
    let wanted = &expected.key_authorization;
    if body.len() > MOST_BYTES {
        return Err(HttpProblem::TooLong {
            address,
            limit: MOST_BYTES,
            expected: wanted.clone(),
        });
    }
    if body.trim_ascii_end() == wanted.as_bytes() {
        return Ok(address);
    }
    Err(HttpProblem::Body {
        address,
        body,
        expected: wanted.clone(),
    })
}
