//! The definition of a challenge type.

use std::fmt;

use time::OffsetDateTime;

use super::http01::Http01;
use super::{CHALLENGE_PATH, Offered, responder_path, responder_prefix};
use crate::reason::{Says, WrongTxt};

/// One challenge type. Nothing has a default, so that an omission doesn't compile.
pub trait ChallengeType: Sized {
    /// See [`Method::acme_type`](super::Method::acme_type).
    const ACME_TYPE: &'static str;
    /// See [`Method::is_made_with_the_key`](super::Method::is_made_with_the_key).
    const MADE_WITH_THE_KEY: bool;
    /// See [`Method::outlasts_its_order`](super::Method::outlasts_its_order).
    const OUTLASTS_ITS_ORDER: bool;
    /// See [`Method::is_kept`](super::Method::is_kept).
    const KEPT: bool;
    /// See [`Method::names_the_account`](super::Method::names_the_account).
    const NAMES_THE_ACCOUNT: bool;
    /// See [`Method::names_the_tenant`](super::Method::names_the_tenant).
    const NAMES_THE_TENANT: bool;

    /// See [`Method::heading`](super::Method::heading).
    fn heading(wildcards: bool) -> &'static str;

    /// The CA's offer for this challenge type; none when there is none.
    ///
    /// # Errors
    /// Why the challenge is offered but can't be used.
    fn read(offered: &Offered<'_>) -> Option<Result<Self, String>>;

    /// See [`Challenge::relies_on_the_accounts_url`](super::Challenge::relies_on_the_accounts_url).
    fn relies_on_the_accounts_url(&self) -> bool;

    /// See [`Challenge::place`](super::Challenge::place).
    fn place(&self, domain: &str) -> Place;

    /// See [`Challenge::to_set`](super::Challenge::to_set).
    fn to_set(&self, domain: &str, tenancy: &Tenancy<'_>) -> ToSet;

    /// See [`Challenge::look_for`](super::Challenge::look_for).
    fn look_for(&self, domain: &str) -> LookFor<'_>;
}

/// Where a proof is looked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The name of a TXT record.
    Txt(String),
    /// The name of a CNAME record.
    Cname(String),
    /// The host of a URL.
    Http(String),
}

impl Place {
    /// The name alone.
    pub fn name(&self) -> &str {
        match self {
            Self::Txt(name) | Self::Cname(name) | Self::Http(name) => name,
        }
    }

    /// The same, owned.
    pub fn into_name(self) -> String {
        match self {
            Self::Txt(name) | Self::Cname(name) | Self::Http(name) => name,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Txt(name) => write!(f, "TXT {name}"),
            Self::Cname(name) => write!(f, "CNAME {name}"),
            Self::Http(host) => write!(f, "http://{host}"),
        }
    }
}

/// The tenant and the instance whose domains are to be proved.
#[derive(Debug, Clone, Copy)]
pub struct Tenancy<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// All domains of the instance.
    pub domains: &'a [&'a str],
}

/// What a tenant has to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToSet {
    /// A TXT record.
    Txt {
        /// Its name.
        name: String,
        /// Its value, without quotes.
        value: String,
    },
    /// A CNAME record.
    Cname {
        /// Its name.
        name: String,
        /// Where it leads.
        target: String,
    },
    /// A redirect at the domain's web server.
    Redirect(Redirect),
}

/// A redirect, from the URL that the CA requests of a domain's web server to broker-api.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The domain.
    pub host: String,
    /// The tenant, who has a part of broker-api's responder.
    pub tenant: String,
    /// This order's token.
    pub token: String,
}

impl Redirect {
    /// The redirect's source, for any token.
    pub fn from(&self) -> String {
        format!("http://{}{CHALLENGE_PATH}*", self.host)
    }

    /// The redirect's target, for any token; `responder` is the public address of broker-api.
    pub fn to(&self, responder: &str) -> String {
        format!("{responder}{}*", responder_prefix(&self.tenant))
    }

    /// The URL that the CA requests in this order.
    pub fn url(&self) -> String {
        format!("http://{}{CHALLENGE_PATH}{}", self.host, self.token)
    }

    /// The path at broker-api that answers this order.
    pub fn path(&self) -> String {
        responder_path(&self.tenant, &self.token)
    }
}

/// Judges the texts of all TXT records at a name, at a moment.
pub type Judge<'a> = Box<dyn Fn(&[Vec<u8>], OffsetDateTime) -> Judged + Send + Sync + 'a>;

/// What has to be seen.
pub enum LookFor<'a> {
    /// A TXT record that all of the zone's name servers have and a resolver returns.
    Txt(Judge<'a>),
    /// A CNAME that leads to `target`, and there a TXT record that the broker writes.
    Delegation {
        /// The name in the broker's zone.
        target: &'a str,
        /// The record counts nowhere else.
        only_by_cname: bool,
        /// Judges the texts there.
        judge: Judge<'a>,
    },
    /// The challenge file, as the CA fetches it.
    File(&'a Http01),
}

/// The verdict on a name's TXT records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// One of them is what the CA needs.
    Good(Says),
    /// They are something else.
    Wrong(WrongTxt),
    /// None of them concerns this challenge type.
    Unrelated,
}
