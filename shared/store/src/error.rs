//! What can go wrong with the store.

use deadpool_postgres::TimeoutType;

use crate::sqlstate::Fault;
use crate::tls_refused::TlsRefused;

/// An error of the store; none of them contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection was available in time.
    #[error("no connection to PostgreSQL")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Every connection of the pool was busy for the whole of DATABASE_TIMEOUT.
    #[error("every one of the DATABASE_POOL_SIZE connections to PostgreSQL is busy")]
    PoolUsedUp,
    /// PostgreSQL answered with an error, or the connection broke.
    #[error("{}", told(statement, *transaction, source))]
    Database {
        /// Name of the statement; `begin` and `commit` have no other.
        statement: &'static str,
        /// Name of the transaction, if it was in one.
        transaction: Option<&'static str>,
        /// The cause.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A refusal by PostgreSQL that the caller expects: another process was faster, or a table is missing.
    #[error("PostgreSQL refuses the statement {statement}")]
    Expected {
        /// Name of the statement.
        statement: &'static str,
        /// The cause.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A setting is invalid.
    #[error("{0}")]
    Setting(String),
    /// The trusted CAs can't be read.
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
    /// The schema does not exist yet, or is older than this program's.
    #[error("the schema is not migrated yet")]
    NotMigrated,
    /// A row holds something that this version can't read.
    #[error("a row that can't be read: {0}")]
    Unreadable(String),
    /// A sealed secret can't be opened.
    #[error("a sealed secret can't be opened: {0}")]
    Sealing(#[from] crate::sealing::SealingError),
    /// The step was taken over or its operation has ended: the write is refused.
    #[error("the step is no longer current")]
    Stale,
}

impl StoreError {
    /// PostgreSQL is unavailable or overloaded: the same statement will succeed later, with nothing changed here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::PoolUsedUp | Self::NotMigrated | Self::Expected { .. } => true,
            Self::Database { source, .. } => Fault::of(source) != Fault::Refused,
            _ => false,
        }
    }

    /// PostgreSQL is unavailable altogether: no connection, or it broke, or the server is starting, stopping, or out of
    /// connections or space.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Database { source, .. } => Fault::of(source) == Fault::Away,
            _ => false,
        }
    }

    /// PostgreSQL refuses the statement itself: its syntax, a name, a type, a constraint, a permission. It is refused
    /// again until the program, the schema or the permissions are changed. It was logged and counted under its name.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Database { source, .. } if Fault::of(source) == Fault::Refused)
    }

    /// Adds the name of the transaction in which the error happened.
    pub(crate) fn within(self, name: &'static str) -> Self {
        match self {
            Self::Database { statement, source, .. } => Self::Database {
                statement,
                transaction: Some(name),
                source,
            },
            other => other,
        }
    }
}

fn told(statement: &str, transaction: Option<&str>, source: &tokio_postgres::Error) -> String {
    let mut text = match (Fault::of(source), source.code()) {
        (Fault::Refused, Some(code)) => format!("PostgreSQL refuses the statement {statement} ({})", code.code()),
        _ => format!("PostgreSQL, in the statement {statement}"),
    };
    if let Some(transaction) = transaction {
        text.push_str(&format!(" of the transaction {transaction}"));
    }
    text
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

/// For reading a row. Errors of PostgreSQL itself come from [`crate::statement::Statement`].
impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Unreadable(telemetry::with_causes(&error))
    }
}
