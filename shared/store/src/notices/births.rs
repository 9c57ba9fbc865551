//! The birth of a notice: one insert, if the instance tells anybody of such an event, in the transaction of what it tells of. What nobody
//! writes when it happens, since only time passes, is found by a chore (`remind`). It refers to the instance that is told, so it waits for whoever works on that one, and he for the commit.

use ::notices::{Event, Facts};
use deadpool_postgres::Transaction;
use pipeline::OperationKind;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Session, Statement};

/// In SQL: today. What can come and go is told once a day.
pub(crate) const DAY: &str = "to_char(now() at time zone 'UTC', 'YYYY-MM-DD')";

/// An operation has succeeded.
pub(crate) async fn succeeded(
    tx: &Transaction<'_>,
    instance: &str,
    operation: Uuid,
    kind: OperationKind,
) -> Result<(), StoreError> {
    let event = match kind {
        OperationKind::Renew => Event::Replaced,
        OperationKind::Provision | OperationKind::Update | OperationKind::Deprovision => Event::Done,
    };
    ended(tx, instance, operation, kind, event, None).await
}

/// An operation of the user's has failed. A renewal that fails is begun again, and tells nobody.
pub(crate) async fn failed(
    tx: &Transaction<'_>,
    instance: &str,
    operation: Uuid,
    kind: OperationKind,
    for_user: &str,
) -> Result<(), StoreError> {
    match kind {
        OperationKind::Renew => Ok(()),
        OperationKind::Provision | OperationKind::Update | OperationKind::Deprovision => {
            ended(tx, instance, operation, kind, Event::Failed, Some(for_user.to_owned())).await
        }
    }
}

async fn ended(
    tx: &Transaction<'_>,
    instance: &str,
    operation: Uuid,
    kind: OperationKind,
    event: Event,
    failure: Option<String>,
) -> Result<(), StoreError> {
    let facts = Facts::Ended {
        operation: kind.as_str().to_owned(),
        failure,
    };
    bear(tx, &format!("ended/{operation}"), instance, event, &facts).await
}

/// The instance has lost a domain, at this time in seconds since 1970.
pub(crate) async fn left(tx: &Transaction<'_>, instance: &str, domain: &str, at: f64) -> Result<(), StoreError> {
    let facts = Facts::Left {
        domain: domain.to_owned(),
    };
    let key = format!("left/{instance}/{domain}/{at}");
    bear(tx, &key, instance, Event::Domain, &facts).await
}

/// Another instance proves a domain of this one, which nothing proves for it any more.
pub(crate) async fn leaves(tx: &Transaction<'_>, instance: &str, domain: &str, day: &str) -> Result<(), StoreError> {
    let facts = Facts::Leaves {
        name: domain.to_owned(),
    };
    let key = format!("leaves/{instance}/{domain}/{day}");
    bear(tx, &key, instance, Event::Domain, &facts).await
}

/// Nothing proves a domain of the instance any more.
pub(crate) async fn lapses(tx: &Transaction<'_>, instance: &str, domain: &str, day: &str) -> Result<(), StoreError> {
    let facts = Facts::Lapses {
        name: domain.to_owned(),
    };
    let key = format!("gone/{instance}/{domain}/{day}");
    bear(tx, &key, instance, Event::Domain, &facts).await
}

/// An operation waits for its user, at this mark.
pub(super) async fn todo(on: &impl Session, instance: &str, operation: Uuid, mark: &str) -> Result<(), StoreError> {
    let key = format!("todo/{operation}/{mark}");
    bear(on, &key, instance, Event::Todo, &Facts::Todo { operation }).await
}

/// A certificate can't be renewed, and something is told of it under this key.
pub(super) async fn trouble(on: &impl Session, instance: &str, certificate: Uuid, key: &str) -> Result<(), StoreError> {
    bear(on, key, instance, Event::Trouble, &Facts::Trouble { certificate }).await
}

async fn bear(on: &impl Session, key: &str, instance: &str, event: Event, facts: &Facts) -> Result<(), StoreError> {
    Statement::new(
        "notice-birth",
        "insert into notices (id, key, instance_id, event, facts) \
         select $1::uuid, $2::text, $3::text, $4::text, $5::jsonb \
         where exists (select from instance_recipients l where l.instance_id = $3 and $4 = any(l.events) \
           and l.left_at is null) \
         on conflict (key) do nothing",
    )
    .run(
        on,
        &[&Uuid::new_v4(), &key, &instance, &event.as_str(), &facts.to_stored()?],
    )
    .await?;
    Ok(())
}
