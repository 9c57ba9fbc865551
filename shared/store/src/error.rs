//! What can go wrong with the store.

use crate::tls::TlsRefused;
use deadpool_postgres::TimeoutType;

/// An error of the store; none of them names a secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection to be had in time.
    #[error("no connection to PostgreSQL")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Every connection of the pool was busy for the whole of DATABASE_TIMEOUT.
    #[error("every one of the DATABASE_POOL_SIZE connections to PostgreSQL is busy")]
    PoolUsedUp,
    /// PostgreSQL answered with an error, or the connection broke.
    #[error("PostgreSQL, in {transaction}")]
    Database {
        /// Name of the transaction or statement.
        transaction: &'static str,
        /// The cause.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A setting can't be used.
    #[error("{0}")]
    Setting(String),
    /// The CAs that are to be trusted can't be read.
    #[error("DATABASE_CA_FILE or sslrootcert in DATABASE_URL")]
    Trust(#[source] ::tls::TrustError),
    /// The database's schema is newer than this program knows.
    #[error("the database's schema is version {found}, this program knows {known}: upgrade this program")]
    SchemaTooNew {
        /// Version in the database.
        found: i32,
        /// Version of this program.
        known: i32,
    },
    /// A row holds something that this version doesn't understand.
    #[error("a row that can't be read: {0}")]
    Unreadable(String),
    /// A sealed secret can't be opened.
    #[error("a sealed secret can't be opened: {0}")]
    Sealing(#[from] crate::sealing::SealingError),
    /// The step was taken over or its operation has ended: what was to be written is refused.
    #[error("the step is no longer current")]
    Stale,
}

impl StoreError {
    /// PostgreSQL is away or has no time: the same will go well later, with nothing changed here.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::PoolUsedUp | Self::Database { .. })
    }

    /// PostgreSQL is away altogether: no connection, or it broke, or the server is starting, stopping, or out of
    /// connections or room (SQLSTATE classes 08, 57P and 53).
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Database { source, .. } => match source.code() {
                Some(code) => ["08", "57P", "53"].iter().any(|class| code.code().starts_with(class)),
                None => true,
            },
            _ => false,
        }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        if let deadpool_postgres::PoolError::Timeout(TimeoutType::Wait) = error {
            metrics::counter!("store_pool_timeouts_total").increment(1);
            return Self::PoolUsedUp;
        }
        match TlsRefused::find(&error) {
            Some(refused) => Self::Unavailable(Box::new(refused)),
            None => Self::Unavailable(Box::new(error)),
        }
    }
}

impl From<pipeline::step::UnknownName> for StoreError {
    fn from(error: pipeline::step::UnknownName) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(source: tokio_postgres::Error) -> Self {
        Self::Database {
            transaction: "statement",
            source,
        }
    }
}
