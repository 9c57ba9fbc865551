//! One domain, from outside, within a time limit. A look that takes too long is reported as such; what was seen before is kept.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pipeline::outside::{Facts, Http, Persist, Tls};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::echo::Echo;
use crate::expected::Expected;
use crate::fetch::{self, Fetched};
use crate::forwarding::{self, Echoed};
use crate::handshake::{self, Met, Trust};
use crate::names::{self, End, Names, Trail};
use crate::{address, cache, served};

/// The most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Where connections may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connects {
    /// To this address, whatever DNS says.
    To(SocketAddr),
    /// To wherever DNS says, by this port: the operator looks at names of his own broker.
    Anywhere(u16),
    /// The same, but to nothing that isn't outside ([`address::allowed`]): names are tenants'.
    Outside {
        /// The port.
        port: u16,
        /// Private and loopback addresses are outside, too.
        allow_private: bool,
    },
}

impl Connects {
    /// What is connected to, of a name's addresses.
    fn addresses(self, found: &[IpAddr]) -> Vec<SocketAddr> {
        let (port, checked) = match self {
            Self::To(address) => return vec![address],
            Self::Anywhere(port) => (port, None),
            Self::Outside { port, allow_private } => (port, Some(allow_private)),
        };
        let is_allowed = |found: &IpAddr| checked.is_none_or(|private| address::allowed(*found, private));
        let allowed = found.iter().copied().filter(is_allowed).take(MOST_ADDRESSES);
        allowed.map(|found| SocketAddr::new(found, port)).collect()
    }
}

/// How domains are looked at.
#[derive(Debug, Clone)]
pub struct Request {
    /// The path to get at each domain.
    pub path: String,
    /// A path where the app answers with the headers of the request.
    pub echo: Option<String>,
    /// Replaces the * of a wildcard.
    pub label: String,
    /// Where connections may go.
    pub connects: Connects,
    /// How long one domain may take.
    pub within: Duration,
    /// The program's name, for those who are asked.
    pub agent: &'static str,
}

/// Looks at domains.
pub struct Outside<'a> {
    /// DNS.
    pub names: Names,
    /// Whose certificates are good.
    pub trust: Trust,
    /// How.
    pub request: &'a Request,
    /// What is to be seen.
    pub expected: &'a Expected,
}

impl Outside<'_> {
    /// Looks at one domain.
    pub async fn look(&self, domain: &str) -> Facts {
        let deadline = Instant::now() + self.request.within;
        let mut facts = Facts::unknown(domain, &self.request.label);
        let name = facts.name.clone();
        let (path, its, persist) = tokio::join!(
            timeout_at(deadline, self.names.follow(&name)),
            timeout_at(deadline, self.names.follow(&self.expected.distribution)),
            timeout_at(deadline, self.persist(domain)),
        );
        let path = path.unwrap_or_else(|_| Trail {
            chain: Vec::new(),
            end: End::Failed(self.late()),
        });
        let its = its.as_ref().map_or(&[][..], Trail::addresses);
        facts.dns = names::judge(&path, &self.expected.distribution, its);
        facts.persist = persist.unwrap_or(Persist::Unknown);

        let addresses = self.request.connects.addresses(path.addresses());
        if addresses.is_empty() && !path.addresses().is_empty() {
            facts.tls = Tls::NotPublic;
            return facts;
        }
        let met = timeout_at(deadline, handshake::meet(&self.trust, &name, &addresses)).await;
        let met = met.unwrap_or_else(|_| Met::nobody(Tls::NoConnection { why: self.late() }));
        let attached = self.expected.attached.as_deref();
        facts.certificate = met
            .leaf
            .and_then(|leaf| served::read(&leaf, &name, attached, OffsetDateTime::now_utc()));
        facts.tls = met.tls;
        let is_verified = matches!(facts.tls, Tls::Verified { .. });
        if let Some(address) = met.address.filter(|_| is_verified) {
            self.ask(&mut facts, address, deadline).await;
        }
        facts
    }

    /// What the edge and the app answer, by TLS that was verified.
    async fn ask(&self, facts: &mut Facts, address: SocketAddr, deadline: Instant) {
        let name = facts.name.clone();
        let path = self.request.path.as_str();
        let answer = match self.get(&name, address, path, deadline).await {
            Ok(fetched) => fetched.answer,
            Err(why) => {
                facts.http = Http::Failed { why };
                return;
            }
        };
        let second = self.get(&name, address, path, deadline).await;
        let second = second.ok().map(|fetched| fetched.answer);
        facts.cache = cache::judge(&answer, second.as_ref(), self.expected.keeps_nothing);
        facts.http = Http::Answered(answer);
        let echoed = match &self.request.echo {
            None => Echoed::NotAsked,
            Some(path) => echoed(self.get(&name, address, &fresh(path), deadline).await),
        };
        facts.host = forwarding::host(&echoed, &name, self.expected);
        facts.x_forwarded_for = forwarding::x_forwarded_for(&echoed);
    }

    async fn get(&self, name: &str, address: SocketAddr, path: &str, deadline: Instant) -> Result<Fetched, String> {
        let got = fetch::get(&self.trust, self.request.agent, name, address, path);
        let got = timeout_at(deadline, got).await;
        got.unwrap_or_else(|_| Err(self.late()))
    }

    fn late(&self) -> String {
        format!("not within {}", pipeline::shown::span(self.request.within))
    }

    async fn persist(&self, domain: &str) -> Persist {
        match self
            .expected
            .challenges
            .get(domain)
            .and_then(|known| known.iter().next())
        {
            Some(challenge) => self.names.persist(domain, challenge).await,
            None => Persist::Unused,
        }
    }
}

/// The path with a unique query: a cached response would show the headers of somebody else's request.
fn fresh(path: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}cdn-broker={}", Uuid::new_v4().simple())
}

fn echoed(got: Result<Fetched, String>) -> Echoed {
    match got {
        Ok(fetched) => match Echo::read(&fetched.body) {
            Some(echo) => Echoed::Echo(echo),
            None => Echoed::Nothing(format!("HTTP {}, without request headers in it", fetched.answer.status)),
        },
        Err(why) => Echoed::Nothing(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses that are connected to, of these.
    fn connected(connects: Connects, found: &[&str]) -> Vec<String> {
        let found: Vec<IpAddr> = found.iter().map(|text| text.parse().unwrap()).collect();
        connects.addresses(&found).iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn tenants_names_lead_to_nothing_that_is_not_outside() {
        let found = [
            "1.1.1.1",
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "::1",
            "::ffff:10.0.0.1",
            "2606:4700::1111",
        ];
        let outside = |allow_private| Connects::Outside {
            port: 443,
            allow_private,
        };
        assert_eq!(
            connected(outside(false), &found),
            ["1.1.1.1:443", "[2606:4700::1111]:443"]
        );
        assert_eq!(connected(outside(false), &found[1..6]), Vec::<String>::new());
        let private = connected(outside(true), &found);
        assert!(private.contains(&"127.0.0.1:443".to_owned()), "{private:?}");
        assert!(!private.contains(&"169.254.169.254:443".to_owned()), "{private:?}");
        assert_eq!(connected(Connects::Anywhere(443), &found).len(), found.len());
        let to = SocketAddr::from(([192, 0, 2, 1], 8443));
        assert_eq!(connected(Connects::To(to), &found), ["192.0.2.1:8443"]);
        let many = vec!["1.1.1.1"; 100];
        assert_eq!(connected(outside(false), &many).len(), MOST_ADDRESSES);
    }
}
