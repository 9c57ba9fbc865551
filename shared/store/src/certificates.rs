//! Certificates: stored as soon as they are issued, never requested twice, wiped when retired.

use std::fmt::Debug;
use std::time::Duration;

use secrecy::SecretBox;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::ca_choice::ORDERED_AT;
use crate::ca_usage::COUNT_NAMES;
use crate::connection::Store;
use crate::error::StoreError;
use crate::sealing::{KeyRing, Place};
use crate::statement::{Statement, statement};
use crate::steps::{Task, lock_current, millis};

/// A certificate just issued.
#[derive(Debug, Clone)]
pub struct NewCertificate {
    /// Its DNS names.
    pub names: Vec<String>,
    /// Leaf and chain, PEM.
    pub chain_pem: String,
    /// Valid from.
    pub not_before: OffsetDateTime,
    /// Valid until.
    pub not_after: OffsetDateTime,
}

/// A certificate of an instance, without its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// This broker's id of the certificate.
    pub id: Uuid,
    /// Its DNS names.
    pub names: Vec<String>,
    /// Leaf and chain, PEM.
    pub chain_pem: String,
    /// The certificate's location, recorded before the upload and again after it: a `certificate_store::Reference`.
    pub reference: Option<Value>,
    /// Valid until.
    pub not_after: OffsetDateTime,
    /// How long ago the store accepted it, if that was recorded.
    pub uploaded_ago: Option<Duration>,
}

/// Selects what [`certificate_from`] reads, from `certificates c`.
pub(crate) const COLUMNS: &str = "c.id, c.names, c.chain_pem, c.reference, c.not_after, \
     (extract(epoch from clock_timestamp() - c.uploaded_at) * 1000)::bigint as uploaded_ago";

pub(crate) fn certificate_from(row: &Row) -> Result<Certificate, StoreError> {
    Ok(Certificate {
        id: row.try_get("id")?,
        names: row.try_get("names")?,
        chain_pem: row.try_get("chain_pem")?,
        reference: row.try_get("reference")?,
        not_after: row.try_get("not_after")?,
        uploaded_ago: row.try_get::<_, Option<i64>>("uploaded_ago")?.map(millis),
    })
}

impl Store {
    /// Stores what the CA issued for the order, with the order's key. Storing it twice has no effect.
    ///
    /// # Errors
    /// Database errors.
    pub async fn store_certificate(&self, task: &Task, order: Uuid, new: &NewCertificate) -> Result<(), StoreError> {
        // Not guarded by the attempt: an issued certificate is kept, whichever attempt fetched it.
        self.in_transaction("store-certificate", async |tx| {
            statement!("certificate-store")
                .with("count_names", COUNT_NAMES)
                .with("ordered_at", ORDERED_AT)
                .run(
                    tx,
                    &[
                        &Uuid::new_v4(),
                        &task.instance.id,
                        &order,
                        &new.names,
                        &new.chain_pem,
                        &new.not_before,
                        &new.not_after,
                    ],
                )
                .await?;
            Ok(())
        })
        .await
    }

    /// The certificate of the task's round, if one was issued.
    ///
    /// # Errors
    /// Database errors.
    pub async fn certificate(&self, task: &Task) -> Result<Option<Certificate>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "certificate-of-round",
            format!(
                "select {COLUMNS} from certificates c join orders r on r.id = c.order_id \
                 where r.operation_id = $1 and r.round = $2"
            ),
        )
        .optional(&client, &[&task.operation, &task.round])
        .await?;
        row.as_ref().map(certificate_from).transpose()
    }

    /// The certificate that the distribution was last configured with.
    ///
    /// # Errors
    /// Database errors.
    pub async fn attached_certificate(&self, task: &Task) -> Result<Option<Certificate>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "certificate-attached",
            format!("select {COLUMNS} from certificates_in_use c where c.instance_id = $1"),
        )
        .optional(&client, &[&task.instance.id])
        .await?;
        row.as_ref().map(certificate_from).transpose()
    }

    /// The certificate in use and the CA account that ordered it: the one that a new order replaces (RFC 9773 §5).
    ///
    /// # Errors
    /// Database errors.
    pub async fn replaced(&self, task: &Task) -> Result<Option<(Certificate, Option<String>)>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "certificate-replaced",
            format!(
                "select {COLUMNS}, r.account_uri from certificates_in_use c join orders r on r.id = c.order_id \
                 where c.instance_id = $1"
            ),
        )
        .optional(&client, &[&task.instance.id])
        .await?;
        row.map(|row| Ok((certificate_from(&row)?, row.try_get("account_uri")?)))
            .transpose()
    }

    /// The certificate's private key, PKCS #8 DER.
    ///
    /// # Errors
    /// When the key was wiped or can't be opened; database errors.
    pub async fn private_key(
        &self,
        ring: &KeyRing,
        task: &Task,
        certificate: &Certificate,
    ) -> Result<SecretBox<Vec<u8>>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "certificate-private-key",
            "select sealed_key, order_id from certificates where id = $1",
        )
        .one(&client, &[&certificate.id])
        .await?;
        let sealed: Option<Vec<u8>> = row.try_get(0)?;
        let sealed = sealed.ok_or_else(|| StoreError::Unreadable("the certificate's key was wiped".into()))?;
        let order: Uuid = row.try_get(1)?;
        Ok(ring.open(&Place::certificate_key(&task.instance.id, &order.to_string()), &sealed)?)
    }

    /// Records where the certificate is about to be uploaded, unless its location is already recorded.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn intend_upload(
        &self,
        task: &Task,
        certificate: Uuid,
        reference: &(impl Serialize + Debug + Sync),
    ) -> Result<(), StoreError> {
        self.in_transaction("intend-upload", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "certificate-intend-upload",
                "update certificates set reference = $2 where id = $1 and reference is null",
            )
            .run(tx, &[&certificate, &Json(reference)])
            .await?;
            Ok(())
        })
        .await
    }

    /// Records the certificate's location.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn set_uploaded(
        &self,
        task: &Task,
        certificate: Uuid,
        reference: &(impl Serialize + Debug + Sync),
    ) -> Result<(), StoreError> {
        self.in_transaction("set-uploaded", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "certificate-set-uploaded",
                "update certificates set reference = $2, \
                 uploaded_at = case when $2 is distinct from reference then now() else uploaded_at end where id = $1",
            )
            .run(tx, &[&certificate, &Json(reference)])
            .await?;
            Ok(())
        })
        .await
    }

    /// Records that the distribution was configured with the certificate.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn set_attached(&self, task: &Task, certificate: Uuid) -> Result<(), StoreError> {
        self.in_transaction("set-attached", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "certificate-set-attached",
                "update certificates set attached_at = coalesce(attached_at, now()) where id = $1",
            )
            .run(tx, &[&certificate])
            .await?;
            Ok(())
        })
        .await
    }

    /// The instance's certificates that may still be in their stores.
    ///
    /// # Errors
    /// Database errors.
    pub async fn unretired_certificates(&self, task: &Task) -> Result<Vec<Certificate>, StoreError> {
        let client = self.client().await?;
        Statement::new(
            "certificates-unretired",
            format!(
                "select {COLUMNS} from certificates c where c.instance_id = $1 and c.retired_at is null \
                 order by c.created_at"
            ),
        )
        .all(&client, &[&task.instance.id])
        .await?
        .iter()
        .map(certificate_from)
        .collect()
    }

    /// Records that the certificate was removed from its store, and wipes its key.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_retired(&self, certificate: Uuid) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "certificate-set-retired",
            "update certificates set retired_at = now(), sealed_key = null where id = $1",
        )
        .run(&client, &[&certificate])
        .await?;
        Ok(())
    }
}
