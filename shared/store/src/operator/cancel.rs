//! An operator ends an operation.

use std::time::Duration;

use pipeline::renewal::RenewBy;
use pipeline::{OperationKind, StepKind};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::audit::{Acting, Action, Entry};
use crate::ending::{Ending, end, remedy};
use crate::error::StoreError;
use crate::statement::{Statement, storable};
use crate::steps::{as_millis, lock_instance};

/// The result of a request to end an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// No such instance.
    Unknown,
    /// The operation does not run, or no longer runs.
    NothingRuns,
    /// The operation is a removal, which can't be ended: an instance that is half removed can't continue to live.
    Removal,
    /// A provision or update failed: its kind, and the message shown to its user.
    Failed {
        /// The operation's kind.
        kind: OperationKind,
        /// The message shown to its user.
        for_user: String,
    },
    /// A renewal was given up, with anything it was issued; the certificate in use stays.
    Renewal {
        /// When the next renewal is due.
        next: Option<OffsetDateTime>,
    },
}

/// A message shown to the user has to be short.
const LONGEST_WHY: usize = 500;

impl Acting<'_> {
    /// Ends this operation if it is the one that runs on the instance: a provision or update fails with `why` as the
    /// reason; a renewal is given up, and its certificate is due again after `rest`. A worker in the middle of an
    /// attempt finds its step stale at its next check or when it records.
    ///
    /// # Errors
    /// Database errors; then nothing was ended.
    pub async fn cancel(
        &self,
        instance: &str,
        operation: Uuid,
        why: &str,
        rest: Duration,
    ) -> Result<Cancelled, StoreError> {
        let why: String = storable(why.trim().trim_end_matches('.'))
            .chars()
            .take(LONGEST_WHY)
            .collect();
        self.in_transaction("cancel", async |tx| {
            if !lock_instance(tx, instance).await? {
                return Ok(Cancelled::Unknown);
            }
            let running = Statement::new(
                "cancel-lock",
                "select kind from operations where id = $1 and instance_id = $2 and state = 'running' for update",
            )
            .optional(tx, &[&operation, &instance])
            .await?;
            let Some(row) = running else {
                return Ok(Cancelled::NothingRuns);
            };
            let kind: OperationKind = row.try_get::<_, String>("kind")?.parse()?;
            let cancelled = match kind {
                OperationKind::Deprovision => return Ok(Cancelled::Removal),
                OperationKind::Renew => {
                    end(tx, instance, operation, Ending::Superseded).await?;
                    let row = Statement::new(
                        "cancel-renew-later",
                        "update certificates set renew_at = greatest(renew_at, now() + $2 * interval '1 millisecond'), \
                         renew_by = case when renew_at >= now() + $2 * interval '1 millisecond' then renew_by else $3 end \
                         where id = (select c.id from certificates_in_use c where c.instance_id = $1) \
                         returning renew_at",
                    )
                    .optional(tx, &[&instance, &as_millis(rest), &RenewBy::Operator.as_str()])
                    .await?;
                    let next = row.map(|row| row.try_get(0)).transpose()?;
                    Cancelled::Renewal { next }
                }
                OperationKind::Provision | OperationKind::Update => {
                    let at: Option<String> = Statement::new(
                        "cancel-step",
                        "select kind from steps where operation_id = $1 and state = 'waiting' and kind = any($2) \
                         limit 1",
                    )
                    .optional(tx, &[&operation, &after_configuration()])
                    .await?
                    .map(|row| row.try_get(0))
                    .transpose()?;
                    let at = at.map_or(Ok(StepKind::CreateDistribution), |kind| kind.parse())?;
                    let for_user = format!("Cancelled by the operator: {why}. {}", remedy(kind, at));
                    let ending = Ending::Failed {
                        for_user: &for_user,
                        cause: "cancelled by the operator",
                    };
                    end(tx, instance, operation, ending).await?;
                    Cancelled::Failed { kind, for_user }
                }
            };
            let entry = Entry {
                instance: Some(instance),
                operation: Some(operation),
                details: json!({"kind": kind.as_str(), "why": why}),
                ..Entry::of(Action::Cancel)
            };
            self.note(tx, entry).await?;
            Ok(cancelled)
        })
        .await
    }
}

/// When one of these steps waits, CloudFront has already been given what an update wants.
fn after_configuration() -> Vec<&'static str> {
    let kinds = StepKind::ALL.into_iter();
    kinds
        .filter(|kind| kind.follows_configuration())
        .map(StepKind::as_str)
        .collect()
}
