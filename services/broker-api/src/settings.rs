//! Settings: flags, each with an environment variable of the same name.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use messaging::AmqpArgs;
use notices::{NoticeKeysArgs, NoticeKeysError};
use page_keys::PageArgs;
use parameters::host_name;
use pipeline::Schedules;
use store::DatabaseArgs;
use telemetry::TelemetryArgs;
use worker::{ProfileArgs, ResponderArgs};

use crate::catalog::settings::CatalogArgs;
use crate::http::Limits;
use crate::operator::OperatorArgs;
use crate::page::limit::PageLimit;
use crate::page::sign_in::{SignIn, SignInArgs};
use crate::platforms::PlatformArgs;
use crate::unproved::Unproved;

/// The Open Service Broker API and the HTTP-01 responder. Durations are written as 250ms, 5s, 2m, 7d.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "broker-api", version)]
pub struct Settings {
    /// Address and port of the public endpoints for the platform and CAs: /v2, /acme, /openapi.json, /healthz; for browsers,
    /// with PAGES_URL: /i, /assets, where users sign in /s, /sign-in, and with NOTICE_KEYS: /notify.
    /// Unset: $PORT, or else 8080, on every address.
    #[arg(long, env, default_value_t = worker::listen(8080), hide_default_value = true)]
    pub listen: SocketAddr,
    /// Address and port of /healthz, /readyz and /metrics, for the operator's tools: they need no password.
    #[arg(long, env, default_value = "0.0.0.0:9090")]
    pub health_listen: SocketAddr,
    /// On SIGTERM, requests in progress have this long to finish; then they are aborted.
    #[arg(long, env, default_value = "20s")]
    pub shutdown_grace: humantime::Duration,
    /// How often the gauges of steps, operations and certificates in /metrics are read from the database; at most 2m,
    /// since the alert on old ones comes after 5.
    #[arg(long, env, default_value = "15s", value_parser = at_most_two_minutes)]
    pub metrics_interval: Duration,
    /// Certificates are counted for /metrics, by one broker-api for all, when their last count is older than this; at
    /// most 1m, since the alert on old figures comes after 5. 0s: at each METRICS_INTERVAL.
    #[arg(long, env, default_value = "1m", value_parser = at_most_a_minute)]
    pub certificate_count_interval: Duration,
    /// What the API says and asks.
    #[command(flatten)]
    pub broker: BrokerArgs,
    /// The operator's page.
    #[command(flatten)]
    pub operator: OperatorArgs,
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

impl Settings {
    /// Checks constraints between several settings.
    ///
    /// # Errors
    /// With one line that names the setting.
    pub fn check(&self) -> anyhow::Result<()> {
        self.broker.platforms.check()?;
        SignIn::of(&self.broker)?;
        let has_pages = self.broker.pages.links()?.is_some();
        if self.broker.notices.keys()?.is_some() && !has_pages {
            return Err(NoticeKeysError::NoAddress.into());
        }
        self.operator.check(self.broker.pages.keys()?.is_some())?;
        self.broker.catalog.check()
    }
}

/// What the API says and asks.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Broker")]
pub struct BrokerArgs {
    /// Who may use it.
    #[command(flatten)]
    pub platforms: PlatformArgs,
    /// Host name of the origin when a user names none, usually the platform's router (the Host header is then
    /// forwarded to it); empty: users have to name one.
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub default_origin: DefaultOrigin,
    /// What is offered.
    #[command(flatten)]
    pub catalog: CatalogArgs,
    /// How soon the platform should ask again while the broker works on an operation, such as 30s (a bare number:
    /// seconds); while only the user's DNS is waited for, up to 5m. Cloud Controller makes less than its own interval
    /// (60s by default) that interval.
    #[arg(long, env, default_value = "30s", value_parser = seconds)]
    pub retry_after: Duration,
    /// Where its http-01 responder is reached.
    #[command(flatten)]
    pub responder: ResponderArgs,
    /// The CA's certificate profile.
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// What one client may take.
    #[command(flatten)]
    pub limits: Limits,
    /// What one organization may ask for without a proof.
    #[command(flatten)]
    pub unproved: Unproved,
    /// Where status pages are, and who may see them.
    #[command(flatten)]
    pub pages: PageArgs,
    /// How often one client may ask for them.
    #[command(flatten)]
    pub page_limit: PageLimit,
    /// How long a sign-in to them lasts.
    #[command(flatten)]
    pub sign_in: SignInArgs,
    /// What seals the addresses of those who are told by mail.
    #[command(flatten)]
    pub notices: NoticeKeysArgs,
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

fn at_most_two_minutes(text: &str) -> Result<Duration, String> {
    seconds(text).and_then(|duration| match duration.as_secs() {
        ..=120 => Ok(duration),
        _ => Err("from 1s to 2m".into()),
    })
}

fn at_most_a_minute(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text).map_err(|error| error.to_string())? {
        duration if duration <= Duration::from_secs(60) => Ok(duration),
        _ => Err("from 0s to 1m".into()),
    }
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
        assert_eq!(settings.broker.platforms.broker_password.expose(), "p4ssw0rd");
        assert_eq!(
            settings.broker.responder.acme_responder_url.to_string(),
            "https://broker.example.com"
        );
        assert_eq!(settings.broker.default_origin.0, None);
        assert_eq!(settings.broker.retry_after, Duration::from_secs(30));
        assert!(!format!("{settings:?}").contains("p4ssw0rd"));
        settings.check().unwrap();
    }

    #[test]
    fn a_previous_user_needs_a_previous_password() {
        let mut broker = parse(&LEAST).unwrap().broker.platforms;
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
    fn status_pages_need_keys() {
        let mut line = LEAST.to_vec();
        line.push("--pages-url=https://broker.example.com");
        let refused = parse(&line).unwrap().check().unwrap_err().to_string();
        assert!(refused.contains("neither PAGE_KEYS nor PAGE_KEYS_FILE is"), "{refused}");
    }

    #[test]
    fn notices_need_an_address_for_their_links() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::write(&keys, "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap();
        let (notice_keys, page_keys) = (
            format!("--notice-keys-file={}", keys.display()),
            format!("--page-keys-file={}", keys.display()),
        );
        let checked = |more: &[&str]| parse(&[&LEAST[..], more].concat()).unwrap().check();
        let refused = checked(&[&notice_keys]).unwrap_err().to_string();
        assert!(
            refused.contains("NOTICE_KEYS is set, and PAGES_URL is not"),
            "{refused}"
        );
        checked(&[&notice_keys, &page_keys, "--pages-url=https://broker.example.com"]).unwrap();
    }

    #[test]
    fn an_operators_page_needs_persons_and_keys() {
        let folder = tempfile::tempdir().unwrap();
        let (people, keys) = (folder.path().join("operators.json"), folder.path().join("keys"));
        std::fs::write(
            &people,
            r#"{"operators": [{"name": "alice", "password": "correct-horse-battery"}]}"#,
        )
        .unwrap();
        std::fs::write(&keys, "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap();
        let (people, keys) = (
            format!("--operator-credentials-file={}", people.display()),
            format!("--page-keys-file={}", keys.display()),
        );
        let checked = |more: &[&str]| parse(&[&LEAST[..], more].concat()).unwrap().check();
        checked(&[&people]).unwrap();
        checked(&["--operator-listen="]).unwrap();
        checked(&["--operator-listen=127.0.0.1:0", &people, &keys]).unwrap();
        let refused = checked(&["--operator-listen=127.0.0.1:0", &keys])
            .unwrap_err()
            .to_string();
        assert!(refused.contains("OPERATOR_CREDENTIALS_FILE is not"), "{refused}");
        let refused = checked(&["--operator-listen=127.0.0.1:0", &people])
            .unwrap_err()
            .to_string();
        assert!(refused.contains("neither PAGE_KEYS nor PAGE_KEYS_FILE is"), "{refused}");
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
            ("--certificate-count-interval=61s", "from 0s to 1m"),
            ("--pages-url=broker.example.com", "https:// is expected"),
            ("--page-link-lifetime=1d", "from 2d to 3650d"),
            ("--operator-listen=8081", "such as 0.0.0.0:8081"),
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
