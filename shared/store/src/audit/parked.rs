//! What an operator does in RabbitMQ can't be in a transaction with its entry: one entry tells the intent before, a
//! second one the outcome. After an intent without an outcome it is not known whether the message has moved.

use deadpool_postgres::Transaction;
use serde_json::json;
use uuid::Uuid;

use super::{Acting, Action, Entry};
use crate::error::StoreError;
use crate::statement::{Statement, storable};

/// What an operator does with a parked message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnParked {
    /// It is sent to its service's queue again.
    Replay,
    /// It is deleted.
    Drop,
}

impl OnParked {
    fn action(self) -> Action {
        match self {
            Self::Replay => Action::ReplayParked,
            Self::Drop => Action::DropParked,
        }
    }
}

/// A parked message.
#[derive(Debug, Clone, Copy)]
pub struct ParkedMessage<'m> {
    /// The id that cdnctl shows.
    pub id: &'m str,
    /// The service whose queue it came from, if that is known.
    pub service: Option<&'m str>,
    /// Why it was parked.
    pub reason: &'m str,
    /// Its step, if it is a wake-up.
    pub step: Option<Uuid>,
}

/// A recorded intent. Its outcome is recorded by [`Acting::settle`].
#[derive(Debug)]
pub struct Intent {
    id: i64,
    on: OnParked,
    message: String,
    instance: Option<String>,
    operation: Option<Uuid>,
}

impl Acting<'_> {
    /// Records what is about to be done with these messages, an entry for each. Returns the intents in the messages'
    /// order.
    ///
    /// # Errors
    /// Database errors; then nothing was written, and nothing may be done.
    pub async fn intend(&self, on: OnParked, messages: &[ParkedMessage<'_>]) -> Result<Vec<Intent>, StoreError> {
        self.in_transaction("audit-intend", async |tx| {
            let mut intents = Vec::with_capacity(messages.len());
            for message in messages {
                intents.push(self.note_intent(tx, on, message).await?);
            }
            Ok(intents)
        })
        .await
    }

    async fn note_intent(
        &self,
        tx: &Transaction<'_>,
        on: OnParked,
        message: &ParkedMessage<'_>,
    ) -> Result<Intent, StoreError> {
        let place = Statement::new(
            "audit-place",
            "select o.instance_id, o.id from steps s join operations o on o.id = s.operation_id where s.id = $1",
        )
        .optional(tx, &[&message.step])
        .await?;
        let (instance, operation): (Option<String>, Option<Uuid>) = match place {
            Some(row) => (row.try_get(0)?, row.try_get(1)?),
            None => (None, None),
        };
        let entry = Entry {
            instance: instance.as_deref(),
            operation,
            subject: Some(message.id),
            details: json!({
                "state": "intended",
                "service": message.service,
                "step": message.step,
                "reason": storable(message.reason),
            }),
            ..Entry::of(on.action())
        };
        let id = self.note(tx, entry).await?;
        Ok(Intent {
            id,
            on,
            message: message.id.to_owned(),
            instance,
            operation,
        })
    }

    /// Records the outcome of an intent: done, or why not.
    ///
    /// # Errors
    /// Database errors; the intent stays without an outcome then.
    pub async fn settle(&self, intent: Intent, failure: Option<&str>) -> Result<(), StoreError> {
        self.in_transaction("audit-settle", async |tx| {
            let details = match failure {
                None => json!({"state": "done", "intent": intent.id}),
                Some(failure) => json!({"state": "failed", "intent": intent.id, "failure": storable(failure)}),
            };
            let entry = Entry {
                instance: intent.instance.as_deref(),
                operation: intent.operation,
                subject: Some(&intent.message),
                details,
                ..Entry::of(intent.on.action())
            };
            self.note(tx, entry).await?;
            Ok(())
        })
        .await
    }
}
