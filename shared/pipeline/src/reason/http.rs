//! Where the challenge file is in place (RFC 8555 §8.3), and what was seen instead.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LookupFailure;
use crate::shown;

/// Where the file is in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpInPlace {
    /// The addresses that serve it.
    pub addresses: Vec<IpAddr>,
    /// IPv6 addresses that this machine couldn't connect to.
    pub left_out: Vec<HttpProblem>,
}

/// At least one address didn't serve the key authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpFailure {
    /// The addresses that did.
    pub in_place: Vec<IpAddr>,
    /// What the other addresses served.
    pub wrong: Vec<Redirected>,
}

/// What was seen instead of the key authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirected {
    /// The target of redirects, if there were any.
    pub redirected_to: Option<String>,
    /// The problem at that target.
    pub problem: HttpProblem,
}

impl HttpFailure {
    /// Whether it is what the web servers, or the names that lead to them, answered.
    pub(super) fn is_certain(&self) -> bool {
        let certain = |wrong: &Redirected| match &wrong.problem {
            HttpProblem::Name { failure, .. } => failure.problem.is_plain_denial(),
            HttpProblem::Slow { .. } => false,
            _ => true,
        };
        self.in_place.is_empty() && !self.wrong.is_empty() && self.wrong.iter().all(certain)
    }

    /// Whether all that a later look saw, at some of the addresses, is like something in this one.
    pub fn is_confirmed_by(&self, later: &Self) -> bool {
        let is_known = |wrong: &Redirected| self.wrong.iter().any(|known| known.is_like(wrong));
        later.in_place.is_empty() && !later.wrong.is_empty() && later.wrong.iter().all(is_known)
    }
}

impl Redirected {
    fn is_like(&self, other: &Self) -> bool {
        self.redirected_to == other.redirected_to && self.problem.is_like(&other.problem)
    }
}

impl fmt::Display for HttpInPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP 200 from {} with the key authorization", few(&self.addresses))?;
        match self.left_out.is_empty() {
            true => Ok(()),
            false => write!(f, "; left out: {}", few(&self.left_out)),
        }
    }
}

impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.in_place.is_empty() {
            write!(
                f,
                "the key authorization is at {}, but not yet everywhere: ",
                few(&self.in_place)
            )?;
        }
        f.write_str(&few(&self.wrong))
    }
}

impl fmt::Display for Redirected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.redirected_to {
            None => self.problem.fmt(f),
            Some(url) => write!(f, "{} (redirected to {url})", self.problem),
        }
    }
}

fn few(all: &[impl ToString]) -> String {
    shown::few(all.iter().map(ToString::to_string))
}

/// What was seen instead of the key authorization.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "http", rename_all = "kebab-case")]
pub enum HttpProblem {
    /// The host's name has no address.
    #[error("{host}: {failure}")]
    Name {
        /// The host.
        host: String,
        /// The DNS failure.
        failure: Box<LookupFailure>,
    },
    /// The host has addresses, but none that may be connected to. The addresses are not shown: the name may be an
    /// internal one that a user's redirect or CNAME leads to.
    #[error("{host} has no public address")]
    NotPublic {
        /// The host.
        host: String,
    },
    /// The connection failed.
    #[error("no HTTP answer from {address} ({why})")]
    NoConnection {
        /// The address.
        address: SocketAddr,
        /// The operating system's reason.
        why: String,
    },
    /// A connection that broke.
    #[error("no HTTP answer from {address} ({why})")]
    Broken {
        /// The address.
        address: SocketAddr,
        /// The operating system's or the protocol's reason.
        why: String,
    },
    /// The response was not complete in time.
    #[error("no complete HTTP answer{} within {}", from(*address), shown::span(*after))]
    Slow {
        /// The address, if already known.
        address: Option<IpAddr>,
        /// The limit.
        #[serde(with = "super::millis", rename = "after_ms")]
        after: Duration,
    },
    /// More addresses and redirects than are tried.
    #[error("more than {limit} addresses and redirects of {host}")]
    TooMany {
        /// The host at which the limit was reached.
        host: String,
        /// The maximum number that is tried.
        limit: usize,
    },
    /// A status other than 200.
    #[error("HTTP {status} from {address}")]
    Status {
        /// The status.
        status: u16,
        /// The address that answered.
        address: IpAddr,
    },
    /// The body is not the key authorization.
    #[error("HTTP 200 from {address} with \"{body}\", expected {}", shown::quoted(expected.as_bytes()))]
    Body {
        /// The address that answered.
        address: IpAddr,
        /// The body, as [`shown::plain`] has it.
        body: String,
        /// The body begins with the token: an ACME client wrote it, for another account.
        other_account: bool,
        /// The expected body.
        expected: String,
    },
    /// The body is longer than any key authorization; the CA stops reading there as well.
    #[error("HTTP 200 from {address} with more than {limit} bytes, expected {}", shown::quoted(expected.as_bytes()))]
    TooLong {
        /// The address that answered.
        address: IpAddr,
        /// The maximum number of bytes that is read.
        limit: usize,
        /// The expected body.
        expected: String,
    },
    /// A redirect that the CA wouldn't follow either.
    #[error("HTTP {status} from {address}, a redirect that is not followed: {refusal}")]
    Redirect {
        /// The status.
        status: u16,
        /// The address that answered.
        address: IpAddr,
        /// Why the redirect isn't followed.
        refusal: Refusal,
    },
}

/// Why a redirect isn't followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each message is its own documentation")]
pub enum Refusal {
    #[error("it has no Location")]
    NoLocation,
    #[error("its Location can't be read: {0}")]
    Unreadable(String),
    #[error("it leads to {0}:, only http: and https: are allowed")]
    Scheme(String),
    #[error("it leads to port {0}, only 80 and 443 are allowed")]
    Port(u16),
    #[error("it leads to the address {0}, only names are allowed")]
    Address(String),
    #[error("it leads back to {0}")]
    Loop(String),
    #[error("it is the {}th in a row", limit + 1)]
    TooMany { limit: usize },
}

impl HttpProblem {
    /// Whether a CA that prefers IPv6 falls back to an IPv4 address after this (boulder, `va/http.go`: only after a
    /// connection failure), or this machine has no IPv6 at all: neither means that the file doesn't exist.
    pub fn is_passed_over(&self) -> bool {
        matches!(self, Self::NoConnection { address, .. } if address.is_ipv6())
    }

    /// Whether it means the same, seen at another address or with another page's content.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Status { status, .. }, Self::Status { status: other, .. }) => status == other,
            (
                Self::Redirect { status, refusal, .. },
                Self::Redirect {
                    status: other,
                    refusal: others,
                    ..
                },
            ) => status == other && refusal == others,
            (
                Self::Body {
                    other_account, body, ..
                },
                Self::Body {
                    other_account: other,
                    body: others,
                    ..
                },
            ) => other_account == other && (body == others || is_page(body) && is_page(others)),
            (
                Self::Name { host, failure },
                Self::Name {
                    host: other,
                    failure: others,
                },
            ) => host == other && failure.problem.is_plain_denial() && others.problem.is_plain_denial(),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// Whether a body, as [`shown::plain`] has it, is that of a page, whose content may differ each time; another one may be an
/// attempt at the file.
fn is_page(body: &str) -> bool {
    /// White space, and a byte order mark.
    const BEFORE: [&str; 5] = [" ", r"\t", r"\r", r"\n", r"\xef\xbb\xbf"];
    let mut rest = body;
    while let Some(next) = BEFORE.iter().find_map(|&before| rest.strip_prefix(before)) {
        rest = next;
    }
    rest.starts_with('<')
}

fn from(address: Option<IpAddr>) -> String {
    address.map(|address| format!(" from {address}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::DnsProblem;

    fn status(status: u16, address: &str) -> HttpProblem {
        let address = address.parse().unwrap();
        HttpProblem::Status { status, address }
    }

    fn refused(status: u16, refusal: Refusal) -> HttpProblem {
        HttpProblem::Redirect {
            status,
            address: "192.0.2.1".parse().unwrap(),
            refusal,
        }
    }

    fn page(body: &str, other_account: bool) -> HttpProblem {
        HttpProblem::Body {
            address: "192.0.2.1".parse().unwrap(),
            body: shown::plain(body.as_bytes()),
            other_account,
            expected: "token.thumb".to_owned(),
        }
    }

    fn without_address(host: &str, problem: DnsProblem) -> HttpProblem {
        HttpProblem::Name {
            host: host.to_owned(),
            failure: Box::new(LookupFailure { alias: None, problem }),
        }
    }

    fn no_such_name() -> DnsProblem {
        DnsProblem::NoSuchName { server: "ns1".into() }
    }

    fn no_record() -> DnsProblem {
        DnsProblem::NoRecord {
            kind: "A".into(),
            server: "ns2".into(),
        }
    }

    fn garbled() -> DnsProblem {
        DnsProblem::Garbled { server: "ns1".into() }
    }

    #[test]
    fn what_means_the_same_is_alike_at_any_address() {
        for (one, other) in [
            (status(404, "192.0.2.1"), status(404, "2001:db8::1")),
            (refused(301, Refusal::Port(8080)), refused(301, Refusal::Port(8080))),
            (
                page("<p>it is 12:00", false),
                page("\u{feff}\r\n\t <p>it is 12:01", false),
            ),
            (page("not found", false), page("not found", false)),
            (without_address("a", no_such_name()), without_address("a", no_record())),
        ] {
            assert!(one.is_like(&other) && other.is_like(&one), "{one}; {other}");
        }
        for (one, other) in [
            (status(404, "192.0.2.1"), status(503, "192.0.2.1")),
            (status(301, "192.0.2.1"), refused(301, Refusal::NoLocation)),
            (refused(301, Refusal::Port(8080)), refused(302, Refusal::Port(8080))),
            (refused(301, Refusal::Port(8080)), refused(301, Refusal::NoLocation)),
            (page("<p>not found", false), page("\"token.thumb\"", false)),
            (page("<p>not found", false), page("\u{feff}token.thumb", false)),
            (page("token.thumb1", false), page("token.thumb2", false)),
            (page("not found", false), page("token.other", true)),
            (page("not found", false), status(404, "192.0.2.1")),
            (
                without_address("a", no_such_name()),
                without_address("b", no_such_name()),
            ),
            (without_address("a", no_such_name()), without_address("a", garbled())),
        ] {
            assert!(!one.is_like(&other) && !other.is_like(&one), "{one}; {other}");
        }
    }

    #[test]
    fn one_address_confirms_what_several_said_and_a_file_or_another_redirect_does_not() {
        let at = |redirected_to: Option<&str>, problem| Redirected {
            redirected_to: redirected_to.map(str::to_owned),
            problem,
        };
        let failure = |wrong: Vec<Redirected>| HttpFailure {
            in_place: Vec::new(),
            wrong,
        };
        let before = failure(vec![
            at(None, status(404, "192.0.2.1")),
            at(Some("https://a/"), status(403, "192.0.2.2")),
        ]);
        assert!(before.is_confirmed_by(&failure(vec![at(None, status(404, "192.0.2.3"))])));
        assert!(before.is_confirmed_by(&failure(vec![at(Some("https://a/"), status(403, "192.0.2.2"))])));
        for later in [
            failure(Vec::new()),
            failure(vec![at(None, status(403, "192.0.2.1"))]),
            failure(vec![at(Some("https://b/"), status(403, "192.0.2.2"))]),
            HttpFailure {
                in_place: vec!["192.0.2.1".parse().unwrap()],
                ..before.clone()
            },
        ] {
            assert!(!before.is_confirmed_by(&later), "{later}");
        }
    }
}
