//! Why an order can't lead to a certificate any more.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::proof::Method;

/// Why a replacement order is placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "spent", rename_all = "kebab-case")]
pub enum Spent {
    /// It expired (RFC 8555 §7.1.3).
    Expired {
        /// The phase in which it expired.
        during: During,
    },
    /// The account's key was changed while domains were still to be proved: a new order has the values that are
    /// expected now.
    KeyChanged,
    /// It belongs to an account that is no longer used.
    OtherAccount,
    /// The CA no longer knows the account.
    AccountForgotten,
    /// The CA no longer knows the order.
    OrderForgotten,
    /// The CA denies access to the order.
    Hidden {
        /// Its words.
        said: String,
    },
    /// The CA reports the order as invalid (RFC 8555 §7.1.6), and names no domain.
    Invalid {
        /// Its words.
        said: Option<String>,
    },
    /// The CA rejected one domain.
    OneTurnedDown {
        /// The domain.
        domain: String,
    },
    /// The CA rejected several domains.
    TurnedDown {
        /// How many.
        count: usize,
    },
    /// The CA did not issue.
    NotIssued {
        /// Its words.
        said: String,
    },
    /// A domain's authorization was valid when the order was placed, and is no longer.
    AnotherProof {
        /// The domain; none: the CA doesn't say which.
        domain: Option<String>,
    },
    /// The challenge type whose proof was found in place is no longer offered.
    NoLongerOffered {
        /// The domain.
        domain: String,
        /// The challenge type.
        method: Method,
    },
    /// The broker's zone, to which the order's domains could be delegated, is not set any more.
    ZoneChanged,
    /// CAA records forbid the CA, which was asked in place of one that the plan prefers, to issue.
    CaaForbids {
        /// The domain.
        domain: String,
    },
    /// The issued certificate can't be used.
    Useless {
        /// Its flaw.
        flaw: String,
    },
}

/// The phase in which an order expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum During {
    /// Before its authorizations were read.
    Placing,
    /// While the domains were probed.
    Looking,
    /// While the verified domains waited for the others.
    Answering,
    /// While the CA validated them.
    Validating,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { during } => f.write_str(match during {
                During::Placing => "the order expired before its authorizations were read",
                During::Looking => "the order expired before every domain was ready",
                During::Answering => "the order expired while the domains were being verified",
                During::Validating => "the order expired while the CA was verifying the domains",
            }),
            Self::KeyChanged => f.write_str(
                "the key of your organization's account at the CA was changed, and with it what dns-01 and http-01 want",
            ),
            Self::OtherAccount => f.write_str("the order belongs to an account that is no longer used"),
            Self::AccountForgotten => f.write_str("the CA no longer knows the account, which is registered again"),
            Self::OrderForgotten => f.write_str("the CA no longer knows the order"),
            Self::Hidden { said } => write!(f, "the CA doesn't show the order: {said}"),
            Self::Invalid { said: None } => f.write_str("the CA says that the order is invalid"),
            Self::Invalid { said: Some(said) } => write!(f, "the CA says that the order is invalid: {said}"),
            Self::OneTurnedDown { domain } => write!(f, "the CA rejected {domain}"),
            Self::TurnedDown { count } => write!(f, "the CA rejected {count} domains"),
            Self::NotIssued { said } => write!(f, "the CA did not issue the certificate: {said}"),
            Self::AnotherProof { domain: Some(domain) } => write!(f, "the CA wants {domain} to be verified again"),
            Self::AnotherProof { domain: None } => {
                f.write_str("the CA wants domains of the order to be verified again")
            }
            Self::NoLongerOffered { domain, method } => {
                write!(f, "the CA no longer offers {} for {domain}", method.as_str())
            }
            Self::ZoneChanged => f.write_str("the broker's own DNS zone was changed, and with it where CNAMEs have to lead"),
            Self::CaaForbids { domain } => write!(
                f,
                "CAA records forbid the CA that was asked in place of another one to issue for {domain}"
            ),
            Self::Useless { flaw } => write!(f, "the certificate is of no use: {flaw}"),
        }
    }
}
