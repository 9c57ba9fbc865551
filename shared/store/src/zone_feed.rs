//! What is served of the broker's own DNS zone: for dns-responder, which may read these two tables, log_level, and nothing else.

use std::collections::BTreeMap;

use tokio_postgres::error::SqlState;

use crate::connection::DatabaseArgs;
use crate::error::StoreError;
use crate::listener::Listener;
use crate::statement::{Statement, statement};

/// A name below the zone, and its values at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedName {
    /// The part of the name before the zone's.
    pub name: String,
    /// Its TXT values; none: the name exists all the same.
    pub values: Vec<String>,
}

/// What is served of a zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedZone {
    /// The names.
    pub names: Vec<ServedName>,
    /// When the newest target was made, in seconds since 1970, modulo 2³²: targets are never deleted, so it never
    /// decreases, and it is the same for every reader.
    pub serial: u32,
}

/// A connection of its own to read the zone, on which PostgreSQL notifies changes.
pub struct ZoneFeed(Listener);

impl ZoneFeed {
    /// Connects. From then on no change is missed.
    ///
    /// # Errors
    /// When PostgreSQL can't be reached, or refuses.
    pub async fn connect(args: &DatabaseArgs, application: &str) -> Result<Self, StoreError> {
        let listen = Statement::new("zone-listen", "listen cdn_broker_zone");
        Ok(Self(Listener::connect(args, application, listen).await?))
    }

    /// What is served of the zone at the moment.
    ///
    /// # Errors
    /// [`StoreError::NotMigrated`] when the tables are not there yet; database errors.
    pub async fn served(&mut self, zone: &str) -> Result<ServedZone, StoreError> {
        // What was notified until now is in what is read.
        self.0.forget();
        let rows = statement!("zone-served")
            .expects(SqlState::UNDEFINED_TABLE)
            .all(&self.0.client, &[&zone])
            .await
            .map_err(|error| match error {
                StoreError::Expected { .. } => StoreError::NotMigrated,
                error => error,
            })?;
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut newest = 0_i64;
        for row in rows {
            let values = names.entry(row.try_get("name")?).or_default();
            values.extend(row.try_get::<_, Option<String>>("value")?);
            newest = newest.max(row.try_get::<_, Option<i64>>("created")?.unwrap_or(0));
        }
        for values in names.values_mut() {
            values.sort();
            // Two orders may publish the same value, and a record is there once (RFC 2181 §5).
            values.dedup();
        }
        let names = names.into_iter().map(|(name, values)| ServedName { name, values });
        Ok(ServedZone {
            names: names.collect(),
            serial: newest as u32,
        })
    }

    /// Waits for the next change after the last reading.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn changed(&mut self) -> Result<(), StoreError> {
        self.0.next().await.map(drop)
    }
}
