//! Settings: flags, each with an environment variable of the same name.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Uri;
use messaging::AmqpArgs;
use parameters::host_name;
use pipeline::Schedules;
use secret::Secret;
use store::DatabaseArgs;
use telemetry::TelemetryArgs;

use crate::catalog::file::CatalogFile;
use crate::limits::Limits;
use crate::platforms::CredentialsFile;
use crate::unproved::Unproved;

/// The Open Service Broker API and the HTTP-01 responder. Durations are written as 250ms, 5s, 2m, 7d.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "broker-api", version)]
pub struct Settings {
    /// Where the platform, CAs and everybody else are served: /v2, /acme, /openapi.json, /healthz; an address and a port. Unset: $PORT,
    /// or else 8080, of every address.
    #[arg(long, env, default_value_t = worker::listen(8080), hide_default_value = true)]
    pub listen: SocketAddr,
    /// Where /healthz, /readyz and /metrics are served, for the operator's own tools: no password guards them.
    #[arg(long, env, default_value = "0.0.0.0:9090")]
    pub health_listen: SocketAddr,
    /// On SIGTERM, requests in hand may finish for this long; then they are broken off.
    #[arg(long, env, default_value = "20s")]
    pub shutdown_grace: humantime::Duration,
    /// How often the gauges of steps, operations and certificates in /metrics are read from the database; at most 2m, since the
    /// alert on old ones comes after 5.
    #[arg(long, env, default_value = "15s", value_parser = at_most_two_minutes)]
    pub metrics_interval: Duration,
    /// What the API says and asks.
    #[command(flatten)]
    pub broker: BrokerArgs,
    /// PostgreSQL.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// RabbitMQ.
    #[command(flatten)]
    pub amqp: AmqpArgs,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    /// Schedules.
    #[command(flatten)]
    pub schedules: Schedules,
}

secret::setting!(
    pub BrokerPassword,
    "broker-password",
    "BROKER_PASSWORD",
    optional,
    "Password that the platform has to give; with BROKER_CREDENTIALS_FILE: none."
);
secret::setting!(
    pub BrokerPasswordPrevious,
    "broker-password-previous",
    "BROKER_PASSWORD_PREVIOUS",
    optional,
    "Password that is taken as well, until the platform has been told the new one; unset: none."
);

/// What the API says and asks.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Broker")]
pub struct BrokerArgs {
    /// User name that the platform has to give (HTTP basic authentication); without a colon.
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub broker_username: String,
    /// Password that the platform has to give.
    #[command(flatten)]
    pub broker_password: Secret<BrokerPassword>,
    /// User name that is taken together with BROKER_PASSWORD_PREVIOUS; unset: BROKER_USERNAME.
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub broker_username_previous: String,
    /// Password that is taken as well while the platform still has it.
    #[command(flatten)]
    pub broker_password_previous: Secret<BrokerPasswordPrevious>,
    /// A JSON file of several platforms with a user name and password each, instead of BROKER_USERNAME and
    /// BROKER_PASSWORD; see docs/operators/regions.md.
    #[arg(long, env, default_value = "", hide_default_value = true, value_name = "FILE")]
    pub broker_credentials_file: CredentialsFile,
    /// Public address of this broker, as users' redirects for http-01 lead there: such as http://broker.example.com.
    #[arg(long, env)]
    pub acme_responder_url: ResponderUrl,
    /// Host name of the origin when a user names none, usually the platform's router (the Host header is then
    /// forwarded to it); empty: users have to name one.
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub default_origin: DefaultOrigin,
    /// The CA's certificate profile, the same as certificate-issuer has: certificates of tlsserver and shortlived hold at most 25
    /// names.
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub acme_profile: String,
    /// A JSON file of the catalog: the service and its plans with their texts, prices and versions, as in
    /// docs/catalog.example.json. Without it: one plan, by the four settings below, which are not looked at with it.
    #[arg(long, env, default_value = "", hide_default_value = true, value_name = "FILE")]
    pub catalog_file: CatalogFile,
    /// Catalog id of the service; never change it once instances exist.
    #[arg(long, env, default_value = "6f2b1a52-7c6a-4b0e-9d0c-3a4d3c1c5e01")]
    pub service_id: CatalogId,
    /// Catalog id of the plan; never change it once instances exist.
    #[arg(long, env, default_value = "b0c7b3a4-0c3e-4f55-8a2e-5d1f6c2f9e02")]
    pub plan_id: CatalogId,
    /// Catalog name of the service.
    #[arg(long, env, default_value = "cdn-route")]
    pub service_name: CatalogId,
    /// Catalog name of the plan.
    #[arg(long, env, default_value = "cdn")]
    pub plan_name: CatalogId,
    /// How soon the platform should ask again while the broker works on an operation, such as 30s (a bare number:
    /// seconds); while only the user's DNS is waited for, up to 5m. Cloud Controller makes less than its own interval
    /// (60s by default) that interval.
    #[arg(long, env, default_value = "30s", value_parser = seconds)]
    pub retry_after: Duration,
    /// What one client may take.
    #[command(flatten)]
    pub limits: Limits,
    /// What one organization may ask for without a proof.
    #[command(flatten)]
    pub unproved: Unproved,
}

impl BrokerArgs {
    /// Checks what no single setting can tell.
    ///
    /// # Errors
    /// With one line that names the setting.
    pub fn check(&self) -> anyhow::Result<()> {
        self.check_credentials()?;
        anyhow::ensure!(
            self.service_id != self.plan_id,
            "SERVICE_ID and PLAN_ID: they can't be the same"
        );
        Ok(())
    }

    fn check_credentials(&self) -> anyhow::Result<()> {
        if self.broker_credentials_file.0.is_some() {
            // A forgotten one would go on opening the door.
            for (name, value) in [
                ("BROKER_USERNAME", self.broker_username.as_str()),
                ("BROKER_PASSWORD", self.broker_password.expose()),
                ("BROKER_USERNAME_PREVIOUS", self.broker_username_previous.as_str()),
                ("BROKER_PASSWORD_PREVIOUS", self.broker_password_previous.expose()),
            ] {
                anyhow::ensure!(
                    value.is_empty(),
                    "{name} and BROKER_CREDENTIALS_FILE are both set; move it into the file"
                );
            }
            return Ok(());
        }
        anyhow::ensure!(
            !self.broker_username.is_empty() && !self.broker_username.contains(':'),
            "BROKER_USERNAME: it can't be empty or have a colon in it (RFC 7617 §2); for several platforms set \
             BROKER_CREDENTIALS_FILE instead"
        );
        anyhow::ensure!(
            !self.broker_password.expose().is_empty(),
            "neither BROKER_PASSWORD nor BROKER_PASSWORD_FILE is set"
        );
        anyhow::ensure!(
            !self.broker_username_previous.contains(':'),
            "BROKER_USERNAME_PREVIOUS: it can't have a colon in it (RFC 7617 §2)"
        );
        anyhow::ensure!(
            self.broker_username_previous.is_empty() || !self.broker_password_previous.expose().is_empty(),
            "BROKER_USERNAME_PREVIOUS is set, but BROKER_PASSWORD_PREVIOUS is not; set both or neither"
        );
        Ok(())
    }
}

/// An absolute http or https address without query, kept without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponderUrl(pub String);

impl FromStr for ResponderUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('/');
        let right = text.parse::<Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri
                    .authority()
                    .is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'))
                && uri.query().is_none()
        });
        if right {
            Ok(Self(text.to_string()))
        } else {
            Err("write an address such as http://broker.example.com, without user or query".into())
        }
    }
}

/// The host name of the default origin, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultOrigin(pub Option<String>);

impl FromStr for DefaultOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Ok(Self(None)),
            name => host_name(name).map(|name| Self(Some(name))),
        }
    }
}

/// A name or id in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogId(pub String);

impl FromStr for CatalogId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !text.is_empty() && text.len() <= 255 && text.chars().all(allowed) {
            Ok(Self(text.to_string()))
        } else {
            Err("1 to 255 letters, digits, hyphens, dots and underscores, since users type it".into())
        }
    }
}

fn at_most_two_minutes(text: &str) -> Result<Duration, String> {
    seconds(text).and_then(|duration| match duration.as_secs() {
        ..=120 => Ok(duration),
        _ => Err("from 1s to 2m".into()),
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let duration = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string())?,
    };
    if duration.as_secs() < 1 || duration.as_secs() > 86_400 {
        return Err("from 1s to 1d".into());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    const LEAST: [&str; 6] = [
        "broker-api",
        "--broker-username=u",
        "--acme-responder-url=https://broker.example.com/",
        "--default-origin=",
        "--retry-after=30",
        "--listen=127.0.0.1:0",
    ];

    /// Secrets come from files here, since a test must not change its own environment.
    fn parse(line: &[&str]) -> Result<Settings, clap::Error> {
        let folder = tempfile::tempdir().unwrap();
        let secret = |flag: &str, value: &str| {
            let path = folder.path().join(flag);
            std::fs::write(&path, format!("{value}\n")).unwrap();
            format!("--{flag}-file={}", path.display())
        };
        let secrets = [
            secret("broker-password", "p4ssw0rd"),
            secret("database-url", "postgres://localhost/x"),
            secret("amqp-url", "amqp://localhost"),
        ];
        Settings::try_parse_from(line.iter().copied().chain(secrets.iter().map(String::as_str)))
    }

    #[test]
    fn the_least_settings_are_enough_and_the_secret_does_not_print() {
        let settings = parse(&LEAST).unwrap();
        assert_eq!(settings.broker.broker_password.expose(), "p4ssw0rd");
        assert_eq!(settings.broker.acme_responder_url.0, "https://broker.example.com");
        assert_eq!(settings.broker.default_origin.0, None);
        assert_eq!(settings.broker.retry_after, Duration::from_secs(30));
        assert!(!format!("{settings:?}").contains("p4ssw0rd"));
        settings.broker.check().unwrap();
    }

    #[test]
    fn a_previous_user_needs_a_previous_password() {
        let mut broker = parse(&LEAST).unwrap().broker;
        broker.broker_username_previous = "old".into();
        assert!(
            broker
                .check()
                .unwrap_err()
                .to_string()
                .contains("BROKER_PASSWORD_PREVIOUS is not")
        );
        broker.broker_password_previous = "older".into();
        broker.check().unwrap();
        broker.broker_username_previous = "a:b".into();
        assert!(broker.check().is_err());
    }

    #[test]
    fn every_setting_has_a_help_text_and_a_variable() {
        for argument in Settings::command().get_arguments() {
            let name = argument.get_id().as_str();
            assert!(argument.get_help().is_some(), "{name} has no help");
            let variable = argument.get_env().expect(name);
            assert_eq!(variable.to_str(), Some(name.to_uppercase().as_str()));
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for (flag, says) in [
            ("--acme-responder-url=broker.example.com", "http://broker"),
            ("--acme-responder-url=ftp://b.example.com", "http://broker"),
            ("--default-origin=https://router.example.com", "scheme"),
            ("--service-name=my cdn", "letters, digits"),
            ("--retry-after=0", "from 1s to 1d"),
            ("--retry-after=soon", "number"),
            ("--metrics-interval=0s", "from 1s to 1d"),
        ] {
            let mut line: Vec<&str> = LEAST.to_vec();
            let name = flag.split('=').next().unwrap();
            line.retain(|one| !one.starts_with(name));
            line.push(flag);
            let error = parse(&line).unwrap_err().to_string();
            assert!(error.contains(says), "{flag}: {error}");
        }
    }
}
