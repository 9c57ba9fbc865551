//! What was found at one domain. Plain data; what follows from it is in `verdict` and `row`.

use std::net::IpAddr;

use pipeline::domain::wildcard_of;
use serde::Serialize;
use time::OffsetDateTime;

/// What was found at one domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// The domain.
    pub domain: String,
    /// The name that was looked at: the domain, or one below the wildcard that it is.
    pub name: String,
    /// Where that leads.
    pub dns: Dns,
    /// Its standing record for the CA.
    pub persist: Persist,
    /// The TLS handshake.
    pub tls: Tls,
    /// The certificate that was shown, verified or not.
    pub certificate: Option<Served>,
    /// What the path brought.
    pub http: Http,
    /// Whether the edge keeps it.
    pub cache: Cache,
    /// Whether the app sees the name as `Host`.
    pub host: Header,
    /// Whether the app sees the viewer's address.
    pub x_forwarded_for: Header,
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Dns {
    /// By CNAME to the distribution.
    Cname {
        /// The names passed, the distribution's last.
        chain: Vec<String>,
    },
    /// To addresses that the distribution's name has as well: an ALIAS at a zone's apex.
    SameAddresses {
        /// The names passed, if there is a CNAME.
        chain: Vec<String>,
        /// The domain's addresses.
        addresses: Vec<IpAddr>,
    },
    /// Not to the distribution.
    Elsewhere {
        /// The names passed, if there is a CNAME.
        chain: Vec<String>,
        /// Where it ends; may be none.
        addresses: Vec<IpAddr>,
    },
    /// Nowhere: the name, or the one its CNAME leads to, doesn't exist.
    NoSuchName {
        /// The names passed, if there is a CNAME.
        chain: Vec<String>,
    },
    /// No answer that says anything.
    Failed {
        /// What happened.
        why: String,
    },
}

/// The standing record at `_validation-persist.<domain>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persist {
    /// It trusts this tenant's account.
    Set,
    /// There is a record, but it is not the one that the CA needs.
    Other,
    /// There is none.
    None,
    /// DNS gave no answer.
    Unknown,
    /// The CA offers no dns-persist-01, or was never asked.
    Unused,
}

/// How the TLS handshake went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Tls {
    /// Issuer, name and time are right.
    Verified {
        /// `1.3` or `1.2`.
        version: String,
    },
    /// The certificate is for other names.
    WrongName,
    /// Its issuer is not trusted here.
    UnknownIssuer,
    /// Its time is over.
    Expired,
    /// Its time has not come, or the clock here is wrong.
    NotYetValid,
    /// No certificate was shown: CloudFront has none for the name, or it isn't TLS at all.
    NoHandshake {
        /// What happened.
        why: String,
    },
    /// Nobody could be connected to.
    NoConnection {
        /// What happened.
        why: String,
    },
    /// There is no address to connect to.
    NotTried,
}

/// A certificate as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Served {
    /// Who issued it: the common name, else the whole distinguished name.
    pub issuer: String,
    /// Serial number, in hexadecimal.
    pub serial: String,
    /// Its DNS names.
    pub names: Vec<String>,
    /// One of them is the domain.
    pub covers: bool,
    /// Valid from.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Valid until.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// Whole days since `not_before`.
    pub age_days: i64,
    /// Whole days until `not_after`; negative when that has passed.
    pub days_left: i64,
    /// It is the very certificate that the database says is attached.
    pub attached: bool,
}

/// What a GET brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Http {
    /// An answer.
    Answered(Answer),
    /// None, though TLS was fine.
    Failed {
        /// What happened.
        why: String,
    },
    /// Without verified TLS nothing is sent.
    NotTried,
}

/// The head of an answer, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Where a redirect leads.
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

/// Whether the edge keeps the path, asked twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Cache {
    /// The second answer came from the cache.
    Hit,
    /// It didn't, though nothing forbids it.
    Miss,
    /// It may not be kept.
    NotCacheable {
        /// What forbids it.
        why: String,
    },
    /// `X-Cache` tells something else, such as an error.
    Told {
        /// Its first word.
        word: String,
    },
    /// Nothing tells.
    Unknown,
}

/// Whether a request header reaches the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Header {
    /// The app sees it as the settings have it.
    AsConfigured {
        /// What the app sees.
        value: String,
    },
    /// It sees something else.
    Mismatch {
        /// What it sees, if the header came at all.
        value: Option<String>,
        /// What it ought to see.
        expected: String,
    },
    /// No echo was asked for.
    NotAsked,
    /// An echo was asked for, and what came back is none.
    NoEcho {
        /// What came back.
        why: String,
    },
}

impl Facts {
    /// A domain of which nothing is known yet. Below a wildcard, the name with that label is looked at.
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
}
