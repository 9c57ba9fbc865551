//! Everything that is known about one instance.

use pipeline::Reason;
use pipeline::proof::Challenges;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::CHALLENGES;
use crate::statement::statement;

/// Everything that is known about one instance, at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dossier {
    /// The platform's id.
    pub id: String,
    /// The instance's tenant.
    pub tenant: String,
    /// Catalog id of the service.
    pub service_id: String,
    /// Catalog id of the plan.
    pub plan_id: String,
    /// The CloudFront settings that CloudFront was last given.
    pub settings: Value,
    /// Its domains, sorted; not those that a running update is about to add.
    pub domains: Vec<String>,
    /// CloudFront's id of the distribution, once known.
    pub distribution_id: Option<String>,
    /// CloudFront's domain name of the distribution, once known.
    pub distribution_domain: Option<String>,
    /// Its CloudFront function, if it ever had one.
    pub function_name: Option<String>,
    /// When it was requested.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was removed, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<OffsetDateTime>,
    /// The database's time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
    /// Its certificates, as far back as the history is kept, the oldest first.
    pub certificates: Vec<CertificateOf>,
    /// The operations on it, as far back as the history is kept, the oldest first.
    pub operations: Vec<OperationOf>,
    /// Its domains, with the challenges of the newest order.
    pub challenges: Vec<ChallengeOf>,
}

/// A certificate of an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificateOf {
    /// This broker's id of the certificate.
    pub id: Uuid,
    /// Its DNS names.
    pub names: Vec<String>,
    /// Leaf and chain, PEM.
    #[serde(skip_serializing)]
    pub chain_pem: String,
    /// Its location, recorded before the upload: a `certificate_store::Reference`.
    pub reference: Option<Value>,
    /// Start of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// End of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// When it is to be renewed, once that is decided.
    #[serde(with = "time::serde::rfc3339::option")]
    pub renew_at: Option<OffsetDateTime>,
    /// When the distribution was configured with it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub attached_at: Option<OffsetDateTime>,
    /// When it was removed from its store and its key wiped.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retired_at: Option<OffsetDateTime>,
    /// Since when it is to be revoked once nothing serves it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub revoke_before: Option<OffsetDateTime>,
    /// When the CA revoked it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub revoked_at: Option<OffsetDateTime>,
    /// Why the CA has not revoked it yet.
    pub revoke_problem: Option<String>,
    /// When it was issued.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// An operation with all its steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperationOf {
    /// Its id, which is also the platform's.
    pub id: Uuid,
    /// Its kind, as in SQL.
    pub kind: String,
    /// Its state, as in SQL.
    pub state: String,
    /// Why it failed, as shown to the user.
    pub failure: Option<String>,
    /// Why it failed, for the operator.
    pub cause: Option<String>,
    /// The platform that requested it; none for a renewal.
    pub platform: Option<String>,
    /// The platform's user that requested it.
    pub originating_identity: Option<Value>,
    /// The platform's name for its request.
    pub request_identity: Option<String>,
    /// What an update wants.
    pub target: Option<Value>,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The time after which failed orders are no longer replaced.
    #[serde(with = "time::serde::rfc3339")]
    pub deadline_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// Its steps, in the order in which they were created.
    pub steps: Vec<StepOf>,
}

/// A step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepOf {
    /// Its id, as in messages and logs.
    pub id: Uuid,
    /// Its kind, as in SQL.
    pub kind: String,
    /// The service that runs it.
    pub service: String,
    /// The domain; empty otherwise.
    pub subject: String,
    /// The number of the order that it works on.
    pub round: i32,
    /// The number of recorded attempts.
    pub attempt: i32,
    /// Its state, as in SQL.
    pub state: String,
    /// Its result.
    pub verdict: Option<String>,
    /// The challenge type with which a domain was proved.
    pub method: Option<String>,
    /// What it waits for, or the last reason.
    #[serde(with = "pipeline::reason::stored")]
    pub waiting_for: Option<Reason>,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When its last attempt was recorded.
    #[serde(with = "time::serde::rfc3339::option")]
    pub checked_at: Option<OffsetDateTime>,
    /// When it is tried next.
    #[serde(with = "time::serde::rfc3339")]
    pub due_at: OffsetDateTime,
    /// When it is given up.
    #[serde(with = "time::serde::rfc3339")]
    pub deadline_at: OffsetDateTime,
    /// When its wake-up was last published; none: the sweeper publishes it next.
    #[serde(with = "time::serde::rfc3339::option")]
    pub published_at: Option<OffsetDateTime>,
    /// How often the sweeper published its wake-up since the last attempt was recorded.
    pub swept: i32,
    /// How many consecutive attempts ended in a panic or at the time limit.
    pub crashes: i32,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
}

/// A domain of an instance, and its challenges in the newest order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChallengeOf {
    /// The name.
    pub domain: String,
    /// This instance has proved the domain, so no other can have it.
    pub proved: bool,
    /// How often the CA rejected it.
    pub rejections: i32,
    /// What the CA reported at its last rejection.
    pub ca_said: Option<String>,
    /// The domain is held until then.
    #[serde(with = "time::serde::rfc3339::option")]
    pub held_until: Option<OffsetDateTime>,
    /// State of its `verify-challenge` step, as in SQL; none before the order is placed.
    pub step_state: Option<String>,
    /// The challenge type whose proof was found in place.
    pub method: Option<String>,
    /// The result of the last probe.
    #[serde(with = "pipeline::reason::stored")]
    pub seen: Option<Reason>,
    /// When the domain was last probed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub checked_at: Option<OffsetDateTime>,
    /// When it is probed next.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// The CA already considered it valid when the order was placed.
    pub valid: Option<bool>,
    /// The tenant's account at the CA.
    pub account_uri: Option<String>,
    /// The records that would prove it, once the order is placed.
    pub challenges: Option<Challenges>,
}

impl Store {
    /// Everything that is known about the instance. `None`: the id is unknown.
    ///
    /// # Errors
    /// Database errors.
    pub async fn dossier(&self, instance: &str) -> Result<Option<Dossier>, StoreError> {
        let client = self.client().await?;
        let row = statement!("dossier")
            .with("challenges", CHALLENGES)
            .optional(&client, &[&instance])
            .await?;
        row.map(|row| Ok(serde_json::from_value(row.try_get(0)?)?)).transpose()
    }
}
