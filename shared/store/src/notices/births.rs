//! The birth of a notice: one insert in the transaction of what it tells of, if the instance tells anybody of such an event. It locks no row
//! that another instance's work needs.

use ::notices::{Event, Facts};
use deadpool_postgres::Transaction;
use pipeline::OperationKind;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::Statement;

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

async fn bear(tx: &Transaction<'_>, key: &str, instance: &str, event: Event, facts: &Facts) -> Result<(), StoreError> {
    Statement::new(
        "notice-birth",
        "insert into notices (id, key, instance_id, event, facts) \
         select $1::uuid, $2::text, $3::text, $4::text, $5::jsonb \
         where exists (select from instance_recipients l where l.instance_id = $3 and $4 = any(l.events) \
           and l.left_at is null) \
         on conflict (key) do nothing",
    )
    .run(
        tx,
        &[&Uuid::new_v4(), &key, &instance, &event.as_str(), &facts.to_stored()?],
    )
    .await?;
    Ok(())
}
