//! The doctor's check of PostgreSQL: is it reachable and configured as this program needs it? Nothing is changed.

mod seals;

use doctor::{Check, Finding};
use telemetry::with_causes;
use tokio_postgres::Client;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_util::task::AbortOnDropHandle;

use crate::connection::DatabaseArgs;
use crate::error::StoreError;
use crate::migrations;
use crate::statement::Statement;
use crate::tls::Address;
use crate::tls_refused::TlsRefused;

pub use seals::{Sealed, check_seals};

const ABOUT: &str = "PostgreSQL";

/// Connects, and checks TLS, the schema's version and the permission to change the schema.
pub fn check_database(args: &DatabaseArgs, application: &str) -> Check {
    let (args, application) = (args.clone(), format!("{application} doctor"));
    Check::one(ABOUT, async move {
        match address(&args) {
            Ok(address) => look(address, &application).await,
            Err(error) => Finding::fail(ABOUT, "a setting can't be used", with_causes(&error)),
        }
    })
}

fn address(args: &DatabaseArgs) -> Result<Address, StoreError> {
    let ca_file = args.database_ca_file.as_deref();
    Address::read(
        args.database_url.expose(),
        ca_file.filter(|path| !path.as_os_str().is_empty()),
    )
}

async fn look(mut address: Address, application: &str) -> Finding {
    let place = place(&address);
    let connector = match address.connector() {
        Ok(connector) => connector,
        Err(error) => return Finding::fail(ABOUT, "a setting can't be used", with_causes(&error)),
    };
    address.config.application_name(application);
    let (client, connection) = match address.config.connect(connector).await {
        Ok(connected) => connected,
        Err(error) => return unreached(&place, &error),
    };
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    match Seen::read(&client).await {
        Ok(seen) => seen.judged(&place, &address),
        Err(error) => Finding::fail(
            ABOUT,
            format!("{place} gives an unexpected answer: {}", with_causes(&error)),
            "check PostgreSQL's own log",
        ),
    }
}

/// `host:port/database`, without user and password.
fn place(address: &Address) -> String {
    let config = &address.config;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_string(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("{host}:{port}/{database}")
}

fn unreached(place: &str, error: &tokio_postgres::Error) -> Finding {
    if let Some(refused) = TlsRefused::find(error) {
        return Finding::fail(ABOUT, format!("no TLS to {place}"), refused.to_string());
    }
    let said = error
        .as_db_error()
        .map_or_else(|| with_causes(error), |db| db.message().to_string());
    let to_do = match error.code() {
        Some(&(SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION)) => {
            "set user and password in DATABASE_URL, or let them in at the server (pg_hba.conf)"
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => "create the database, or name another one in DATABASE_URL",
        Some(&SqlState::TOO_MANY_CONNECTIONS) => "raise max_connections there, or lower DATABASE_POOL_SIZE",
        Some(_) => "check PostgreSQL's own log",
        None => "check that it runs, and that host and port in DATABASE_URL are right",
    };
    Finding::fail(ABOUT, format!("{place} can't be used: {said}"), to_do)
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    encrypted: bool,
    read_only: bool,
    user: String,
    schema: Option<String>,
    may_create: bool,
    /// Whether the user owns `schema_migrations`, if that table exists.
    owns: Option<bool>,
    /// The newest migration, and the oldest program that it works with.
    versions: Option<(i32, i32)>,
}

impl Seen {
    async fn read(client: &Client) -> Result<Self, StoreError> {
        let row = Statement::new(
            "doctor-rights",
            "select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false), \
             current_setting('transaction_read_only') = 'on', current_user::text, current_schema()::text, \
             coalesce(has_schema_privilege(current_schema(), 'create'), false), \
             (select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('schema_migrations'))",
        )
        .one(client, &[])
        .await?;
        let owns: Option<bool> = row.try_get(5)?;
        let versions = match owns {
            None => None,
            Some(_) => {
                let row = Statement::new(
                    "doctor-schema-version",
                    "select coalesce(max(version), 0), coalesce(max(works_with), 0) from schema_migrations",
                )
                .one(client, &[])
                .await?;
                Some((row.try_get(0)?, row.try_get(1)?))
            }
        };
        Ok(Self {
            encrypted: row.try_get(0)?,
            read_only: row.try_get(1)?,
            user: row.try_get(2)?,
            schema: row.try_get(3)?,
            may_create: row.try_get(4)?,
            owns,
            versions,
        })
    }

    fn judged(&self, place: &str, address: &Address) -> Finding {
        let known = migrations::newest();
        let about = format!("{place}, {}", address.protection(self.encrypted));
        let fail = |what: String, to_do: String| Finding::fail(ABOUT, format!("{about}, {what}"), to_do);
        if self.read_only {
            return fail(
                "but it is read-only (a standby?)".into(),
                "name the primary in DATABASE_URL".into(),
            );
        }
        let version = match self.versions {
            Some((found, works_with)) if works_with > known => {
                return fail(
                    format!("but its schema is version {found} and this program knows {known}"),
                    "upgrade this program".into(),
                );
            }
            Some((found, _)) if found > known => {
                format!("schema {found}, with which this program (schema {known}) works")
            }
            Some((found, _)) if found < known => {
                format!("schema {found}, which the first service that starts brings to {known}")
            }
            Some((found, _)) => format!("schema {found}"),
            None => format!("no schema yet: the first service that starts creates schema {known}"),
        };
        // `create table if not exists` needs the permission even when the table exists, and every service runs it at
        // startup.
        let Some(schema) = self.schema.as_deref().filter(|_| self.may_create) else {
            let schema = self.schema.as_deref().unwrap_or("public");
            return fail(
                format!("but {} may not create tables in it", self.user),
                format!("grant create, usage on schema {schema} to {}", self.user),
            );
        };
        if self.owns == Some(false) {
            return fail(
                format!(
                    "but the tables in schema {schema} are another user's, so {} can't migrate them",
                    self.user
                ),
                "write the user that created them into DATABASE_URL, or make it their owner (reassign owned)".into(),
            );
        }
        match address.warning() {
            Some(warning) => Finding::warn(ABOUT, format!("{about}, {version}"), warning),
            None => Finding::ok(ABOUT, format!("{about}, {version}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::read(url, None).unwrap()
    }

    fn seen() -> Seen {
        Seen {
            encrypted: true,
            read_only: false,
            user: "cdn".into(),
            schema: Some("public".into()),
            may_create: true,
            owns: Some(true),
            versions: Some((migrations::newest(), 1)),
        }
    }

    fn line(seen: &Seen) -> String {
        let address = address("postgres://cdn:s3cret@db.example:5433/cdn?sslmode=verify-full");
        let line = seen.judged(&place(&address), &address).to_string();
        assert!(!line.contains("s3cret"), "{line}");
        line
    }

    #[test]
    fn all_is_well_with_a_schema_that_is_there_or_can_be_made() {
        let newest = migrations::newest();
        assert_eq!(
            line(&seen()),
            format!("ok    PostgreSQL  db.example:5433/cdn, TLS verified, schema {newest}")
        );
        let fresh = Seen {
            owns: None,
            versions: None,
            ..seen()
        };
        assert!(line(&fresh).starts_with("ok"), "{}", line(&fresh));
        for versions in [(0, 0), (newest + 1, newest)] {
            let other = Seen {
                versions: Some(versions),
                ..seen()
            };
            assert!(line(&other).starts_with("ok"), "{}", line(&other));
        }
    }

    #[test]
    fn what_would_keep_a_service_from_starting_fails_and_says_what_to_do() {
        let newest = migrations::newest();
        let table = [
            (
                Seen {
                    versions: Some((newest + 1, newest + 1)),
                    ..seen()
                },
                "upgrade this program",
            ),
            (
                Seen {
                    may_create: false,
                    ..seen()
                },
                "grant create, usage on schema public to cdn",
            ),
            (
                Seen {
                    schema: None,
                    may_create: false,
                    ..seen()
                },
                "grant create",
            ),
            (
                Seen {
                    owns: Some(false),
                    ..seen()
                },
                "their owner",
            ),
            (
                Seen {
                    read_only: true,
                    ..seen()
                },
                "name the primary in DATABASE_URL",
            ),
        ];
        for (seen, words) in table {
            let line = line(&seen);
            assert!(line.starts_with("FAIL  PostgreSQL  ") && line.contains(words), "{line}");
        }
    }

    #[test]
    fn a_connection_that_others_could_read_is_warned_of() {
        let address = address("postgres://cdn:s3cret@db.example/cdn");
        let line = seen().judged(&place(&address), &address).to_string();
        assert!(
            line.starts_with("warn  PostgreSQL  db.example:5432/cdn, TLS not verified"),
            "{line}"
        );
        assert!(line.contains("sslmode=verify-full"), "{line}");
    }
}
