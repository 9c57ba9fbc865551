//! What the links in letters do. That a link was written by the broker is known before; here is whether it is still good: a confirmation for its
//! own generation and 7 days, a way out as long as its recipient is known.

use ::notices::{Link, Purpose};
use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::notices::outcome::lock_recipient;
use crate::notices::recipients::RecipientState;
use crate::statement::{Statement, storable};

/// A link that is good, and where its recipient stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOpened {
    /// The address, shortened.
    pub shortened: String,
    /// Where it stands.
    pub state: RecipientState,
    /// It wants nothing from anybody.
    pub is_suppressed: bool,
    /// The instances that tell it something, the oldest first, at most 100.
    pub instances: Vec<String>,
}

/// What a link can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change<'c> {
    Confirm,
    Leave,
    /// Of this instance.
    LeaveOne(&'c str),
    Suppress,
}

/// A recipient.
const RECIPIENT: &str = "select r.shortened, r.state, \
     exists (select from suppressions s where s.digest = r.address_digest) as is_suppressed, \
     array(select i.id from instance_recipients l join instances i on i.id = l.instance_id \
       where l.recipient_id = r.id and l.left_at is null order by i.created_at, i.id limit 100) as instances \
     from recipients r where r.id = $1";
/// Whether a link of the generation `$2`, a confirmation or a way out, is still good for it.
const IS_GOOD: &str = "and case when $3 then r.generation = $2 and r.state in ('asked', 'confirmed') \
     and r.asked_at > now() - interval '7 days' else r.generation >= $2 end";

impl Store {
    /// Whether the link is good. Nothing is changed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn notice_link(&self, link: &Link) -> Result<Option<LinkOpened>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new("notice-link", "{recipient} {is_good}")
            .with("recipient", RECIPIENT)
            .with("is_good", IS_GOOD)
            .optional(&client, &[&link.recipient, &link.generation, &confirms(link)])
            .await?;
        row.as_ref().map(opened_from).transpose()
    }

    /// Whoever reads the address wants notices: from now on they are sent, those that were held until now first. `None`: the link is not
    /// good for that.
    ///
    /// # Errors
    /// Database errors.
    pub async fn confirm_notices(&self, link: &Link) -> Result<Option<LinkOpened>, StoreError> {
        match link.purpose {
            Purpose::Confirm => self.by_link(link, Change::Confirm).await,
            Purpose::Leave => Ok(None),
        }
    }

    /// Whoever reads the address wants no more of this organization's notices. What is waiting is not sent. `None`: the link is not good
    /// for that.
    ///
    /// # Errors
    /// Database errors.
    pub async fn leave_notices(&self, link: &Link) -> Result<Option<LinkOpened>, StoreError> {
        match link.purpose {
            Purpose::Leave => self.by_link(link, Change::Leave).await,
            Purpose::Confirm => Ok(None),
        }
    }

    /// Whoever reads the address wants no more of this instance's notices. `None`: the link is not good for that.
    ///
    /// # Errors
    /// Database errors.
    pub async fn leave_notices_of(&self, link: &Link, instance: &str) -> Result<Option<LinkOpened>, StoreError> {
        match link.purpose {
            Purpose::Leave => self.by_link(link, Change::LeaveOne(&storable(instance))).await,
            Purpose::Confirm => Ok(None),
        }
    }

    /// Whoever reads the address wants nothing from anybody, not even a question. `None`: the link is not good.
    ///
    /// # Errors
    /// Database errors.
    pub async fn suppress_notices(&self, link: &Link) -> Result<Option<LinkOpened>, StoreError> {
        self.by_link(link, Change::Suppress).await
    }

    async fn by_link(&self, link: &Link, change: Change<'_>) -> Result<Option<LinkOpened>, StoreError> {
        self.in_transaction("notice-link-used", async |tx| {
            lock_recipient(tx, link.recipient).await?;
            let is_good = Statement::new("notice-link-good", "{recipient} {is_good}")
                .with("recipient", RECIPIENT)
                .with("is_good", IS_GOOD)
                .optional(tx, &[&link.recipient, &link.generation, &confirms(link)])
                .await?;
            if is_good.is_none() {
                return Ok(None);
            }
            match change {
                Change::Confirm => confirm(tx, link.recipient).await?,
                Change::Leave => leave(tx, link.recipient).await?,
                Change::LeaveOne(instance) => leave_one(tx, link.recipient, instance).await?,
                Change::Suppress => suppress(tx, link.recipient).await?,
            }
            let row = Statement::new("notice-link-after", RECIPIENT)
                .one(tx, &[&link.recipient])
                .await?;
            opened_from(&row).map(Some)
        })
        .await
    }
}

fn confirms(link: &Link) -> bool {
    link.purpose == Purpose::Confirm
}

async fn confirm(tx: &Transaction<'_>, recipient: Uuid) -> Result<(), StoreError> {
    Statement::new(
        "recipient-confirm",
        "update recipients set state = 'confirmed', confirmed_at = coalesce(confirmed_at, now()) where id = $1",
    )
    .run(tx, &[&recipient])
    .await?;
    Statement::new(
        "letters-release",
        "update letters set state = 'waiting', due_at = now(), rung_at = null, deadline_at = now() + interval '4 days' \
         where recipient_id = $1 and state = 'held'",
    )
    .run(tx, &[&recipient])
    .await?;
    Ok(())
}

async fn leave_one(tx: &Transaction<'_>, recipient: Uuid, instance: &str) -> Result<(), StoreError> {
    Statement::new(
        "recipient-leave-one",
        "update instance_recipients set left_at = coalesce(left_at, now()) where recipient_id = $1 and instance_id = $2",
    )
    .run(tx, &[&recipient, &instance])
    .await?;
    // What is not written yet.
    Statement::new(
        "letters-without-instance",
        "delete from letter_notices m using letters l, notices n where l.id = m.letter_id and n.id = m.notice_id \
         and l.recipient_id = $1 and n.instance_id = $2 and l.state in ('held', 'waiting') and l.content is null",
    )
    .run(tx, &[&recipient, &instance])
    .await?;
    Ok(())
}

async fn suppress(tx: &Transaction<'_>, recipient: Uuid) -> Result<(), StoreError> {
    leave(tx, recipient).await?;
    Statement::new(
        "address-suppress",
        "insert into suppressions (digest) select address_digest from recipients where id = $1 \
         on conflict (digest) do nothing",
    )
    .run(tx, &[&recipient])
    .await?;
    // It is the same address for every organization.
    Statement::new(
        "letters-of-address",
        "update letters l set state = 'moot', ended_at = now(), content = null, leased_until = null \
         from recipients r join recipients mine on mine.address_digest = r.address_digest \
         where mine.id = $1 and l.recipient_id = r.id and l.state in ('held', 'waiting')",
    )
    .run(tx, &[&recipient])
    .await?;
    Statement::new(
        "address-leaves-all",
        "update recipients r set state = 'unsubscribed', sealed_address = null from recipients mine \
         where mine.id = $1 and r.address_digest = mine.address_digest and r.state in ('asked', 'confirmed')",
    )
    .run(tx, &[&recipient])
    .await?;
    Ok(())
}

async fn leave(tx: &Transaction<'_>, recipient: Uuid) -> Result<(), StoreError> {
    Statement::new(
        "recipient-leave",
        "update recipients set state = 'unsubscribed', sealed_address = null where id = $1",
    )
    .run(tx, &[&recipient])
    .await?;
    Statement::new(
        "letters-of-nobody",
        "update letters set state = 'moot', ended_at = now(), content = null, leased_until = null \
         where recipient_id = $1 and state in ('held', 'waiting')",
    )
    .run(tx, &[&recipient])
    .await?;
    Ok(())
}

fn opened_from(row: &Row) -> Result<LinkOpened, StoreError> {
    Ok(LinkOpened {
        shortened: row.try_get("shortened")?,
        state: RecipientState::read(row)?,
        is_suppressed: row.try_get("is_suppressed")?,
        instances: row.try_get("instances")?,
    })
}
