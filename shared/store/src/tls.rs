//! TLS to PostgreSQL, in libpq's terms: `sslmode` and `sslrootcert` of DATABASE_URL, which tokio-postgres supports only
//! in part. Here `require` verifies as `verify-full` does; docs/decisions.md says why.

use std::error::Error;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ::tls::{Check, Roots};
use clap::ValueEnum as _;
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::StoreError;

/// PostgreSQL's name in the TLS handshake (ALPN), without which PostgreSQL 17 refuses `sslnegotiation=direct`.
const ALPN: &[u8] = b"postgresql";

/// libpq's sslmode, without `allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    fn word(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn check(self) -> Check {
        match self {
            Self::Disable | Self::Prefer => Check::Nothing,
            Self::VerifyCa => Check::Issuer,
            Self::Require | Self::VerifyFull => Check::Full,
        }
    }
}

/// PostgreSQL's address and how to connect to it.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) config: Config,
    mode: Mode,
    roots: Roots,
}

impl Address {
    /// Reads DATABASE_URL and DATABASE_CA_FILE.
    ///
    /// # Errors
    /// With one line that quotes neither user nor password.
    pub(crate) fn read(url: &str, ca_file: Option<&Path>) -> Result<Self, StoreError> {
        let setting = |text: String| StoreError::Setting(format!("DATABASE_URL: {text}"));
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            let text = "it has to begin with postgres://; write postgres://user:password@host:port/database";
            return Err(setting(text.into()));
        }
        let (rest, named) = take_tls_words(url).map_err(setting)?;
        let mut config: Config = rest.parse().map_err(|error| setting(unreadable(&error)))?;
        let file = match (named.root, ca_file) {
            (None, file) => file.map(Path::to_owned),
            (Some(root), None) => Some(root),
            (Some(_), Some(_)) => {
                return Err(setting("sslrootcert and DATABASE_CA_FILE are both set; set one".into()));
            }
        };
        // libpq's word for the system's CAs.
        let roots = Roots::from_file(file.as_deref().filter(|path| *path != Path::new("system")));
        // An operator who names a CA wants certificates to be verified against it.
        let mode = named.mode.unwrap_or(match file {
            Some(_) => Mode::VerifyFull,
            None => Mode::Prefer,
        });
        if file.is_some() && mode.check() == Check::Nothing {
            return Err(setting(format!(
                "sslmode={} verifies nothing, but a CA is named (sslrootcert or DATABASE_CA_FILE); write \
                 sslmode=verify-full",
                mode.word()
            )));
        }
        if mode == Mode::VerifyCa && roots == Roots::System {
            return Err(setting(
                "sslmode=verify-ca needs a CA of your own (sslrootcert or DATABASE_CA_FILE): a CA that the system \
                 trusts gives anybody a certificate for some name; write sslmode=verify-full"
                    .into(),
            ));
        }
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        Ok(Self { config, mode, roots })
    }

    /// The connector for TLS connections.
    ///
    /// # Errors
    /// When the CAs can't be read.
    pub(crate) fn connector(&self) -> Result<MakeRustlsConnect, StoreError> {
        let client = ::tls::client_config(self.mode.check(), &self.roots, Some(ALPN)).map_err(StoreError::Trust)?;
        Ok(MakeRustlsConnect::new(client))
    }

    /// A short description of how a connection is protected.
    pub(crate) fn protection(&self, encrypted: bool) -> &'static str {
        match self.mode.check() {
            _ if !encrypted => "no TLS",
            Check::Full => "TLS verified",
            Check::Issuer => "TLS, its issuer verified",
            Check::Nothing => "TLS not verified",
        }
    }

    /// A warning for an operator about a connection that others on the network could read or change.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        if self.config.get_hosts().iter().all(is_local) {
            return None;
        }
        match self.mode {
            Mode::Disable => Some("the connection to PostgreSQL has no TLS (sslmode=disable)"),
            Mode::Prefer => Some(
                "nothing verifies that the server is PostgreSQL (sslmode=prefer); write sslmode=verify-full into \
                 DATABASE_URL",
            ),
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => None,
        }
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => true,
    }
}

/// Without the values, one of which may be the password.
fn unreadable(error: &tokio_postgres::Error) -> String {
    match error.source().map(ToString::to_string) {
        Some(cause) if cause.starts_with("unknown option") => {
            format!("{cause}; write postgres://user:password@host:port/database?sslmode=verify-full")
        }
        _ => {
            "it can't be read; write postgres://user:password@host:port/database, % and @ in a password as %25 and %40"
                .into()
        }
    }
}

#[derive(Default)]
struct Named {
    mode: Option<Mode>,
    root: Option<PathBuf>,
}

/// Removes `sslmode` and `sslrootcert` from an address.
fn take_tls_words(url: &str) -> Result<(String, Named), String> {
    let mut named = Named::default();
    // A password may contain a question mark.
    let after_credentials = url.find('@').unwrap_or(0);
    let Some(question) = url[after_credentials..].find('?').map(|at| after_credentials + at) else {
        return Ok((url.to_owned(), named));
    };
    let mut kept = Vec::new();
    for pair in url[question + 1..].split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "sslmode" => {
                let words = || {
                    Mode::value_variants()
                        .iter()
                        .map(|mode| mode.word())
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let mode = Mode::from_str(value, false).map_err(|_| format!("sslmode is one of {}", words()))?;
                named.mode = Some(mode);
            }
            "sslrootcert" => {
                let path = percent_decode_str(value).decode_utf8();
                named.root = Some(path.map_err(|_| "sslrootcert is not UTF-8")?.as_ref().into());
            }
            "sslcert" | "sslkey" | "sslpassword" | "sslcrl" | "sslcrldir" => {
                return Err(format!(
                    "{key} is not supported; the server asks for the password instead"
                ));
            }
            _ => kept.push(pair),
        }
    }
    let base = &url[..question];
    let rest = if kept.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", kept.join("&"))
    };
    Ok((rest, named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, ca: Option<&str>) -> Result<Address, String> {
        Address::read(url, ca.map(Path::new)).map_err(|error| error.to_string())
    }

    #[test]
    fn sslmode_and_sslrootcert_are_libpqs_words() {
        let own = Roots::File("/etc/pg ca.pem".into());
        for (url, ca, mode, roots) in [
            ("postgres://u:p@h/d", None, Mode::Prefer, &Roots::System),
            (
                "postgres://u:p@h/d?sslmode=disable",
                None,
                Mode::Disable,
                &Roots::System,
            ),
            (
                "postgres://u:p@h/d?sslmode=require",
                None,
                Mode::Require,
                &Roots::System,
            ),
            (
                "postgresql://u:p@h/d?sslmode=verify-full",
                None,
                Mode::VerifyFull,
                &Roots::System,
            ),
            (
                "postgres://u:p@h/d?sslrootcert=system",
                None,
                Mode::VerifyFull,
                &Roots::System,
            ),
            (
                "postgres://u:p@h/d?sslmode=verify-ca&sslrootcert=%2Fetc%2Fpg%20ca.pem",
                None,
                Mode::VerifyCa,
                &own,
            ),
            ("postgres://u:p@h/d", Some("/etc/pg ca.pem"), Mode::VerifyFull, &own),
            (
                "postgres://u:p?sslmode=x@h/d?application_name=x&sslmode=verify-ca",
                Some("/etc/pg ca.pem"),
                Mode::VerifyCa,
                &own,
            ),
        ] {
            let address = read(url, ca).unwrap();
            assert_eq!((address.mode, &address.roots), (mode, roots), "{url}");
            assert_eq!(address.config.get_dbname(), Some("d"), "{url}");
        }
        let kept = read("postgres://u:p@h/d?application_name=x&sslmode=require&user=v", None).unwrap();
        assert_eq!(
            (kept.config.get_application_name(), kept.config.get_user()),
            (Some("x"), Some("v"))
        );
    }

    #[test]
    fn what_would_not_verify_as_it_seems_to_is_refused_without_the_password() {
        for (url, ca, says) in [
            (
                "postgres://u:hunter2@h/d?sslmode=allow",
                None,
                "disable, prefer, require, verify-ca, verify-full",
            ),
            (
                "postgres://u:hunter2@h/d?sslmode=verify-ca",
                None,
                "needs a CA of your own",
            ),
            (
                "postgres://u:hunter2@h/d?sslmode=disable",
                Some("/ca"),
                "verifies nothing",
            ),
            (
                "postgres://u:hunter2@h/d?sslmode=prefer&sslrootcert=/ca",
                None,
                "verifies nothing",
            ),
            ("postgres://u:hunter2@h/d?sslrootcert=/a", Some("/ca"), "both set"),
            ("postgres://u:hunter2@h/d?sslcert=/a", None, "sslcert is not supported"),
            ("postgres://u:hunter2@h/d?sslsni=1", None, "unknown option"),
            ("postgres://u:hunter2@h:port/d", None, "can't be read"),
            ("host=h user=u password=hunter2", None, "postgres://"),
        ] {
            let error = read(url, ca).unwrap_err();
            assert!(
                error.starts_with("DATABASE_URL: ") && error.contains(says),
                "{url}: {error}"
            );
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn only_a_distant_server_that_is_not_verified_is_warned_of() {
        for local in [
            "postgres://h@127.0.0.1/d",
            "postgres://localhost/d",
            "postgres://%2Fvar%2Frun/d",
        ] {
            assert_eq!(read(local, None).unwrap().warning(), None, "{local}");
        }
        assert!(read("postgres://db.example/d", None).unwrap().warning().is_some());
        let verified = read("postgres://db.example/d?sslmode=require", None).unwrap();
        assert_eq!(verified.warning(), None);
    }
}
