//! How the CA keeps a step from being done.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The request to the CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Its directory (RFC 8555 §7.1.1).
    Directory,
    /// A new account (§7.3).
    RegisterAccount,
    /// The account's current state.
    ReadAccount,
    /// The account that a key belongs to (§7.3.1).
    FindAccount,
    /// A new key for an account (§7.3.5).
    ChangeKey,
    /// A new order (§7.4).
    PlaceOrder,
    /// The order's current state.
    ReadOrder,
    /// Validation (§7.5.1).
    AnswerChallenges,
    /// The result of validation.
    ReadValidation,
    /// The certificate: finalizing and fetching (§7.4.2).
    Certificate,
    /// Revocation (§7.6).
    Revoke,
}

impl fmt::Display for Request {
    /// Completes "while …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "fetching its directory",
            Self::RegisterAccount => "registering your account",
            Self::ReadAccount => "checking your account",
            Self::FindAccount => "checking which key your organization's account has",
            Self::ChangeKey => "changing an account's key",
            Self::PlaceOrder => "placing the order",
            Self::ReadOrder => "reading the order",
            Self::AnswerChallenges => "answering the challenges",
            Self::ReadValidation => "waiting for its validation",
            Self::Certificate => "fetching the certificate",
            Self::Revoke => "revoking the certificate",
        })
    }
}

/// The CA is the reason. `said` is its message, made harmless and short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ca", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each text is its own documentation")]
pub enum CaReason {
    NoAnswer {
        request: Request,
    },
    Unreadable {
        request: Request,
    },
    Unreachable {
        request: Request,
    },
    Fault {
        request: Request,
        said: String,
    },
    /// `rateLimited`, or HTTP 429.
    Limits {
        request: Request,
        said: String,
    },
    /// A limit that the broker itself enforces (`ACME_LIMITS`): a maximum number of something within a time.
    OwnLimit {
        rate: String,
        of: String,
    },
    NotReady {
        request: Request,
        said: String,
    },
    /// `externalAccountRequired` or `userActionRequired`.
    WantsOperator {
        request: Request,
        said: String,
    },
    Unknown {
        request: Request,
    },
    /// The plan names only CAs that certificate-issuer doesn't have.
    NoneOfThePlan {
        names: Vec<String>,
    },
    AccountForgotten,
    AccountRefused {
        said: String,
    },
    KeyChanging,
    KeyUnknown,
    RefusalUnexplained {
        request: Request,
    },
    NoOrdersThere,
    /// An order that follows unsuccessful ones starts after a pause.
    Pause {
        order: i32,
    },
    OrderMisfits,
    AnswerRefused {
        domain: String,
        said: String,
    },
    Validating,
    StillValidating {
        turned_down: usize,
        left: usize,
    },
    NoLongerReady,
    Issuing,
    CertificateNotYet,
    CertificateUnreadable,
    CertificateNotValidYet,
}

impl CaReason {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::NoAnswer { .. } => "ca-no-answer",
            Self::Unreadable { .. } => "ca-unreadable",
            Self::Unreachable { .. } => "ca-unreachable",
            Self::Fault { .. } => "ca-fault",
            Self::Limits { .. } => "ca-limits",
            Self::OwnLimit { .. } => "ca-own-limit",
            Self::NotReady { .. } => "ca-not-ready",
            Self::WantsOperator { .. } => "ca-wants-operator",
            Self::Unknown { .. } => "ca-unknown",
            Self::NoneOfThePlan { .. } => "ca-none-of-the-plan",
            Self::AccountForgotten => "ca-account-forgotten",
            Self::AccountRefused { .. } => "ca-account-refused",
            Self::KeyChanging => "ca-key-changing",
            Self::KeyUnknown => "ca-key-unknown",
            Self::RefusalUnexplained { .. } => "ca-refusal-unexplained",
            Self::NoOrdersThere => "ca-no-orders-there",
            Self::Pause { .. } => "ca-pause",
            Self::OrderMisfits => "ca-order-misfits",
            Self::AnswerRefused { .. } => "ca-answer-refused",
            Self::Validating | Self::StillValidating { .. } => "ca-validating",
            Self::NoLongerReady => "ca-no-longer-ready",
            Self::Issuing | Self::CertificateNotYet => "ca-issuing",
            Self::CertificateUnreadable => "ca-certificate-unreadable",
            Self::CertificateNotValidYet => "ca-certificate-not-valid-yet",
        }
    }
}

impl fmt::Display for CaReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer { request } => write!(f, "the CA did not answer in time while {request}"),
            Self::Unreadable { request } => write!(f, "the CA gave an answer that can't be read while {request}"),
            Self::Unreachable { request } => write!(f, "the CA can't be reached while {request}"),
            Self::Fault { request, said } => write!(f, "the CA had a fault while {request}: {said}"),
            Self::Limits { request, said } => {
                write!(f, "the CA limits how much may be asked for, while {request}: {said}")
            }
            Self::OwnLimit { rate, of } => write!(f, "the CA allows at most {rate} of {of}, and that many were made"),
            Self::NotReady { request, said } => write!(f, "the CA is not ready yet, while {request}: {said}"),
            Self::WantsOperator { request, said } => write!(
                f,
                "the operator has to settle something with the CA before {request}: {said}"
            ),
            Self::Unknown { request } => write!(f, "the CA doesn't know what it was asked about, while {request}"),
            Self::NoneOfThePlan { names } => write!(
                f,
                "the service's plan names CAs that the broker doesn't have, which the broker's operator must settle: {}",
                names.join(", ")
            ),
            Self::AccountForgotten => f.write_str("the CA no longer knows your account, which is registered again"),
            Self::AccountRefused { said } => write!(
                f,
                "the CA refuses your organization's account, which the broker's operator must investigate: {said}"
            ),
            Self::KeyChanging => f.write_str("the key of your organization's account at the CA is being changed"),
            Self::KeyUnknown => f.write_str(
                "the CA doesn't know the key of your organization's account, which the broker's operator must \
                 investigate",
            ),
            Self::RefusalUnexplained { request } => {
                write!(
                    f,
                    "the broker could not investigate a refusal by the CA while {request}"
                )
            }
            Self::NoOrdersThere => f.write_str("the CA doesn't accept orders where its directory says"),
            Self::Pause { order } => write!(f, "order {order} follows {} that failed", order - 1),
            Self::OrderMisfits => f.write_str("the CA's order doesn't fit the domains"),
            Self::AnswerRefused { domain, said } => write!(f, "the CA refused the answer for {domain}: {said}"),
            Self::Validating => f.write_str("the CA has not finished verifying the domains"),
            Self::StillValidating { turned_down, left } => write!(
                f,
                "the CA rejected {turned_down} of the domains and is still verifying {left}"
            ),
            Self::NoLongerReady => f.write_str("the CA no longer says that the order is ready"),
            Self::Issuing => f.write_str("the CA is issuing the certificate"),
            Self::CertificateNotYet => f.write_str("the CA has the order, but not the certificate yet"),
            Self::CertificateUnreadable => f.write_str("the CA's certificate can't be read"),
            Self::CertificateNotValidYet => f.write_str("the CA's certificate is not valid yet"),
        }
    }
}
