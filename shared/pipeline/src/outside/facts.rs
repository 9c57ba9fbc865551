//! What was seen at one domain. Plain data; others draw the conclusions.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::wildcard_of;
use crate::shown::harmless;

/// The most characters of a text from outside that are stored …
const LONGEST: usize = 200;
/// … and the most of texts of one kind.
const MOST: usize = 8;

/// The observations at one domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The domain.
    pub domain: String,
    /// The probed name: the domain, or a name below it if it is a wildcard.
    pub name: String,
    /// Where the name points.
    pub dns: Dns,
    /// Its standing dns-persist-01 record for the CA.
    pub persist: Persist,
    /// The TLS handshake.
    pub tls: Tls,
    /// The presented certificate, verified or not.
    pub certificate: Option<Served>,
    /// The response to a request for the path.
    pub http: Http,
    /// Whether the edge caches it.
    pub cache: Cache,
    /// Whether the app sees the name as `Host`.
    pub host: Header,
    /// Whether the app sees the viewer's address.
    pub x_forwarded_for: Header,
}

/// Where a name points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Dns {
    /// By CNAME to the distribution.
    Cname {
        /// The names on the way, the distribution's last.
        chain: Vec<String>,
    },
    /// To addresses that the distribution's name has as well: an ALIAS at a zone's apex.
    SameAddresses {
        /// The names on the way, if there is a CNAME.
        chain: Vec<String>,
        /// The domain's addresses.
        addresses: Vec<IpAddr>,
    },
    /// Not to the distribution.
    Elsewhere {
        /// The names on the way, if there is a CNAME.
        chain: Vec<String>,
        /// The final addresses; may be empty.
        addresses: Vec<IpAddr>,
    },
    /// Nowhere: the name, or the target of its CNAME, doesn't exist.
    NoSuchName {
        /// The names on the way, if there is a CNAME.
        chain: Vec<String>,
    },
    /// No usable answer.
    Failed {
        /// The error.
        why: String,
    },
}

/// The standing record at `_validation-persist.<domain>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persist {
    /// It trusts this tenant's account.
    Set,
    /// There is a record, but not the one that the CA requires.
    Other,
    /// There is none.
    None,
    /// DNS did not respond.
    Unknown,
    /// The CA doesn't offer dns-persist-01, or was never asked.
    Unused,
}

/// The result of the TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Tls {
    /// Issuer, name and validity period are right.
    Verified {
        /// `1.3` or `1.2`.
        version: String,
    },
    /// The certificate is for other names.
    WrongName,
    /// Its issuer is not trusted here.
    UnknownIssuer,
    /// It has expired.
    Expired,
    /// It is not valid yet, or the clock here is wrong.
    NotYetValid,
    /// No certificate was presented: CloudFront has none for the name, or the peer doesn't speak TLS.
    NoHandshake {
        /// The error.
        why: String,
    },
    /// No connection could be established.
    NoConnection {
        /// The error.
        why: String,
    },
    /// There is no address to connect to.
    NotTried,
    /// There are addresses that nobody outside can connect to, and no other: private ones, for example.
    NotPublic,
}

/// A certificate as presented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The issuer: the common name, else the whole distinguished name.
    pub issuer: String,
    /// Serial number, in hexadecimal.
    pub serial: String,
    /// Its DNS names.
    pub names: Vec<String>,
    /// Whether one of them is the domain.
    pub covers: bool,
    /// Valid from.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Valid until.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// Whole days since `not_before`.
    pub age_days: i64,
    /// Whole days until `not_after`; negative after that.
    pub days_left: i64,
    /// Whether it is the certificate that the database says is attached.
    pub attached: bool,
}

/// The result of a GET.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Http {
    /// A response.
    Answered(Answer),
    /// No response, though TLS succeeded.
    Failed {
        /// The error.
        why: String,
    },
    /// Without verified TLS nothing is sent.
    NotTried,
}

/// The relevant headers of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The target of a redirect.
    pub location: Option<String>,
    /// `X-Cache`
    pub x_cache: Option<String>,
    /// `Via`
    pub via: Option<String>,
    /// `Age`, seconds.
    pub age: Option<u64>,
    /// `Cache-Control`
    pub cache_control: Option<String>,
}

/// Whether the edge caches the path, according to two requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Cache {
    /// The second response came from the cache.
    Hit,
    /// It didn't, though nothing forbids it.
    Miss,
    /// It must not be cached.
    NotCacheable {
        /// The reason.
        why: String,
    },
    /// `X-Cache` says something else, such as an error.
    Told {
        /// Its first word.
        word: String,
    },
    /// Unknown.
    Unknown,
}

/// Whether a request header reaches the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Header {
    /// The app sees it as configured.
    AsConfigured {
        /// The value that the app sees.
        value: String,
    },
    /// The app sees something else.
    Mismatch {
        /// The value that it sees, if it received the header.
        value: Option<String>,
        /// The expected value.
        expected: String,
    },
    /// No echo was requested.
    NotAsked,
    /// An echo was requested, and the response is none.
    NoEcho {
        /// The response.
        why: String,
    },
}

impl Facts {
    /// A domain about which nothing is known yet. For a wildcard, the name with that label is probed.
    pub fn unknown(domain: &str, label: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            name: wildcard_of(domain).map_or_else(|| domain.to_owned(), |parent| format!("{label}.{parent}")),
            dns: Dns::NoSuchName { chain: Vec::new() },
            persist: Persist::Unknown,
            tls: Tls::NotTried,
            certificate: None,
            http: Http::NotTried,
            cache: Cache::Unknown,
            host: Header::NotAsked,
            x_forwarded_for: Header::NotAsked,
        }
    }

    /// The same with texts that are as long as a page shows them at most: peers choose how long they are.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        match &mut self.dns {
            Dns::Cname { chain } | Dns::NoSuchName { chain } => short_list(chain),
            Dns::SameAddresses { chain, addresses } | Dns::Elsewhere { chain, addresses } => {
                short_list(chain);
                addresses.truncate(MOST);
            }
            Dns::Failed { why } => short(why),
        }
        match &mut self.tls {
            Tls::NoHandshake { why } | Tls::NoConnection { why } => short(why),
            Tls::Verified { .. }
            | Tls::WrongName
            | Tls::UnknownIssuer
            | Tls::Expired
            | Tls::NotYetValid
            | Tls::NotTried
            | Tls::NotPublic => {}
        }
        if let Some(certificate) = &mut self.certificate {
            short(&mut certificate.issuer);
            short(&mut certificate.serial);
            short_list(&mut certificate.names);
        }
        match &mut self.http {
            Http::Answered(answer) => {
                let texts = [
                    &mut answer.location,
                    &mut answer.x_cache,
                    &mut answer.via,
                    &mut answer.cache_control,
                ];
                texts.into_iter().flatten().for_each(short);
            }
            Http::Failed { why } => short(why),
            Http::NotTried => {}
        }
        match &mut self.cache {
            Cache::NotCacheable { why } => short(why),
            Cache::Told { word } => short(word),
            Cache::Hit | Cache::Miss | Cache::Unknown => {}
        }
        for header in [&mut self.host, &mut self.x_forwarded_for] {
            match header {
                Header::AsConfigured { value } => short(value),
                Header::Mismatch { value, expected } => {
                    value.iter_mut().for_each(short);
                    short(expected);
                }
                Header::NoEcho { why } => short(why),
                Header::NotAsked => {}
            }
        }
        self
    }
}

fn short(text: &mut String) {
    *text = harmless(text, LONGEST);
}

/// The last ones: a chain of names ends there.
fn short_list(texts: &mut Vec<String>) {
    let rest = texts.len().saturating_sub(MOST);
    texts.drain(..rest);
    texts.iter_mut().for_each(short);
}
