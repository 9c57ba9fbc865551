//! What is served of the broker's own DNS zone: for dns-responder, which may read these two tables, log_level, and nothing else.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Connection};
use tokio_util::task::AbortOnDropHandle;

use crate::connection::DatabaseArgs;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::tls::Address;

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
pub struct ZoneFeed {
    client: Client,
    changes: watch::Receiver<()>,
    _driver: AbortOnDropHandle<()>,
}

impl ZoneFeed {
    /// Connects. From then on no change is missed.
    ///
    /// # Errors
    /// When PostgreSQL can't be reached, or refuses.
    pub async fn connect(args: &DatabaseArgs, application: &str) -> Result<Self, StoreError> {
        let ca_file = args.database_ca_file.as_deref();
        let mut address = Address::read(
            args.database_url.expose(),
            ca_file.filter(|path| !path.as_os_str().is_empty()),
        )?;
        let connector = address.connector()?;
        address
            .config
            .application_name(application)
            .connect_timeout(Duration::from_secs(5))
            // The reader doesn't wait longer.
            .options("-c statement_timeout=3s");
        let connected = address.config.connect(connector).await;
        let (client, connection) = connected.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let (sender, changes) = watch::channel(());
        let driver = AbortOnDropHandle::new(tokio::spawn(drive(connection, sender)));
        Statement::new("zone-listen", "listen cdn_broker_zone")
            .batch(&client)
            .await?;
        Ok(Self {
            client,
            changes,
            _driver: driver,
        })
    }

    /// What is served of the zone at the moment.
    ///
    /// # Errors
    /// [`StoreError::NotMigrated`] when the tables are not there yet; database errors.
    pub async fn served(&mut self, zone: &str) -> Result<ServedZone, StoreError> {
        // What was notified until now is in what is read.
        self.changes.mark_unchanged();
        let rows = statement!("zone-served")
            .expects(SqlState::UNDEFINED_TABLE)
            .all(&self.client, &[&zone])
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
        let ended = |_| StoreError::Unavailable("the connection has ended".into());
        self.changes.changed().await.map_err(ended)
    }
}

/// Drives the connection until its end; then the sender is gone.
async fn drive<S, T>(mut connection: Connection<S, T>, changes: watch::Sender<()>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(_) = message {
            changes.send_replace(());
        }
    }
}
