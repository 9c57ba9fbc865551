//! All that is known of one instance.

use pipeline::Reason;
use pipeline::proof::Challenges;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

/// All that is known of one instance, at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dossier {
    /// The platform's id.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// Catalog id of the service.
    pub service_id: String,
    /// Catalog id of the plan.
    pub plan_id: String,
    /// The CloudFront settings, as CloudFront was last told.
    pub settings: Value,
    /// Its domains, sorted; not those that a running update is about to add.
    pub domains: Vec<String>,
    /// CloudFront's id, once known.
    pub distribution_id: Option<String>,
    /// CloudFront's name, once known.
    pub distribution_domain: Option<String>,
    /// Its CloudFront function, if it ever had one.
    pub function_name: Option<String>,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was removed, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<OffsetDateTime>,
    /// The database's time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
    /// Every certificate that it ever got, the oldest first.
    pub certificates: Vec<CertificateOf>,
    /// Every operation on it, the oldest first.
    pub operations: Vec<OperationOf>,
    /// Its domains, with what the newest order asks of each.
    pub challenges: Vec<ChallengeOf>,
}

/// A certificate of an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificateOf {
    /// Our id.
    pub id: Uuid,
    /// Its DNS names.
    pub names: Vec<String>,
    /// Leaf and chain, PEM.
    #[serde(skip_serializing)]
    pub chain_pem: String,
    /// Where it is, written down before the upload: a `certificate_store::Reference`.
    pub reference: Option<Value>,
    /// Start of its life.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// End of its life.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// When it is to be renewed, once that is decided.
    #[serde(with = "time::serde::rfc3339::option")]
    pub renew_at: Option<OffsetDateTime>,
    /// When the distribution was told to use it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub attached_at: Option<OffsetDateTime>,
    /// When it was taken out of its store, and its key wiped.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retired_at: Option<OffsetDateTime>,
    /// Since when it is to be revoked once nothing serves it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub revoke_before: Option<OffsetDateTime>,
    /// When the CA revoked it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub revoked_at: Option<OffsetDateTime>,
    /// Why it hasn't yet.
    pub revoke_problem: Option<String>,
    /// When it was issued.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// An operation, with every step that it had.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperationOf {
    /// Its id, as the platform has it.
    pub id: Uuid,
    /// What it does, as in SQL.
    pub kind: String,
    /// How far it is, as in SQL.
    pub state: String,
    /// Why it failed, for the user.
    pub failure: Option<String>,
    /// Why it failed, for the operator.
    pub cause: Option<String>,
    /// Which platform asked for it; none of a renewal.
    pub platform: Option<String>,
    /// Who there.
    pub originating_identity: Option<Value>,
    /// The platform's name for its request.
    pub request_identity: Option<String>,
    /// What an update wants.
    pub target: Option<Value>,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Until when orders are replaced.
    #[serde(with = "time::serde::rfc3339")]
    pub deadline_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// Its steps, in the order in which they were made.
    pub steps: Vec<StepOf>,
}

/// A step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepOf {
    /// Its id, as in messages and logs.
    pub id: Uuid,
    /// What it does, as in SQL.
    pub kind: String,
    /// Who does it.
    pub service: String,
    /// The domain; empty otherwise.
    pub subject: String,
    /// Number of the order it works on.
    pub round: i32,
    /// How many attempts are recorded.
    pub attempt: i32,
    /// How far it is, as in SQL.
    pub state: String,
    /// What it came to.
    pub verdict: Option<String>,
    /// The way in which a domain was proved.
    pub method: Option<String>,
    /// What it waits for, or the last reason.
    #[serde(with = "pipeline::reason::stored")]
    pub waiting_for: Option<Reason>,
    /// When it was made.
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
    /// When its wake-up was last set; none: the sweeper sets it next.
    #[serde(with = "time::serde::rfc3339::option")]
    pub published_at: Option<OffsetDateTime>,
    /// How often the sweeper rang since the last attempt was recorded.
    pub swept: i32,
    /// How many attempts in a row ended by a panic or by the time limit.
    pub crashes: i32,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
}

/// A domain of an instance, and what the newest order asks of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChallengeOf {
    /// The name.
    pub domain: String,
    /// This instance has proved it, and no other can.
    pub proved: bool,
    /// How often the CA turned it down.
    pub rejections: i32,
    /// What the CA said then.
    pub ca_said: Option<String>,
    /// It rests until then.
    #[serde(with = "time::serde::rfc3339::option")]
    pub held_until: Option<OffsetDateTime>,
    /// State of its `verify-challenge`, as in SQL; none before the order is placed.
    pub step_state: Option<String>,
    /// The way that was found in place.
    pub method: Option<String>,
    /// What the last look saw.
    #[serde(with = "pipeline::reason::stored")]
    pub seen: Option<Reason>,
    /// When that was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub checked_at: Option<OffsetDateTime>,
    /// When it is looked at again.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// The CA held it valid when the order was placed.
    pub valid: Option<bool>,
    /// The tenant's account at the CA.
    pub account_uri: Option<String>,
    /// What would prove it, once the order is placed.
    pub challenges: Option<Challenges>,
}

impl Store {
    /// All that is known of the instance. `None`: the id is unknown.
    ///
    /// # Errors
    /// Database errors.
    pub async fn dossier(&self, instance: &str) -> Result<Option<Dossier>, StoreError> {
        let client = self.client().await?;
        let row = statement!("dossier").optional(&client, &[&instance]).await?;
        row.map(|row| Ok(serde_json::from_value(row.try_get(0)?)?)).transpose()
    }
}
