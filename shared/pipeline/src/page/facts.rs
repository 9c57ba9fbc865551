//! What the page shows beside the status: the result of one SQL statement.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::changes::Change;
use crate::instance::InstanceSettings;
use crate::operation::{OperationKind, OperationState};
use crate::outside::{self, Checked};
use crate::proof::{Challenge, Challenges, Method};
use crate::reason::{Reason, stored};
use crate::renewal::RenewBy;
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
    /// Those that a step waits for.
    pub looks: Vec<LookFacts>,
    /// How each of them was last proved.
    pub proofs: Vec<ProofFacts>,
    /// How long steps took lately, of all instances.
    #[serde(default)]
    pub usual: Vec<UsualFacts>,
    /// The check from outside that was last asked for.
    #[serde(default)]
    pub outside: Option<OutsideFacts>,
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
    /// For an update: what it asks to change.
    #[serde(default)]
    pub changes: Vec<Change>,
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
    /// What its steps saw, each time it was something new, the newest first: no more than [`Self::MOST_NEWS`], and one to tell that
    /// there are more.
    #[serde(default)]
    pub news: Vec<NewsFacts>,
}

impl OperationFacts {
    /// How many news of an operation are shown.
    pub const MOST_NEWS: usize = 50;
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

/// What a step saw that it had not seen in its attempt before.
#[derive(Debug, Clone, Deserialize)]
pub struct NewsFacts {
    /// The step's kind.
    pub kind: StepKind,
    /// The domain, for a step that is about one; else empty.
    pub subject: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What.
    #[serde(default, with = "stored")]
    pub reason: Option<Reason>,
}

/// How long the steps of a kind took lately in operations of a kind that succeeded.
#[derive(Debug, Clone, Deserialize)]
pub struct UsualFacts {
    /// The operation's kind; a newer program may know more of them.
    pub operation: String,
    /// The steps' kind; likewise.
    pub step: String,
    /// How many operations were counted.
    pub successes: u32,
    /// What half of them did not exceed, in seconds.
    pub p50: f64,
    /// What nine of ten did not exceed.
    pub p90: f64,
}

/// A check from outside.
#[derive(Debug, Clone, Deserialize)]
pub struct OutsideFacts {
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
    /// How often it was taken by somebody who does it, …
    pub attempts: i32,
    /// … and when last.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub taken_at: Option<OffsetDateTime>,
    /// When it was done.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub done_at: Option<OffsetDateTime>,
    /// What was seen; until it is done, by the one before it. None that this program doesn't know.
    #[serde(default, deserialize_with = "outside::stored")]
    pub result: Option<Checked>,
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
    /// Who decided that; unknown of what an older program has decided.
    #[serde(default)]
    pub renew_by: Option<RenewBy>,
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

/// A domain that is looked at again and again, until it is verified.
#[derive(Debug, Clone, Deserialize)]
pub struct LookFacts {
    /// The domain.
    pub domain: String,
    /// When a look was asked for that isn't recorded yet.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub asked_at: Option<OffsetDateTime>,
    /// RabbitMQ has the wake-up of the next look, as far as is known.
    pub published: bool,
    /// From when on another look can be asked for; none before the first.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub again_at: Option<OffsetDateTime>,
    /// Until when the domain rests, or rested, after the CA rejected it.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub held_until: Option<OffsetDateTime>,
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
