//! The external dependencies of this service, checked by calls that change nothing.

mod delegation;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use challenge_verifier::ProbeSettings;
use challenge_verifier::dns::{Dns, DnsProblem, Egress};
use doctor::{Check, Finding};
use probe::address;
use store::SharedSettings;
use tokio::net::TcpStream;
use tokio::time::timeout;
use worker::WorkerArgs;

/// The domain whose name servers are queried, unless `--name` names another: reserved for such uses (RFC 2606), and
/// served to everyone.
pub(crate) const NAME: &str = "example.com";

const DNS: &str = "DNS";
const HTTP: &str = "HTTP";
const CONNECTING: Duration = Duration::from_secs(5);
/// Resolver, then servers, each with the time limits of the settings.
const LIMIT: Duration = Duration::from_secs(20);

/// The checks, in the order of the report.
pub(crate) fn checks(worker: &WorkerArgs, shared: &SharedSettings, probe: &ProbeSettings, name: &str) -> Vec<Check> {
    let (dns, http) = (probe.clone(), probe.clone());
    let (name, host) = (name.to_owned(), name.to_owned());
    vec![
        store::check_database(&worker.database, "challenge-verifier"),
        store::check_shared_settings(&worker.database, Some(shared)),
        messaging::check_rabbitmq(&worker.amqp, "challenge-verifier"),
        Check::several(DNS, async move { ask(&dns, &name).await }).within(LIMIT),
        delegation::check(&worker.database, probe),
        Check::one(HTTP, async move { connect(&http, &host).await }).within(LIMIT),
    ]
}

async fn ask(settings: &ProbeSettings, name: &str) -> Vec<Finding> {
    let dns = match Dns::new(settings) {
        Ok(dns) => dns,
        Err(error) => {
            let to_do = "fix /etc/resolv.conf, or set DNS_WALK_RESOLVER";
            return vec![Finding::fail(
                DNS,
                format!("the resolver's configuration can't be read: {error}"),
                to_do,
            )];
        }
    };
    let (egress, resolver) = tokio::join!(dns.egress(name), validates(&dns, settings));
    let mut findings = told(egress, name);
    findings.extend(resolver);
    findings
}

/// Whether broken DNSSEC would be detected: the root zone is signed (RFC 4035 §3.2.3, the AD bit).
async fn validates(dns: &Dns, settings: &ProbeSettings) -> Option<Finding> {
    if dns.is_fixed() || !settings.resolver_check {
        return None;
    }
    Some(match dns.resolver_validates(".").await {
        Ok((resolver, true)) => Finding::ok(DNS, format!("the resolver {resolver} checks DNSSEC")),
        Ok((resolver, false)) => Finding::warn(
            DNS,
            format!(
                "the resolver {resolver} doesn't check DNSSEC: a zone where it is broken passes here and fails at the CA"
            ),
            "set DNS_WALK_RESOLVER to a resolver that checks it",
        ),
        Err(problem) => Finding::warn(
            DNS,
            format!("whether the resolver checks DNSSEC is not known: {problem}"),
            "check the resolver (/etc/resolv.conf or DNS_WALK_RESOLVER)",
        ),
    })
}

fn told(egress: Result<Egress, DnsProblem>, name: &str) -> Vec<Finding> {
    match egress {
        Ok(Egress { udp, tcp }) => [("UDP", udp), ("TCP", tcp)]
            .into_iter()
            .map(|(transport, result)| match result {
                Ok(server) => Finding::ok(DNS, format!("{server}, asked about {name}, answers by {transport}")),
                Err(problem) => Finding::fail(
                    DNS,
                    format!("by {transport}, asked about {name}: {problem}"),
                    format!("allow {transport} from this network to port 53 of any address"),
                ),
            })
            .collect(),
        Err(problem) => vec![Finding::fail(
            DNS,
            format!("the name servers of {name} can't be found: {problem}"),
            "check the resolver (/etc/resolv.conf or DNS_WALK_RESOLVER), or name a domain that it knows: doctor --name",
        )],
    }
}

/// Where outgoing http-01 requests are tested: any address, port 80.
async fn connect(settings: &ProbeSettings, host: &str) -> Finding {
    let found = match Dns::new(settings) {
        Ok(dns) => dns.addresses(host).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let allowed: Vec<IpAddr> = found
        .into_iter()
        .filter(|&found| address::allowed(found, settings.allow_private_addresses))
        .collect();
    if allowed.is_empty() {
        return Finding::skip(
            HTTP,
            format!("not tried: {host} has no address that may be connected to"),
        );
    }
    let mut why = String::new();
    for ip in allowed {
        let to = SocketAddr::new(ip, settings.http01_port);
        match timeout(CONNECTING, TcpStream::connect(to)).await {
            Ok(Ok(_)) => return Finding::ok(HTTP, format!("{host} ({to}) can be connected to")),
            Ok(Err(error)) => why = format!("{to}: {}", error.kind()),
            Err(_elapsed) => why = format!("{to}: no answer within {CONNECTING:?}"),
        }
    }
    Finding::warn(
        HTTP,
        format!("{host} can't be connected to ({why})"),
        "allow TCP from this network to ports 80 and 443 of any address; without it no http-01 file is ever seen",
    )
}
