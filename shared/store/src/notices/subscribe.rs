//! Whom an instance tells what: written in the transaction of the request that says it. An address is known once for an organization, however
//! many of its instances tell it something; it is asked once, by the next `collect`.

use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::error::StoreError;
use crate::notices::ring::{Subscriber, Subscribers};
use crate::statement::{Statement, statement};

/// Whether the instance tells these, and nobody else.
pub(crate) async fn is_told_to(
    tx: &Transaction<'_>,
    instance: &str,
    wanted: Option<&Subscribers>,
) -> Result<bool, StoreError> {
    let rows = Statement::new(
        "recipients-of-instance",
        "select r.address_digest, l.events from instance_recipients l join recipients r on r.id = l.recipient_id \
         where l.instance_id = $1 and l.events <> '{}'",
    )
    .all(tx, &[&instance])
    .await?;
    let mail = wanted.map(|wanted| wanted.mail.as_slice()).unwrap_or_default();
    let names = wanted.map(Subscribers::event_names).unwrap_or_default();
    let mut there = 0;
    for row in &rows {
        let digest: Vec<u8> = row.try_get(0)?;
        let events: Vec<String> = row.try_get(1)?;
        let is_wanted = mail.iter().any(|one| one.is_known_by(&digest));
        there += usize::from(is_wanted && events == names);
    }
    Ok(there == rows.len() && there == mail.len())
}

/// From now on the instance, which is locked, tells these and nobody else. Who has left, or has not answered in 7 days, is asked again. Who wanted
/// no more of this instance alone gets none, although it was left out meanwhile: of that a row without events is kept.
pub(crate) async fn subscribe(
    tx: &Transaction<'_>,
    instance: &str,
    tenant: &str,
    wanted: Option<&Subscribers>,
) -> Result<(), StoreError> {
    let mut recipients = Vec::new();
    if let Some(wanted) = wanted {
        // In one order, since two instances may have the same ones.
        let mut mail: Vec<&Subscriber> = wanted.mail.iter().collect();
        mail.sort_by(|one, other| one.oldest().cmp(&other.oldest()));
        for one in mail {
            let recipient = recipient(tx, tenant, one).await?;
            Statement::new(
                "recipient-link",
                "insert into instance_recipients (instance_id, recipient_id, events) values ($1, $2, $3) \
                 on conflict (instance_id, recipient_id) do update set events = excluded.events",
            )
            .run(tx, &[&instance, &recipient, &wanted.event_names()])
            .await?;
            recipients.push(recipient);
        }
    }
    Statement::new(
        "recipients-unlink",
        "delete from instance_recipients where instance_id = $1 and recipient_id <> all($2) and left_at is null",
    )
    .run(tx, &[&instance, &recipients])
    .await?;
    Statement::new(
        "recipients-stay-left",
        "update instance_recipients set events = '{}' where instance_id = $1 and recipient_id <> all($2) and events <> '{}'",
    )
    .run(tx, &[&instance, &recipients])
    .await?;
    Ok(())
}

/// The row of an address, which is locked.
async fn recipient(tx: &Transaction<'_>, tenant: &str, one: &Subscriber) -> Result<Uuid, StoreError> {
    let digests: Vec<&[u8]> = one.known_by.iter().map(|known| known.digest.as_slice()).collect();
    let found = Statement::new(
        "recipient-find",
        "select id, address_digest from recipients where tenant = $1 and channel = 'mail' and address_digest = any($2) \
         order by created_at limit 1 for update",
    )
    .optional(tx, &[&tenant, &digests])
    .await?;
    let newest = one.known_by.first();
    let (id, digest) = match found {
        Some(row) => (row.try_get(0)?, row.try_get(1)?),
        None => (
            Uuid::new_v4(),
            newest.map(|known| known.digest.clone()).unwrap_or_default(),
        ),
    };
    let known = one.known_by.iter().find(|known| known.digest == digest).or(newest);
    let known = known.ok_or_else(|| StoreError::Unreadable("an address without a digest".to_owned()))?;
    let row = statement!("recipient-want")
        .one(tx, &[&id, &tenant, &known.digest, &known.sealed, &one.shortened])
        .await?;
    // Who wants nothing from anybody is known by the digest of an older key, too.
    Statement::new(
        "recipient-suppressed",
        "insert into suppressions (digest) select $1::bytea \
         where exists (select from suppressions where digest = any($2::bytea[])) \
         on conflict (digest) do nothing",
    )
    .run(tx, &[&known.digest, &digests])
    .await?;
    Ok(row.try_get(0)?)
}

impl Subscriber {
    /// The digest that it has for the longest time.
    fn oldest(&self) -> Option<&[u8]> {
        self.known_by.last().map(|known| known.digest.as_slice())
    }

    fn is_known_by(&self, digest: &[u8]) -> bool {
        self.known_by.iter().any(|known| known.digest == digest)
    }
}
