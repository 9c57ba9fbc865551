//! Orphans: resources in AWS with this broker's mark but without an owner here. A worker died, or froze for very long,
//! between an external effect and its record.

use std::time::Duration;

use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::millis;

/// A kind of AWS resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrphanKind {
    /// A CloudFront distribution.
    Distribution,
    /// A CloudFront function.
    Function,
    /// A certificate in its store.
    Certificate,
}

impl OrphanKind {
    /// The kind's name in SQL, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::Function => "function",
            Self::Certificate => "certificate",
        }
    }
}

/// What the database knows of a resource found in AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Its instance is live, and that instance's operations manage it.
    Lives,
    /// Its instance was removed, or the resource was retired: no operation here will ever use it again.
    Gone {
        /// The instance.
        instance: String,
    },
    /// Not in this database: it belongs to another broker, or was created after the backup that this database was
    /// restored from.
    Unknown,
}

impl Store {
    /// The id of this broker's installation, created with its database: the tag by which it recognizes its own
    /// resources in AWS.
    ///
    /// # Errors
    /// Database errors.
    pub async fn deployment(&self) -> Result<Uuid, StoreError> {
        self.deployment
            .get_or_try_init(|| async {
                let client = self.client().await?;
                Ok(Statement::new("deployment", "select id from deployment")
                    .one(&client, &[])
                    .await?
                    .try_get(0)?)
            })
            .await
            .copied()
    }

    /// Takes the turn for a chore, unless another process took it less than `interval` ago.
    ///
    /// # Errors
    /// Database errors.
    pub async fn take_turn(&self, name: &str, interval: Duration) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let taken = Statement::new(
            "turn-take",
            "insert into turns as t (name, taken_at) values ($1, clock_timestamp()) on conflict (name) do update \
             set taken_at = clock_timestamp() where t.taken_at < clock_timestamp() - $2 * interval '1 millisecond'",
        )
        .run(&client, &[&name, &crate::steps::as_millis(interval)])
        .await?;
        Ok(taken > 0)
    }

    /// Whether it is the distribution of an instance that is not removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn is_instances_distribution(&self, id: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "distribution-is-instances",
            "select exists(select 1 from instances where distribution_id = $1 and deleted_at is null)",
        )
        .one(&client, &[&id])
        .await?;
        Ok(row.try_get(0)?)
    }

    /// The owner of the distribution whose mark says that it was created for `instance`.
    ///
    /// # Errors
    /// Database errors.
    pub async fn owner_of_distribution(&self, instance: &str) -> Result<Owner, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "distribution-owner",
            "select deleted_at is not null from instances where id = $1",
        )
        .optional(&client, &[&instance])
        .await?;
        Ok(match row.map(|row| row.try_get(0)).transpose()? {
            None => Owner::Unknown,
            Some(false) => Owner::Lives,
            Some(true) => Owner::Gone {
                instance: instance.to_string(),
            },
        })
    }

    /// Whether it was recorded as the distribution of that instance, whose status then showed its name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn was_distribution_of(&self, instance: &str, id: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "distribution-was-of",
            "select exists(select 1 from instances where id = $1 and distribution_id = $2)",
        )
        .one(&client, &[&instance, &id])
        .await?;
        Ok(row.try_get(0)?)
    }

    /// The owner of the certificate of that id.
    ///
    /// # Errors
    /// Database errors.
    pub async fn owner_of_certificate(&self, certificate: Uuid) -> Result<Owner, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "certificate-owner",
            "select retired_at is not null, instance_id from certificates where id = $1",
        )
        .optional(&client, &[&certificate])
        .await?;
        let Some(row) = row else { return Ok(Owner::Unknown) };
        Ok(match row.try_get(0)? {
            false => Owner::Lives,
            true => Owner::Gone {
                instance: row.try_get(1)?,
            },
        })
    }

    /// Records that an orphan was seen. Returns for how long it has been seen, from zero.
    ///
    /// # Errors
    /// Database errors.
    pub async fn orphan_seen(&self, kind: OrphanKind, aws_id: &str, instance: &str) -> Result<Duration, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "orphan-seen",
            "insert into orphans as o (kind, aws_id, instance_id) values ($1, $2, $3) on conflict (kind, aws_id) do \
             update \
             set last_seen = now(), removed_at = null, \
                 first_seen = case when o.removed_at is null then o.first_seen else now() end \
             returning (extract(epoch from now() - first_seen) * 1000)::bigint",
        )
        .one(&client, &[&kind.as_str(), &aws_id, &instance])
        .await?;
        Ok(millis(row.try_get(0)?))
    }

    /// These resources have an owner, possibly again after they looked like orphans: for example a function that a
    /// failed update left and the next update adopted.
    ///
    /// # Errors
    /// Database errors.
    pub async fn no_orphans(&self, kind: OrphanKind, aws_ids: &[String]) -> Result<(), StoreError> {
        let client = self.client().await?;
        // Orphans are few, or none, and resources are many.
        let seen = Statement::new(
            "orphans-seen",
            "select aws_id from orphans where kind = $1 and removed_at is null",
        )
        .all(&client, &[&kind.as_str()])
        .await?;
        let mut owned: Vec<String> = seen.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        owned.retain(|id| aws_ids.contains(id));
        if owned.is_empty() {
            return Ok(());
        }
        Statement::new(
            "orphan-owned",
            "delete from orphans where kind = $1 and aws_id = any($2) and removed_at is null",
        )
        .run(&client, &[&kind.as_str(), &owned])
        .await?;
        Ok(())
    }

    /// Records that an orphan was removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn orphan_removed(&self, kind: OrphanKind, aws_id: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "orphan-removed",
            "update orphans set removed_at = now() where kind = $1 and aws_id = $2",
        )
        .run(&client, &[&kind.as_str(), &aws_id])
        .await?;
        Ok(())
    }
}
