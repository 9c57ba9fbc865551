//! The connection pool, and named transactions.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::builder::{OsStringValueParser, RangedU64ValueParser, TypedValueParser as _};
use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts, Transaction};
use secret::Secret;
use tokio::sync::OnceCell;
use tokio_postgres::IsolationLevel;
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use crate::error::StoreError;
use crate::listener::Listener;
use crate::statement::Statement;
use crate::tls::Address;

secret::setting!(
    pub DatabaseUrl,
    "database-url",
    "DATABASE_URL",
    required bound ["postgres", "postgresql"],
    "Address of PostgreSQL, as postgres://user:password@host:port/database?sslmode=verify-full. sslmode is one of \
     disable, prefer (TLS when the server has it, nothing is verified; the default), require and verify-full (TLS, the \
     certificate's issuer and name are verified), verify-ca (its issuer only)."
);

/// How to reach PostgreSQL.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "PostgreSQL")]
pub struct DatabaseArgs {
    /// Address.
    #[command(flatten)]
    pub database_url: Secret<DatabaseUrl>,
    /// PEM file of the CAs that may have issued PostgreSQL's certificate; with it sslmode is verify-full unless said
    /// otherwise. Unset: the system's CAs. The same as sslrootcert in DATABASE_URL.
    #[arg(long, env, value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub database_ca_file: Option<PathBuf>,
    /// The most connections of this process; broker-api has half as many again for last_operation alone, and one more while
    /// status pages are open.
    #[arg(long, env, default_value_t = 8, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub database_pool_size: usize,
    /// How long to wait for a connection from the pool, such as 5s.
    #[arg(long, env, default_value = "5s")]
    pub database_timeout: humantime::Duration,
}

impl DatabaseArgs {
    /// This address, with defaults: for tests and tools.
    pub fn at(url: &str) -> Self {
        Self {
            database_url: url.into(),
            database_ca_file: None,
            database_pool_size: 8,
            database_timeout: Duration::from_secs(5).into(),
        }
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    /// For last_operation, which must not wait behind a burst of other requests. Connects on first use.
    status_pool: Pool,
    /// False: nothing is queried, since the tables may not exist yet, or not in the form this program knows.
    open: Arc<AtomicBool>,
    /// For connections beside the pools.
    args: Arc<DatabaseArgs>,
    application: Arc<str>,
    /// Read once, since it never changes.
    pub(crate) deployment: Arc<OnceCell<Uuid>>,
}

impl Store {
    /// Creates the pool, which connects on first use.
    ///
    /// # Errors
    /// When the address or the CAs can't be read.
    pub fn new(args: &DatabaseArgs, application: &str) -> Result<Self, StoreError> {
        let ca_file = args.database_ca_file.as_deref();
        let mut address = Address::read(
            args.database_url.expose(),
            ca_file.filter(|path| !path.as_os_str().is_empty()),
        )?;
        if let Some(warning) = address.warning() {
            tracing::warn!("{warning}");
        }
        let connector = address.connector()?;
        address
            .config
            .application_name(application)
            .connect_timeout(Duration::from_secs(5))
            // A statement that hangs must not block a worker forever, and a lock is never waited for long. The lock
            // timeout is longer than the time after which a process that froze inside a transaction loses its locks.
            // To compile a plan (jit) takes longer than any statement here does.
            .options(
                "-c statement_timeout=15s -c lock_timeout=10s -c idle_in_transaction_session_timeout=5s -c jit=off",
            );
        let pool = |size| pool(&address.config, connector.clone(), size, args.database_timeout.into());
        let (pool, status_pool) = (
            pool(args.database_pool_size)?,
            pool(args.database_pool_size.div_ceil(2))?,
        );
        Ok(Self {
            pool,
            status_pool,
            open: Arc::new(AtomicBool::new(true)),
            args: Arc::new(args.clone()),
            application: application.into(),
            deployment: Arc::default(),
        })
    }

    /// The same, but no query runs until [`Self::migrate`] has succeeded: for a program that serves requests before
    /// that.
    pub fn closed_until_migrated(self) -> Self {
        let open = Arc::new(AtomicBool::new(false));
        Self { open, ..self }
    }

    /// For what has to be done before any other query.
    pub(crate) fn while_closed(&self) -> Self {
        let open = Arc::new(AtomicBool::new(true));
        Self { open, ..self.clone() }
    }

    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// A connection of the pool.
    pub(crate) async fn client(&self) -> Result<Client, StoreError> {
        self.of(&self.pool).await
    }

    /// A connection of the pool for last_operation.
    pub(crate) async fn status_client(&self) -> Result<Client, StoreError> {
        self.of(&self.status_pool).await
    }

    /// A connection that listens, beside the pools.
    pub(crate) async fn listener(&self, listen: Statement) -> Result<Listener, StoreError> {
        self.check_open()?;
        Listener::connect(&self.args, &self.application, listen).await
    }

    async fn of(&self, pool: &Pool) -> Result<Client, StoreError> {
        self.check_open()?;
        Ok(pool.get().await?)
    }

    fn check_open(&self) -> Result<(), StoreError> {
        match self.open.load(Ordering::Acquire) {
            true => Ok(()),
            false => Err(StoreError::NotMigrated),
        }
    }

    /// Sets the pool's gauges.
    pub fn measure(&self) {
        for (name, pool) in [("work", &self.pool), ("status", &self.status_pool)] {
            let status = pool.status();
            metrics::gauge!("store_pool_connections", "pool" => name, "state" => "idle").set(status.available as f64);
            metrics::gauge!("store_pool_connections", "pool" => name, "state" => "used")
                .set((status.size - status.available.min(status.size)) as f64);
            metrics::gauge!("store_pool_waiting", "pool" => name).set(status.waiting as f64);
        }
    }

    /// Runs `body` in a transaction, which is counted and timed under `name`, and rolled back when `body` fails.
    pub(crate) async fn in_transaction<T>(
        &self,
        name: &'static str,
        body: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let mut client = self.client().await?;
        let result = async {
            let transaction = client.transaction().await.map_err(failed("begin"))?;
            let value = body(&transaction).await?;
            transaction.commit().await.map_err(failed("commit"))?;
            Ok(value)
        }
        .await
        .map_err(|error: StoreError| error.within(name));
        let outcome = if result.is_ok() { "committed" } else { "rolled-back" };
        metrics::counter!("store_transactions_total", "name" => name, "outcome" => outcome).increment(1);
        metrics::histogram!("store_transaction_duration_seconds", "name" => name).record(begun.elapsed());
        result
    }

    /// Runs `body` in a transaction whose statements all see the same moment, however many there are. It can't write, and waits for
    /// no lock.
    pub(crate) async fn at_one_moment<T>(
        &self,
        body: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut client = self.client().await?;
        let moment = client
            .build_transaction()
            .read_only(true)
            .isolation_level(IsolationLevel::RepeatableRead)
            .start()
            .await
            .map_err(failed("begin"))?;
        let value = body(&moment).await?;
        moment.commit().await.map_err(failed("commit"))?;
        Ok(value)
    }
}

/// The error of a statement without SQL of our own: `begin`, `commit`.
pub(crate) fn failed(statement: &'static str) -> impl Fn(tokio_postgres::Error) -> StoreError {
    move |source| StoreError::Database {
        statement,
        transaction: None,
        source,
    }
}

fn pool(
    config: &tokio_postgres::Config,
    connector: MakeRustlsConnect,
    size: usize,
    timeout: Duration,
) -> Result<Pool, StoreError> {
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(config.clone(), connector, ManagerConfig { recycling_method });
    let wait = Some(timeout);
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait,
            create: wait,
            recycle: wait,
        })
        .build()
        .map_err(|error| StoreError::Setting(error.to_string()))
}
