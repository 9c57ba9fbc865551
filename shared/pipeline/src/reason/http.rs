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
    /// The addresses that have it.
    pub addresses: Vec<IpAddr>,
    /// IPv6 addresses that couldn't be connected to from here.
    pub left_out: Vec<HttpProblem>,
}

/// At least one address didn't bring the key authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpFailure {
    /// The addresses that did.
    pub in_place: Vec<IpAddr>,
    /// What the others brought.
    pub wrong: Vec<Redirected>,
}

/// What was seen instead of the key authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirected {
    /// Where redirects had led, if there were any.
    pub redirected_to: Option<String>,
    /// What happened there.
    pub problem: HttpProblem,
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
    /// The host's name gave no address.
    #[error("{host}: {failure}")]
    Name {
        /// The host.
        host: String,
        /// What DNS said.
        failure: Box<LookupFailure>,
    },
    /// The host has addresses, but none that may be connected to. They aren't told: the name may be an internal one
    /// that a user's redirect or CNAME leads to.
    #[error("{host} has no public address")]
    NotPublic {
        /// The host.
        host: String,
    },
    /// No connection.
    #[error("no HTTP answer from {address} ({why})")]
    NoConnection {
        /// Where.
        address: SocketAddr,
        /// The operating system's reason.
        why: String,
    },
    /// A connection that broke.
    #[error("no HTTP answer from {address} ({why})")]
    Broken {
        /// Where.
        address: SocketAddr,
        /// The operating system's or the protocol's reason.
        why: String,
    },
    /// Not finished in time.
    #[error("no complete HTTP answer{} within {}", from(*address), shown::span(*after))]
    Slow {
        /// Where, when it was already known.
        address: Option<IpAddr>,
        /// The limit.
        #[serde(with = "super::millis", rename = "after_ms")]
        after: Duration,
    },
    /// More addresses and redirects than are looked at.
    #[error("more than {limit} addresses and redirects of {host}")]
    TooMany {
        /// The host at which it was enough.
        host: String,
        /// How many are looked at.
        limit: usize,
    },
    /// Another status than 200.
    #[error("HTTP {status} from {address}")]
    Status {
        /// The status.
        status: u16,
        /// Who said so.
        address: IpAddr,
    },
    /// Not the key authorization.
    #[error("HTTP 200 from {address} with \"{body}\", expected {}", shown::quoted(expected.as_bytes()))]
    Body {
        /// Who said so.
        address: IpAddr,
        /// The body, as [`shown::plain`] has it.
        body: String,
        /// It begins with the token: an ACME client wrote it, for another account.
        other_account: bool,
        /// What it should be.
        expected: String,
    },
    /// More than any key authorization; the CA stops reading there as well.
    #[error("HTTP 200 from {address} with more than {limit} bytes, expected {}", shown::quoted(expected.as_bytes()))]
    TooLong {
        /// Who said so.
        address: IpAddr,
        /// How much is read.
        limit: usize,
        /// What the body should be.
        expected: String,
    },
    /// A redirect that the CA wouldn't follow either.
    #[error("HTTP {status} from {address}, a redirect that is not followed: {refusal}")]
    Redirect {
        /// The status.
        status: u16,
        /// Who said so.
        address: IpAddr,
        /// Why.
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
    #[error("it leads to {0}:, only http: and https: will do")]
    Scheme(String),
    #[error("it leads to port {0}, only 80 and 443 will do")]
    Port(u16),
    #[error("it leads to the address {0}, only names will do")]
    Address(String),
    #[error("it leads back to {0}")]
    Loop(String),
    #[error("it is the {}th in a row", limit + 1)]
    TooMany { limit: usize },
}

impl HttpProblem {
    /// Whether a CA that prefers IPv6 goes on to an IPv4 address after this (boulder, `va/http.go`: only a connection
    /// that can't be made), or this machine has no IPv6 at all: neither says that the file isn't there.
    pub fn is_passed_over(&self) -> bool {
        matches!(self, Self::NoConnection { address, .. } if address.is_ipv6())
    }
}

fn from(address: Option<IpAddr>) -> String {
    address.map(|address| format!(" from {address}")).unwrap_or_default()
}
