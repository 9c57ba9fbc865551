//! Who acts, and the entry of what is done.

use deadpool_postgres::Transaction;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, storable};

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name: what the person claims, or what the program has verified.
    pub who: String,
    /// By which program.
    pub via: Via,
}

/// By which program an operator acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// cdnctl, which takes a name as it is given.
    Cdnctl,
    /// broker-api's page for operators, which verifies it.
    OperatorPage,
}

impl Via {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cdnctl => "cdnctl",
            Self::OperatorPage => "operator-page",
        }
    }
}

/// The store for an operator: each change is recorded in the audit log. What changes nothing is not recorded.
pub struct Acting<'s> {
    pub(crate) store: &'s Store,
    actor: Actor,
}

impl Store {
    /// The changes that an operator can make, in this operator's name.
    pub fn acting(&self, actor: Actor) -> Acting<'_> {
        Acting { store: self, actor }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Cancel,
    Retry,
    Renew,
    RenewAll,
    DistrustKeys,
    Release,
    Rollover,
    Offer,
    WithdrawOffer,
    SetLogLevel,
    ResetLogLevel,
    NewLink,
    RevokeLink,
    ReplayParked,
    DropParked,
    RetryLetter,
    ForgetRecipient,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Renew => "renew",
            Self::RenewAll => "renew-all",
            Self::DistrustKeys => "distrust-keys",
            Self::Release => "release",
            Self::Rollover => "rollover",
            Self::Offer => "offer",
            Self::WithdrawOffer => "withdraw-offer",
            Self::SetLogLevel => "set-log-level",
            Self::ResetLogLevel => "reset-log-level",
            Self::NewLink => "new-link",
            Self::RevokeLink => "revoke-link",
            Self::ReplayParked => "replay-parked",
            Self::DropParked => "drop-parked",
            Self::RetryLetter => "retry-letter",
            Self::ForgetRecipient => "forget-recipient",
        }
    }
}

/// An entry to be written.
pub(crate) struct Entry<'e> {
    pub(crate) action: Action,
    pub(crate) instance: Option<&'e str>,
    pub(crate) operation: Option<Uuid>,
    pub(crate) subject: Option<&'e str>,
    /// An object.
    pub(crate) details: Value,
}

impl Entry<'_> {
    /// With nothing but the action.
    pub(crate) fn of(action: Action) -> Self {
        Self {
            action,
            instance: None,
            operation: None,
            subject: None,
            details: json!({}),
        }
    }
}

impl Acting<'_> {
    pub(crate) async fn in_transaction<T>(
        &self,
        name: &'static str,
        body: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.store.in_transaction(name, body).await
    }

    /// Writes the entry in the transaction of the change. Returns its id.
    pub(crate) async fn note(&self, tx: &Transaction<'_>, entry: Entry<'_>) -> Result<i64, StoreError> {
        let row = Statement::new(
            "audit-note",
            "insert into audit_log (who, via, action, instance_id, operation_id, subject, details) \
             values ($1, $2, $3, $4, $5, $6, $7) returning id",
        )
        .one(
            tx,
            &[
                &storable(&self.actor.who),
                &self.actor.via.as_str(),
                &entry.action.as_str(),
                &entry.instance,
                &entry.operation,
                &entry.subject,
                &entry.details,
            ],
        )
        .await?;
        Ok(row.try_get(0)?)
    }
}
