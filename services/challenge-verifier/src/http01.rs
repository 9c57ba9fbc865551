//! The challenge file, fetched as the CA would (RFC 8555 §8.3), but defensively: every name comes from a user.
//!
//! A host's addresses are looked up here and checked (`probe::address`), and the connection goes to exactly the
//! address that was checked, so a name that changes between the two (DNS rebinding) gains nothing. A redirect to another
//! host repeats these checks; one to the same host leads to the addresses that were checked. The operating system's
//! resolver, proxies and /etc/hosts are not used.

mod fetch;
mod names;
mod target;
mod tls;
mod walk;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use pipeline::proof;
use pipeline::turn::Turn;
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::dns::Dns;
use crate::settings::ProbeSettings;
use crate::shown;
use fetch::{MOST_BYTES, Response};
pub(crate) use names::Names;
pub use pipeline::reason::{HttpFailure, HttpInPlace, HttpProblem, Redirected, Refusal};
use target::{Ports, Target};
use walk::Walk;

/// The same limit as Let's Encrypt's.
const MOST_REDIRECTS: usize = 10;

/// Fetches challenge files, configured by the settings.
#[derive(Debug)]
pub struct Http01 {
    ports: Ports,
    timeout: Duration,
    allow_private: bool,
    tls: Arc<ClientConfig>,
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

    /// Whether the file is in place at every address of the domain, and of the hosts that redirects lead to, since the
    /// CA may use any of them. All are queried concurrently.
    pub async fn check(&self, dns: &Dns, domain: &str, expected: &proof::Http01) -> Result<HttpInPlace, HttpFailure> {
        self.walk(&self.names(dns), domain, expected).await
    }

    /// What the hosts' addresses are looked up with, in one probe.
    pub(crate) fn names<'d>(&self, dns: &'d Dns) -> Names<'d> {
        Names::new(dns, self.allow_private)
    }

    /// [`Self::check`] at one address of each host, if possible of those that an earlier probe found.
    pub(crate) async fn glance(
        &self,
        dns: &Dns,
        hosts: &BTreeMap<String, Vec<IpAddr>>,
        turn: Turn,
        domain: &str,
        expected: &proof::Http01,
    ) -> Result<HttpInPlace, HttpFailure> {
        let names = self.names(dns).for_a_glance(hosts, turn);
        self.walk(&names, domain, expected).await
    }

    /// [`Self::check`] with the caller's look-ups.
    pub(crate) async fn walk(
        &self,
        names: &Names<'_>,
        domain: &str,
        expected: &proof::Http01,
    ) -> Result<HttpInPlace, HttpFailure> {
        let walk = Walk {
            http: self,
            names,
            expected,
            deadline: Instant::now() + self.timeout,
        };
        walk.from(Target::first(domain, &expected.token, self.ports)).await
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

/// White space at the end is ignored (RFC 8555 §8.3).
fn compare(address: IpAddr, body: Vec<u8>, expected: &proof::Http01) -> Result<IpAddr, HttpProblem> {
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
        other_account: body.starts_with(format!("{}.", expected.token).as_bytes()),
        body: shown::plain(&body),
        expected: wanted.clone(),
    })
}
