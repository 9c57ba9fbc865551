//! Checks from outside: a tenant asks for one on the page, a process that may reach the outside takes it, and writes what it saw. At most
//! one a minute for each instance, which has one row.

use pipeline::outside::{AGAIN_AFTER, Checked, GONE_AFTER, MOST_ATTEMPTS};
use time::OffsetDateTime;

use crate::connection::Store;
use crate::error::StoreError;
use crate::listener::Listener;
use crate::statement::{Statement, statement};
use crate::steps::as_millis;

/// What came of asking for a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskOutside {
    /// It is done as soon as somebody takes it.
    Asked,
    /// One was asked for before, and isn't done yet.
    UnderWay,
    /// The last one was a moment ago.
    TooSoon,
    /// There is no distribution yet, or the instance is unknown or removed.
    NothingThere,
}

/// A check that was taken, and has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideCheck {
    /// The instance.
    pub instance: String,
    /// A path where the app answers with the headers of the request.
    pub echo: Option<String>,
    /// The domain at which the check begins, if the last one did not look at all of them.
    pub next: Option<String>,
    asked_at: OffsetDateTime,
    attempt: i32,
}

/// A connection of its own, on which PostgreSQL notifies checks that are asked for.
pub struct OutsideFeed(Listener);

impl Store {
    /// Asks for a check of the instance's domains.
    ///
    /// # Errors
    /// Database errors; then none is asked for.
    pub async fn ask_outside(&self, instance: &str, echo: Option<&str>) -> Result<AskOutside, StoreError> {
        let client = self.client().await?;
        let asked = statement!("outside-ask")
            .optional(&client, &[&instance, &echo, &as_millis(AGAIN_AFTER)])
            .await?;
        if asked.is_some() {
            return Ok(AskOutside::Asked);
        }
        let before = Statement::new(
            "outside-asked",
            "select c.done_at is null from outside_checks c join instances i on i.id = c.instance_id \
             where c.instance_id = $1 and i.deleted_at is null and i.distribution_domain is not null",
        )
        .optional(&client, &[&instance])
        .await?;
        let is_under_way: Option<bool> = before.map(|row| row.try_get(0)).transpose()?;
        Ok(match is_under_way {
            None => AskOutside::NothingThere,
            Some(true) => AskOutside::UnderWay,
            Some(false) => AskOutside::TooSoon,
        })
    }

    /// Whether anybody has a status page, and so may ask for a check.
    ///
    /// # Errors
    /// Database errors.
    pub async fn has_pages(&self) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let row = Statement::new("pages-any", "select exists (select from page_links)")
            .one(&client, &[])
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Takes a check that waits, or whose taker is gone. `None`: there is none.
    ///
    /// # Errors
    /// Database errors.
    pub async fn take_outside_check(&self) -> Result<Option<OutsideCheck>, StoreError> {
        let client = self.client().await?;
        let row = statement!("outside-take")
            .optional(&client, &[&MOST_ATTEMPTS, &as_millis(GONE_AFTER)])
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(OutsideCheck {
            instance: row.try_get("instance_id")?,
            echo: row.try_get("echo")?,
            next: row.try_get("next")?,
            asked_at: row.try_get("asked_at")?,
            attempt: row.try_get("attempts")?,
        }))
    }

    /// Records what a check saw; nothing, if there was nothing to look at. `false`: somebody else has taken it since, or another one was
    /// asked for, and nothing is recorded.
    ///
    /// # Errors
    /// Database errors.
    pub async fn outside_checked(&self, check: &OutsideCheck, saw: Option<&Checked>) -> Result<bool, StoreError> {
        let saw = saw.map(Checked::write).transpose()?;
        let client = self.client().await?;
        let recorded = Statement::new(
            "outside-done",
            "update outside_checks set done_at = now(), result = $4 \
             where instance_id = $1 and asked_at = $2 and attempts = $3 and done_at is null",
        )
        .run(&client, &[&check.instance, &check.asked_at, &check.attempt, &saw])
        .await?;
        Ok(recorded > 0)
    }

    /// Connects for the checks that are asked for.
    ///
    /// # Errors
    /// When PostgreSQL can't be reached, or refuses.
    pub async fn outside_feed(&self) -> Result<OutsideFeed, StoreError> {
        let listen = Statement::new("outside-listen", "listen cdn_broker_outside");
        Ok(OutsideFeed(self.listener(listen).await?))
    }
}

impl OutsideFeed {
    /// Waits until a check is asked for. Several that were asked for until now are told once.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn asked(&mut self) -> Result<(), StoreError> {
        self.0.next().await?;
        self.0.forget();
        Ok(())
    }
}
