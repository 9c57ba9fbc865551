//! PostgreSQL: a separate cluster with the services' role and database.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use tokio_postgres::{Client, NoTls};

use crate::process::{Processes, Spec};
use crate::tls::Tls;

const LIMIT: Duration = Duration::from_secs(30);
/// The page that says which rights dns-responder needs.
const READER: &str = include_str!("../../../docs/operators/delegation-responder.md");
/// The process's name in commands.
pub(crate) const NAME: &str = "postgres";

/// The settings to run it.
pub(crate) struct Postgres {
    pub(crate) port: u16,
    pub(crate) password: String,
    pub(crate) admin_password: String,
    pub(crate) fsync: bool,
    pub(crate) tls: Option<Tls>,
}

impl Postgres {
    /// The services' database, at this port (PostgreSQL's own or a proxy's).
    pub(crate) fn url(&self, port: u16) -> String {
        format!("postgres://cdn_broker:{}@127.0.0.1:{port}/cdn_broker", self.password)
    }

    /// The same by TLS.
    pub(crate) fn tls_url(&self, port: u16) -> String {
        format!(
            "{}?sslmode=verify-full",
            self.url(port).replace("@127.0.0.1:", "@localhost:")
        )
    }

    /// The superuser's URL.
    pub(crate) fn admin_url(&self) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/postgres",
            self.admin_password, self.port
        )
    }

    /// Creates the cluster, starts it, creates role and database.
    pub(crate) async fn start(&self, processes: &Processes, folder: &Path) -> anyhow::Result<()> {
        let home = folder.join("postgres");
        let data = home.join("data");
        let user = unprivileged_user()?;
        fs::create_dir_all(&home)?;
        fs::write(home.join("password"), &self.admin_password)?;
        if let Some(user) = &user {
            for path in [&home, &home.join("password")] {
                chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            }
        }
        let bin = binaries()?;
        let data = data.to_str().context("the folder's name isn't UTF-8")?;
        let spec = |program: &str| {
            let mut spec = Spec::new(NAME, bin.join(program), folder);
            spec.folder = home.clone();
            spec.user.clone_from(&user);
            spec
        };
        spec("initdb")
            .args(["-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile=password"])
            .args(["-E", "UTF8", "--locale=C", "--no-sync"])
            .run()
            .await
            .context("initdb (as root, the stack's folder must be reachable for the user postgres)")?;

        let mut server = spec("postgres")
            .args(["-D", data, "-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
            .args(["-c", "max_connections=200", "-c", "shared_buffers=64MB"])
            .args(["-c", if self.fsync { "fsync=on" } else { "fsync=off" }]);
        if let Some(tls) = &self.tls {
            let key = tls.key_for(&home, user.as_ref())?;
            server = server
                .args(["-c", "ssl=on", "-c", &format!("ssl_key_file={}", key.display())])
                .args(["-c", &format!("ssl_cert_file={}", tls.certificate().display())]);
        }
        // SIGTERM would wait for the clients to disconnect.
        server.graceful = Signal::SIGINT;
        server.quick = Signal::SIGQUIT;
        self.launch(processes, server).await?;

        let admin = connect(&self.admin_url()).await?;
        let password = &self.password; // our own, hexadecimal: safe to quote
        admin
            .batch_execute(&format!("CREATE ROLE cdn_broker LOGIN CREATEDB PASSWORD '{password}'"))
            .await?;
        admin
            .batch_execute("CREATE DATABASE cdn_broker OWNER cdn_broker")
            .await?;
        Ok(())
    }

    /// Makes dns-responder's role, as its page tells operators to, once the tables are there. Returns its URL.
    pub(crate) async fn reader(&self, port: u16) -> anyhow::Result<String> {
        let (_, block) = READER.split_once("```sql\n").context("no SQL in the page")?;
        let (sql, _) = block.split_once("```").context("no end of the SQL in the page")?;
        let admin = self.admin_url();
        let in_database = admin.strip_suffix("/postgres").context("another database")?;
        let admin = connect(&format!("{in_database}/cdn_broker")).await?;
        admin.batch_execute(&sql.replace("<password>", &self.password)).await?;
        Ok(format!(
            "postgres://dns_responder:{}@127.0.0.1:{port}/cdn_broker",
            self.password
        ))
    }

    /// Starts it (again), and waits until it responds.
    pub(crate) async fn launch(&self, processes: &Processes, server: Spec) -> anyhow::Result<()> {
        let url = self.admin_url();
        let ready = || async { connect(&url).await.is_ok() };
        // After a SIGKILL of the server its backends may survive for a moment and hold the shared memory.
        let mut attempts = 5;
        loop {
            attempts -= 1;
            match processes.launch(server.clone(), LIMIT, ready).await {
                Err(_) if attempts > 0 && processes.pid(NAME).is_none() => {}
                result => return result,
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// PostgreSQL refuses to run as root.
fn unprivileged_user() -> anyhow::Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    Ok(Some(User::from_name(NAME)?.context(
        "running as root, but there is no user postgres to run PostgreSQL as",
    )?))
}

/// The newest version's folder of binaries.
fn binaries() -> anyhow::Result<PathBuf> {
    let version = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    versions
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(version)
        .map(|path| path.join("bin"))
        .ok_or_else(|| anyhow!("PostgreSQL isn't installed; run tests/setup.sh"))
}
