//! Whom an instance tells what, for those who may know it: the tenant, by a fetch.

use serde::Serialize;
use tokio_postgres::Row;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// Where an address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientState {
    /// It has not confirmed yet: nothing but the question is sent there.
    Asked,
    /// It gets notices.
    Confirmed,
    /// It wants none, of this instance or of all.
    Unsubscribed,
    /// Its mail server refuses it.
    Refused,
}

impl RecipientState {
    /// Its name, as in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Confirmed => "confirmed",
            Self::Unsubscribed => "unsubscribed",
            Self::Refused => "refused",
        }
    }

    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        let state: String = row.try_get("state")?;
        [Self::Asked, Self::Confirmed, Self::Unsubscribed, Self::Refused]
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or_else(|| StoreError::Unreadable(format!("a recipient in the state {state:?}")))
    }
}

/// One of those whom an instance tells something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedRecipient {
    /// The address, shortened.
    pub shortened: String,
    /// Where it stands.
    pub state: RecipientState,
    /// What it is told, by the names of events.
    pub events: Vec<String>,
}

impl Store {
    /// Whom the instance tells what.
    ///
    /// # Errors
    /// Database errors.
    pub async fn instance_recipients(&self, instance: &str) -> Result<Vec<FetchedRecipient>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "instance-recipients",
            "select r.shortened, case when l.left_at is null then r.state else 'unsubscribed' end as state, l.events \
             from instance_recipients l join recipients r on r.id = l.recipient_id \
             where l.instance_id = $1 and l.events <> '{}' order by r.shortened, r.id",
        )
        .all(&client, &[&instance])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(FetchedRecipient {
                    shortened: row.try_get("shortened")?,
                    state: RecipientState::read(row)?,
                    events: row.try_get("events")?,
                })
            })
            .collect()
    }
}
