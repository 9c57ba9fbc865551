//! Settings: flags, each with an environment variable of the same name.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use secret::Secret;
use store::DatabaseArgs;
use telemetry::TelemetryArgs;

use crate::cookie::{CookieSecret, Cookies};
use crate::feed::READING;
use crate::rate_limit::RateLimit;
use crate::tcp::TcpLimits;
use crate::zone::{NameServer, Zone, ZoneError, ZoneName};

/// The age at which a TCP connection ends: a resolver that asks on makes another.
const TCP_AGE: Duration = Duration::from_secs(30);

/// Answers for the broker's own DNS zone, to which tenants delegate their challenges. Durations are written as 250ms, 5s, 2m, 7d.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "dns-responder", version)]
pub struct Settings {
    /// Addresses and ports at which questions are answered, by UDP and TCP, with commas; [::]:8053 is for IPv6 and IPv4. Resolvers ask at port 53: map it to this
    /// one, or listen there (which needs the capability NET_BIND_SERVICE).
    #[arg(long, env, default_value = "0.0.0.0:8053", value_delimiter = ',')]
    pub dns_listen: Vec<SocketAddr>,
    /// Address and port of /healthz, /readyz and /metrics, for the operator's tools: they need no password.
    #[arg(long, env, default_value = "0.0.0.0:9090")]
    pub health_listen: SocketAddr,
    /// On SIGTERM, questions are answered for this long, until no more are sent here.
    #[arg(long, env, default_value = "5s")]
    pub shutdown_grace: humantime::Duration,
    /// The zone.
    #[command(flatten)]
    pub zone: ZoneArgs,
    /// What clients may take.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// PostgreSQL.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// The zone.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Zone")]
pub struct ZoneArgs {
    /// The broker's own zone, such as acme.platform.example: the same as certificate-issuer's.
    #[arg(long, env)]
    pub delegation_zone: ZoneName,
    /// The zone's name servers, as in the NS records of the zone above it, with commas; each that is in the zone with its address, such
    /// as ns1.acme.platform.example=192.0.2.1 (several: repeat it). The first is in the SOA record.
    #[arg(long, env, required = true, value_delimiter = ',')]
    pub name_servers: Vec<NameServer>,
    /// How long resolvers may remember a value, or that there is none, from 1s to 1m.
    #[arg(long, env, default_value = "5s", value_parser = remembered)]
    pub answer_ttl: humantime::Duration,
    /// How often the zone is read from PostgreSQL even if no change is notified. Once that has failed, or takes over 3s, a name or value that is
    /// not known is answered with SERVFAIL until it is read again, so that resolvers ask another server.
    #[arg(long, env, default_value = "5s", value_parser = interval)]
    pub zone_read_interval: humantime::Duration,
}

/// What clients may take.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// The most answers a second by UDP to one network (/24 or /56) for each class of answer, after a burst of as many; of the rest
    /// every second is replaced by a short one that leads to TCP. 0: no limit. A client with a DNS cookie has none.
    #[arg(long, env, default_value_t = 200)]
    pub answer_rate_limit: u32,
    #[command(flatten)]
    cookie_secret: Secret<CookieSecret>,
    /// The most TCP connections in all.
    #[arg(long, env, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub tcp_connections: u32,
    /// The most TCP connections of one network (/24 or /56). Each ends after 30s, and the question that it is at.
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub tcp_connections_per_network: u32,
    /// How long a TCP connection may wait for a whole question; a fifth of it once half of the connections are in use.
    #[arg(long, env, default_value = "10s", value_parser = interval)]
    pub tcp_idle: humantime::Duration,
}

fn remembered(text: &str) -> Result<humantime::Duration, String> {
    let ttl: humantime::Duration = text.parse().map_err(|error| format!("{error}: write 5s"))?;
    match (ttl.subsec_nanos(), ttl.as_secs()) {
        (0, 1..=60) => Ok(ttl),
        _ => Err("whole seconds from 1s to 1m".to_owned()),
    }
}

fn interval(text: &str) -> Result<humantime::Duration, String> {
    let interval: humantime::Duration = text.parse().map_err(|error| format!("{error}: write 5s"))?;
    if *interval < Duration::from_millis(100) {
        return Err("at least 100ms".to_owned());
    }
    Ok(interval)
}

impl ZoneArgs {
    /// The zone.
    ///
    /// # Errors
    /// When the name servers don't fit to it.
    pub fn zone(&self) -> Result<Zone, ZoneError> {
        let ttl = u32::try_from(self.answer_ttl.as_secs()).unwrap_or(u32::MAX);
        Zone::new(self.delegation_zone.0.clone(), &self.name_servers, ttl)
    }

    /// After which time what was read counts as old, even if no reading has failed yet.
    pub fn old_after(&self) -> Duration {
        *self.zone_read_interval + READING
    }
}

impl LimitArgs {
    /// DNS cookies, if there is a secret.
    ///
    /// # Errors
    /// When it is none.
    pub fn cookies(&self) -> Result<Option<Cookies>, &'static str> {
        Cookies::new(self.cookie_secret.expose())
    }

    /// The limit of answers by UDP.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        NonZeroU32::new(self.answer_rate_limit).map(RateLimit::new)
    }

    /// The limits of connections.
    pub fn tcp(&self) -> TcpLimits {
        let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
        TcpLimits {
            connections: number(self.tcp_connections),
            of_one_network: number(self.tcp_connections_per_network),
            idle: self.tcp_idle.into(),
            age: TCP_AGE,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    const LEAST: [&str; 3] = [
        "dns-responder",
        "--delegation-zone=Acme.Platform.Example.",
        "--name-servers=ns1.acme.platform.example=192.0.2.1,ns2.other.example",
    ];

    fn parse(more: &[&str]) -> Result<Settings, clap::Error> {
        let folder = dns_servers::Folder::new("dns-responder-settings-");
        let url = folder.write("url", "postgres://reader:s3cret@localhost/x");
        let url = format!("--database-url-file={url}");
        Settings::try_parse_from(LEAST.iter().copied().chain([url.as_str()]).chain(more.iter().copied()))
    }

    #[test]
    fn the_least_settings_are_enough() {
        let settings = parse(&[]).unwrap();
        assert_eq!(settings.zone.delegation_zone.to_string(), "acme.platform.example");
        assert_eq!(settings.zone.zone().unwrap().servers().len(), 2);
        assert!(settings.limits.cookies().unwrap().is_none());
        assert!(settings.limits.rate_limit().is_some());
        assert!(!format!("{settings:?}").contains("s3cret"));
        let unlimited = parse(&["--answer-rate-limit=0"]).unwrap();
        assert!(unlimited.limits.rate_limit().is_none());
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
            ("--answer-ttl=0s", "from 1s to 1m"),
            ("--answer-ttl=2m", "from 1s to 1m"),
            ("--answer-ttl=1500ms", "whole seconds"),
            ("--zone-read-interval=1ms", "at least 100ms"),
            ("--name-servers=ns1.example=none", "no IP address"),
            ("--dns-listen=53", "invalid socket address"),
            ("--tcp-connections=0", "1.."),
        ] {
            let error = parse(&[flag]).unwrap_err().to_string();
            assert!(error.contains(says), "{flag}: {error}");
        }
    }
}
