//! The prober's settings: which servers it queries, how long it waits, which addresses it may connect to.

use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

/// How domains are probed. Every flag has an environment variable of the same name.
#[derive(Debug, Clone, clap::Args)]
pub struct ProbeSettings {
    /// The one DNS server to ask (`host:port`); empty: every zone's own authoritative servers, so that no cache lies.
    #[arg(long, env = "DNS_RESOLVER", default_value = "", hide_default_value = true)]
    pub dns_resolver: DnsServer,

    /// The resolver that finds a zone's servers and a web server's addresses (`host:port`) when DNS_RESOLVER is empty;
    /// empty: those of /etc/resolv.conf.
    #[arg(long, env = "DNS_WALK_RESOLVER", default_value = "", hide_default_value = true)]
    pub dns_walk_resolver: DnsServer,

    /// How long one DNS server may take for one answer (such as `5s`, `250ms`).
    #[arg(long, env = "DNS_TIMEOUT", default_value = "5s", value_parser = time_limit)]
    pub dns_timeout: Duration,

    /// How many times one DNS server is asked when it doesn't answer; after the first time without EDNS, and by UDP and
    /// TCP at once.
    #[arg(long, env = "DNS_ATTEMPTS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub dns_attempts: u32,

    /// The port at which authoritative servers are asked. Only tests have a reason to change it.
    #[arg(long, env = "DNS_AUTHORITATIVE_PORT", default_value_t = 53)]
    pub dns_authoritative_port: u16,

    /// The port of http:// addresses. A CA connects to 80; only its test stand-ins use another.
    #[arg(long, env = "HTTP01_PORT", default_value_t = 80)]
    pub http01_port: u16,

    /// The port of https:// addresses that a redirect leads to. A CA connects to 443; only its test stand-ins use another.
    #[arg(long, env = "HTTP01_TLS_PORT", default_value_t = 443)]
    pub http01_tls_port: u16,

    /// How long the HTTP way may take, names and redirects included.
    #[arg(long, env = "HTTP_TIMEOUT", default_value = "10s", value_parser = time_limit)]
    pub http_timeout: Duration,

    /// Whether private and loopback addresses may be connected to (never link-local, metadata or multicast addresses).
    #[arg(long, env = "ALLOW_PRIVATE_ADDRESSES", default_value_t = false, action = clap::ArgAction::Set)]
    pub allow_private_addresses: bool,

    /// Whether a domain whose CAA records forbid the CA to issue waits for them to be changed, so that the CA need not
    /// refuse. Where they can't be looked up, or the CA's directory doesn't list its CAA names, nothing waits.
    #[arg(long, env = "CAA_CHECK", default_value_t = true, action = clap::ArgAction::Set)]
    pub caa_check: bool,

    /// Whether a record that the zone's own servers have, but for which the resolver answers SERVFAIL, waits until that is
    /// fixed: broken DNSSEC or a broken delegation, for which a CA refuses. Needs a resolver that validates DNSSEC
    /// (`doctor` says whether it does); without effect with DNS_RESOLVER.
    #[arg(long, env = "RESOLVER_CHECK", default_value_t = true, action = clap::ArgAction::Set)]
    pub resolver_check: bool,

    /// How long a probe of all three ways may take in all.
    #[arg(long, env = "PROBE_TIMEOUT", default_value = "30s", value_parser = time_limit)]
    pub probe_timeout: Duration,
}

fn time_limit(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("a time limit can't be zero".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

/// A DNS server as `host:port`, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsServer(pub Option<String>);

impl FromStr for DnsServer {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let text = text.trim();
        Ok(Self((!text.is_empty()).then(|| text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        probe: ProbeSettings,
    }

    #[test]
    fn defaults_are_those_of_a_ca() {
        let probe = Line::parse_from(["verifier"]).probe;
        assert_eq!(probe.dns_resolver, DnsServer(None));
        assert_eq!((probe.http01_port, probe.http01_tls_port), (80, 443));
        assert_eq!(probe.dns_timeout, Duration::from_secs(5));
        assert!(!probe.allow_private_addresses);
        assert!(probe.caa_check && probe.resolver_check);
    }

    #[test]
    fn values_are_checked() {
        let line = [
            "verifier",
            "--dns-resolver",
            "127.0.0.1:8053",
            "--dns-timeout",
            "250ms",
            "--allow-private-addresses",
            "true",
            "--caa-check",
            "false",
        ];
        let probe = Line::parse_from(line).probe;
        assert_eq!(probe.dns_resolver, DnsServer(Some("127.0.0.1:8053".into())));
        assert_eq!(probe.dns_timeout, Duration::from_millis(250));
        assert!(probe.allow_private_addresses);
        assert!(!probe.caa_check);
        assert!(Line::try_parse_from(["verifier", "--dns-timeout", "0s"]).is_err());
        assert!(Line::try_parse_from(["verifier", "--dns-attempts", "0"]).is_err());
    }
}
