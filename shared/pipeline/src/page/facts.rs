//! What the page shows beside the status: the result of one SQL statement.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::instance::InstanceSettings;
use crate::operation::{OperationKind, OperationState};
use crate::proof::{Challenge, Challenges, Method};
use crate::step::StepKind;

/// Everything that the status doesn't have.
#[derive(Debug, Clone, Deserialize)]
pub struct Facts {
    /// The settings that CloudFront was last given, or is to be given at first.
    pub settings: InstanceSettings,
    /// The instance has a distribution that another broker created.
    pub adopted: bool,
    /// The renewal that runs, or else the last one, if it failed.
    pub renewal: Option<Uuid>,
    /// The newest operations, the newest first; among them the newest that a platform asked for.
    pub operations: Vec<OperationFacts>,
    /// The certificate in use.
    pub certificate: Option<CertificateFacts>,
    /// Those that were in use before, the newest first, as far as their operations are listed.
    pub earlier: Vec<CertificateFacts>,
    /// The instance's domains.
    pub claims: Vec<ClaimFacts>,
    /// How each of them was last proved.
    pub proofs: Vec<ProofFacts>,
}

/// An operation.
#[derive(Debug, Clone, Deserialize)]
pub struct OperationFacts {
    /// Its id.
    pub id: Uuid,
    /// Its kind.
    pub kind: OperationKind,
    /// Its state.
    pub state: OperationState,
    /// Why it failed, as shown to the user.
    pub failure: Option<String>,
    /// The platform's user that requested it, as the platform sent it.
    pub identity: Option<Value>,
    /// For an update: it gets a new certificate.
    pub new_certificate: bool,
    /// The instance has a CloudFront function, or gets one.
    pub function: bool,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub ended_at: Option<OffsetDateTime>,
    /// Its steps of the newest round, by kind; only of the newest operation that a platform asked for, and of the renewal.
    #[serde(default)]
    pub stages: Vec<StageFacts>,
}

/// The steps of one kind.
#[derive(Debug, Clone, Deserialize)]
pub struct StageFacts {
    /// The kind.
    pub kind: StepKind,
    /// The number of them.
    pub count: u32,
    /// How many are done, …
    pub done: u32,
    /// … how many are at work or wait, …
    pub waiting: u32,
    /// … and how many failed; the others were given up.
    pub failed: u32,
    /// When the first was created.
    #[serde(with = "time::serde::rfc3339")]
    pub begun_at: OffsetDateTime,
    /// When the last one ended.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub ended_at: Option<OffsetDateTime>,
}

/// A certificate.
#[derive(Debug, Clone, Deserialize)]
pub struct CertificateFacts {
    /// Its DNS names.
    pub names: Vec<String>,
    /// Leaf and chain, PEM; empty for one that isn't in use.
    #[serde(default)]
    pub chain_pem: String,
    /// Start of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// End of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// When it is to be renewed, once that is decided.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub renew_at: Option<OffsetDateTime>,
    /// When the distribution was configured with it.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub attached_at: Option<OffsetDateTime>,
    /// When it was removed from its store.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub retired_at: Option<OffsetDateTime>,
    /// When the CA revoked it.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub revoked_at: Option<OffsetDateTime>,
}

/// A domain's claim.
#[derive(Debug, Clone, Deserialize)]
pub struct ClaimFacts {
    /// The domain.
    pub domain: String,
    /// The instance has it.
    pub proved: bool,
    /// Another instance requests it, too.
    pub asked_elsewhere: bool,
    /// When its proof was last looked at between certificates.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub proof_checked_at: Option<OffsetDateTime>,
}

/// How a domain was last proved.
#[derive(Debug, Clone, Deserialize)]
pub struct ProofFacts {
    /// The domain.
    pub domain: String,
    /// The challenge type whose proof was found in place.
    pub method: Method,
    /// The challenges that the order offered, where known.
    pub challenges: Option<Challenges>,
}

impl ProofFacts {
    /// What the order offered of this type.
    pub(crate) fn challenge(&self, method: Method) -> Option<&Challenge> {
        self.challenges.as_ref()?.get(method)
    }
}
