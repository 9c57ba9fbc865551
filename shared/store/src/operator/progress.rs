//! What runs now: operations by the step that they wait for and by age, and whose move it is.

use serde::Deserialize;
use time::OffsetDateTime;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

/// In SQL: the waiting step `s` waits for its user. The same judgement as `pipeline::status::situation` makes: the proof is not in
/// place, and the broker has nothing left to do for it; or AWS waits for a DNS record.
pub(crate) const ASKS_USER: &str = "case when s.kind = 'verify-challenge' \
     then not (coalesce(reason_of(s)->>'in_place' is not null and reason_of(s)->'forbidden' is null, false) \
       or (reason_of(s)->>'in_place' is null and reason_of(s)->'forbidden' is null \
         and coalesce(jsonb_path_exists(reason_of(s), '$.ways[*].seen ? (@.delegation == \"leads\" \
           && exists(@.cname.have[*]) && !exists(@.cname.behind[*]))'), false))) \
     else coalesce(reason_of(s)->>'aws' in ('dns-elsewhere', 'alias-wants-txt'), false) end";

/// Whose move it is in an operation that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhoseMove {
    /// A user has to set a record.
    Users,
    /// The broker, the CA or AWS works on it.
    Machines,
}

/// What runs now.
#[derive(Debug, Clone, Deserialize)]
pub struct Progress {
    /// The database's time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
    /// Operations that run.
    pub running: u64,
    /// Those of them in which a user has to act.
    pub users: u64,
    /// By the kind of the step that they wait for; an operation that waits for steps of two kinds is in both.
    pub steps: Vec<AtStep>,
}

/// Operations that wait for a step of one kind.
#[derive(Debug, Clone, Deserialize)]
pub struct AtStep {
    /// The step's kind, as in SQL.
    pub kind: String,
    /// How many operations.
    pub operations: u64,
    /// Those that were requested within an hour.
    pub of_an_hour: u64,
    /// Those that were requested within a day, and more than an hour ago.
    pub of_a_day: u64,
    /// Those that were requested more than a day ago.
    pub older: u64,
    /// Seconds since the oldest of them was requested.
    pub oldest_seconds: f64,
}

impl Progress {
    /// Operations in which no user has to act.
    pub fn machines(&self) -> u64 {
        self.running.saturating_sub(self.users)
    }
}

impl Store {
    /// What runs now. It reads what waits, not what is stored.
    ///
    /// # Errors
    /// Database errors.
    pub async fn progress(&self) -> Result<Progress, StoreError> {
        let client = self.client().await?;
        let row = statement!("operator-progress")
            .with("asks_user", ASKS_USER)
            .one(&client, &[])
            .await?;
        Ok(serde_json::from_value(row.try_get(0)?)?)
    }
}
