//! ACME orders and their authorizations, one order per round of an operation.

use pipeline::Reason;
use pipeline::proof::{Challenges, Method};
use pipeline::reason::{Look, stored};
use pipeline::tenant::EVERYBODY;
use secrecy::{ExposeSecret, SecretBox};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::ca_choice::ORDERED_AT;
use crate::connection::Store;
use crate::error::StoreError;
use crate::instances::INSTANCE_COLUMNS;
use crate::sealing::{KeyRing, Place};
use crate::statement::{Statement, statement};
use crate::steps::{Task, lock_current, task_from};

/// An order: recorded before the CA is asked, completed with the CA's answer.
#[derive(Debug, Clone)]
pub struct Order {
    /// This broker's id of the order.
    pub id: Uuid,
    /// The order's URL at the CA, once placed.
    pub url: Option<String>,
    /// When the order expires at the CA (RFC 8555 §7.1.3).
    pub expires_at: Option<OffsetDateTime>,
    /// The account that placed it.
    pub account_uri: Option<String>,
    /// The directory of the CA at which it was placed, as far as it is known.
    pub directory_url: Option<String>,
    /// It was placed at this CA because another one, which the plan prefers, could not take it.
    pub fallback: bool,
    /// Whether [`Order::expires_at`] has passed, by the database's clock.
    pub expired: bool,
    /// Which of the account's keys ([`Account::key_generation`](crate::Account::key_generation)) its authorizations'
    /// values were computed with.
    pub key_generation: i32,
}

/// An order that the CA has just taken.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// The order's URL.
    pub url: &'a str,
    /// The account's URL.
    pub account_uri: &'a str,
    /// The URL of the CA's directory.
    pub directory_url: &'a str,
    /// See [`Order::fallback`].
    pub fallback: bool,
    /// The certificate that the CA knows it to replace (RFC 9773 §4.1).
    pub replaces: Option<&'a str>,
    /// When it expires at the CA.
    pub expires_at: Option<OffsetDateTime>,
}

/// What the verifier needs for a probe.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// The order of the task's round.
    pub order: Order,
    /// The authorization of the task's subject.
    pub authorization: Authorization,
    /// The CA's names in CAA records; empty: not known.
    pub caa_identities: Vec<String>,
    /// The account's key was changed since: the values that the CA expects for dns-01 and http-01 have changed.
    pub key_changed: bool,
    /// Another instance may have the domain: see [`Store::holder`].
    pub held: bool,
    /// What the task's last attempt saw, if it looked, and no attempt has seen the proof since ([`Store::seen_in_place_for`]).
    pub before: Option<Look>,
}

/// An authorization of an order. Holds the records that a user has to set; none of it is secret.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// The domain.
    pub domain: String,
    /// The authorization's URL at the CA.
    pub url: String,
    /// The CA says it is valid: nothing to prove.
    pub valid: bool,
    /// The records that would prove the domain.
    pub challenges: Challenges,
}

fn order_from(row: &Row) -> Result<Order, StoreError> {
    Ok(Order {
        id: row.try_get("order_id")?,
        url: row.try_get("order_url")?,
        expires_at: row.try_get("expires_at")?,
        account_uri: row.try_get("account_uri")?,
        directory_url: row.try_get("directory_url")?,
        fallback: row.try_get("fallback")?,
        expired: row.try_get("expired")?,
        key_generation: row.try_get("key_generation")?,
    })
}

/// Of the order `r`.
const ORDER_COLUMNS: &str = "r.id as order_id, r.url as order_url, r.expires_at, r.account_uri, \
     {ordered_at} as directory_url, r.fallback, coalesce(r.expires_at < now(), false) as expired, r.key_generation";

pub(crate) const AUTHORIZATION_COLUMNS: &str = "z.domain, z.url, z.valid, {challenges} as challenges";

/// The challenges of the authorization `z`, where a statement has `{challenges}`. Authorizations from before migration
/// 23 have them in columns only.
pub(crate) const CHALLENGES: &str = "coalesce(z.challenges, challenges_of_columns(z))";

impl Store {
    /// The order of the task's round; if there is none, it is created without a URL: the intent is recorded first.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn order(&self, task: &Task) -> Result<Order, StoreError> {
        self.in_transaction("order", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "order-make",
                "insert into orders (id, operation_id, round) values ($1, $2, $3) on conflict do nothing",
            )
            .run(tx, &[&Uuid::new_v4(), &task.operation, &task.round])
            .await?;
            let row = Statement::new(
                "order-read",
                format!("select {ORDER_COLUMNS} from orders r where r.operation_id = $1 and r.round = $2"),
            )
            .with("ordered_at", ORDERED_AT)
            .one(tx, &[&task.operation, &task.round])
            .await?;
            order_from(&row)
        })
        .await
    }

    /// Records where the order is, and what it replaces, as soon as that is known: after a crash the order is adopted.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current, or when another delivery of it placed an order first
    /// (and continues with it); database errors.
    pub async fn set_order_url(&self, task: &Task, order: Uuid, placed: &Placed<'_>) -> Result<(), StoreError> {
        self.in_transaction("set-order-url", async |tx| {
            lock_current(tx, task).await?;
            let written = Statement::new(
                "order-set-url",
                "update orders set url = $2, account_uri = $3, expires_at = $4, replaces = $5, directory_url = $6, \
                 fallback = $7 where id = $1 and (url is null or url = $2)",
            )
            .run(
                tx,
                &[
                    &order,
                    &placed.url,
                    &placed.account_uri,
                    &placed.expires_at,
                    &placed.replaces,
                    &placed.directory_url,
                    &placed.fallback,
                ],
            )
            .await?;
            if written == 0 {
                return Err(StoreError::Stale);
            }
            Ok(())
        })
        .await
    }

    /// Records the order's authorizations, which of the account's keys their values were computed with, and the CA's
    /// names in CAA records (empty: not known); earlier values are replaced.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn set_authorizations(
        &self,
        task: &Task,
        order: Uuid,
        key_generation: i32,
        authorizations: &[Authorization],
        caa_identities: &[String],
    ) -> Result<(), StoreError> {
        self.in_transaction("set-authorizations", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "order-set-keys",
                "update orders set key_generation = $2, caa_identities = $3 where id = $1",
            )
            .run(tx, &[&order, &key_generation, &caa_identities])
            .await?;
            Statement::new(
                "authorizations-delete",
                "delete from authorizations where order_id = $1",
            )
            .run(tx, &[&order])
            .await?;
            let insert = Statement::new(
                "authorization-insert",
                "insert into authorizations (order_id, domain, url, valid, challenges) values ($1, $2, $3, $4, $5)",
            );
            for a in authorizations {
                let challenges = serde_json::to_value(&a.challenges)?;
                insert
                    .run(tx, &[&order, &a.domain, &a.url, &a.valid, &challenges])
                    .await?;
            }
            Ok(())
        })
        .await
    }

    /// The same as [`Self::load_task`], and what is to be proved for the step's domain: a look reads once.
    ///
    /// # Errors
    /// Database errors.
    pub async fn load_task_with_challenge(&self, step: Uuid, attempt: i32) -> Result<Option<Task>, StoreError> {
        let client = self.client().await?;
        let row = statement!("step-load-challenge")
            .with("step_load", include_str!("sql/step-load.sql"))
            .with("instance_columns", INSTANCE_COLUMNS)
            .with("order_columns", ORDER_COLUMNS)
            .with("ordered_at", ORDERED_AT)
            .with("authorization_columns", AUTHORIZATION_COLUMNS)
            .with("challenges", CHALLENGES)
            .with("everybody", EVERYBODY)
            .optional(&client, &[&step, &attempt])
            .await?;
        row.map(|row| {
            Ok(Task {
                challenge: Some(challenge_from(&row)?),
                ..task_from(&row)?
            })
        })
        .transpose()
    }

    /// What is to be proved for the task's domain, as it is now; `None`: there is no order yet, or the task is no longer current.
    ///
    /// # Errors
    /// Database errors.
    pub async fn challenge(&self, task: &Task) -> Result<Option<Challenge>, StoreError> {
        let now = self.load_task_with_challenge(task.step, task.attempt).await?;
        Ok(now.and_then(|task| task.challenge).flatten())
    }

    /// The authorizations to respond to, each with the challenge type whose proof the verifier found in place (`None`
    /// for those that the CA already considers valid).
    ///
    /// # Errors
    /// Database errors.
    pub async fn verified(&self, task: &Task) -> Result<Vec<(Authorization, Option<Method>)>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "authorizations-verified",
            format!(
                "select {AUTHORIZATION_COLUMNS}, s.method \
                 from orders r join authorizations z on z.order_id = r.id \
                 left join steps s on s.operation_id = r.operation_id and s.round = r.round \
                   and s.kind = 'verify-challenge' and s.subject = z.domain \
                 where r.operation_id = $1 and r.round = $2 order by z.domain"
            ),
        )
        .with("challenges", CHALLENGES)
        .all(&client, &[&task.operation, &task.round])
        .await?;
        rows.iter()
            .map(|row| {
                let method = row
                    .try_get::<_, Option<String>>("method")?
                    .map(|name| name.parse())
                    .transpose()?;
                Ok((authorization_from(row)?, method))
            })
            .collect()
    }

    /// The private key (PKCS #8 DER) of the order's certificate. If there is none yet, `fresh_key` is stored as the
    /// key; two concurrent callers both get the same key.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors; a sealing key that is missing.
    pub async fn certificate_key(
        &self,
        ring: &KeyRing,
        task: &Task,
        order: Uuid,
        fresh_key: &SecretBox<Vec<u8>>,
    ) -> Result<SecretBox<Vec<u8>>, StoreError> {
        let place = Place::certificate_key(&task.instance.id, &order.to_string());
        let sealed = ring.seal(&place, fresh_key.expose_secret())?;
        self.in_transaction("certificate-key", async |tx| {
            // A worker that was superseded must not leave a key with an instance that is removed.
            lock_current(tx, task).await?;
            let row = Statement::new(
                "order-key",
                "update orders set sealed_key = coalesce(sealed_key, $2) where id = $1 returning sealed_key",
            )
            .one(tx, &[&order, &sealed])
            .await?;
            Ok(ring.open(&place, row.try_get(0)?)?)
        })
        .await
    }
}

fn challenge_from(row: &Row) -> Result<Option<Challenge>, StoreError> {
    if row.try_get::<_, Option<Uuid>>("order_id")?.is_none() {
        return Ok(None);
    }
    let before: Option<serde_json::Value> = row.try_get("before")?;
    Ok(Some(Challenge {
        order: order_from(row)?,
        authorization: authorization_from(row)?,
        caa_identities: row.try_get("caa_identities")?,
        key_changed: row.try_get("key_changed")?,
        held: row.try_get("held")?,
        before: match before.map(stored::read) {
            Some(Reason::Look(look)) => Some(*look),
            _ => None,
        },
    }))
}

pub(crate) fn authorization_from(row: &Row) -> Result<Authorization, StoreError> {
    Ok(Authorization {
        domain: row.try_get("domain")?,
        url: row.try_get("url")?,
        valid: row.try_get("valid")?,
        challenges: serde_json::from_value(row.try_get("challenges")?)?,
    })
}

impl Store {
    /// The challenges that the newest order at this CA offered, among orders with a domain that still had to be proved.
    ///
    /// # Errors
    /// Database errors.
    pub async fn offered_last(&self, directory_url: &str) -> Result<Option<Challenges>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "challenges-offered-last",
            "select {challenges} from acme_accounts a join orders r on r.account_uri = a.account_uri \
             join authorizations z on z.order_id = r.id \
             where a.directory_url = $1 and not z.valid order by r.created_at desc, z.domain limit 1",
        )
        .with("challenges", CHALLENGES)
        .optional(&client, &[&directory_url])
        .await?;
        row.map(|row| Ok(serde_json::from_value(row.try_get(0)?)?)).transpose()
    }
}
