//! The external dependencies of this service, checked by calls that change nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ::doctor::{Check, Finding, reached_at};
use challenge_verifier::dns::Dns;
use challenge_verifier::{ProbeSettings, judge_zone};
use clap::Parser as _;
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use store::{DatabaseArgs, StoreError, ZoneFeed};
use telemetry::with_causes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::settings::Settings;

const DATABASE: &str = "PostgreSQL";
const LISTENING: &str = "DNS";
const DELEGATION: &str = "DNS delegation";
const PAGE: &str = "docs/operators/delegation-responder.md";
/// For an answer of this machine's own.
const PATIENCE: Duration = Duration::from_secs(2);
/// Resolver, then servers, each with their time limits.
const LIMIT: Duration = Duration::from_secs(20);

/// The checks, in the order of the report.
pub fn checks(settings: &Settings) -> Vec<Check> {
    let (database, zone) = (settings.database.clone(), settings.zone.delegation_zone.to_string());
    let (listen, apex) = (settings.dns_listen.clone(), settings.zone.delegation_zone.0.clone());
    let ours: Vec<String> = settings
        .zone
        .name_servers
        .iter()
        .map(|server| text(&server.name))
        .collect();
    let delegated = zone.clone();
    vec![
        Check::one(DATABASE, async move { reads(&database, &zone).await }),
        Check::several(LISTENING, async move { answers(&listen, &apex).await }),
        Check::several(DELEGATION, async move { delegation(&delegated, &ours).await }).within(LIMIT),
    ]
}

fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_owned()
}

async fn reads(database: &DatabaseArgs, zone: &str) -> Finding {
    let served = async {
        ZoneFeed::connect(database, "dns-responder doctor")
            .await?
            .served(zone)
            .await
    };
    match served.await {
        Ok(served) if served.names.is_empty() => Finding::warn(
            DATABASE,
            format!("no domain has a name in {zone} yet"),
            "check that DELEGATION_ZONE is the same as certificate-issuer's; the first order makes one",
        ),
        Ok(served) => {
            let values: usize = served.names.iter().map(|name| name.values.len()).sum();
            let names = served.names.len();
            Finding::ok(
                DATABASE,
                format!("{zone} has {names} names and {values} values at the moment"),
            )
        }
        Err(StoreError::NotMigrated) => Finding::warn(
            DATABASE,
            "the tables are not there yet",
            "start the other services: the first one creates them",
        ),
        Err(error) if error.is_refused() => Finding::fail(
            DATABASE,
            with_causes(&error),
            format!("give the user in DATABASE_URL the right to read the tables ({PAGE})"),
        ),
        Err(error) => Finding::fail(
            DATABASE,
            with_causes(&error),
            "check that it runs, and that DATABASE_URL is right",
        ),
    }
}

/// Whether this service answers on this machine. It may not be running: then nothing can be said.
async fn answers(listen: &[SocketAddr], apex: &Name) -> Vec<Finding> {
    let mut findings = Vec::new();
    for address in listen {
        let to = reached_at(*address);
        let (udp, tcp) = tokio::join!(timeout(PATIENCE, by_udp(to, apex)), timeout(PATIENCE, by_tcp(to, apex)));
        let heard = |asked: Result<std::io::Result<Heard>, _>| asked.ok().and_then(Result::ok);
        findings.push(heard_at(*address, heard(udp), heard(tcp)));
    }
    findings
}

fn heard_at(address: SocketAddr, udp: Option<Heard>, tcp: Option<Heard>) -> Finding {
    match (udp, tcp) {
        (Some(Heard::Zone), Some(Heard::Zone)) => Finding::ok(LISTENING, format!("{address} answers by UDP and TCP")),
        (None, None) => Finding::skip(
            LISTENING,
            format!("nothing answers at {address}: this service does not run here"),
        ),
        (Some(Heard::Other(code)), _) | (_, Some(Heard::Other(code))) => Finding::fail(
            LISTENING,
            format!("{address} answers {code}, without the zone's SOA record"),
            "after Server Failure see this service's log: it has not read the zone from PostgreSQL yet; else check that no other program \
             listens there, and that this service runs with this DELEGATION_ZONE",
        ),
        (udp, _) => Finding::fail(
            LISTENING,
            format!(
                "{address} answers by {} only",
                if udp.is_some() { "UDP" } else { "TCP" }
            ),
            "check that no other program listens there",
        ),
    }
}

/// What an address answers.
#[derive(Clone, Copy)]
enum Heard {
    /// The zone's SOA record.
    Zone,
    /// Something else, with this code.
    Other(ResponseCode),
}

fn question(apex: &Name) -> std::io::Result<Vec<u8>> {
    let mut message = Message::query();
    message.add_query(Query::query(apex.clone(), RecordType::SOA));
    message.to_vec().map_err(std::io::Error::other)
}

fn understood(answer: &[u8]) -> std::io::Result<Heard> {
    let message = Message::from_vec(answer).map_err(std::io::Error::other)?;
    let is_soa = |record: &Record| record.record_type() == RecordType::SOA;
    let is_zone = message.metadata.authoritative && message.answers.iter().any(is_soa);
    Ok(match message.metadata.response_code {
        ResponseCode::NoError if is_zone => Heard::Zone,
        code => Heard::Other(code),
    })
}

async fn by_udp(to: SocketAddr, apex: &Name) -> std::io::Result<Heard> {
    let local: IpAddr = if to.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((local, 0)).await?;
    socket.connect(to).await?;
    socket.send(&question(apex)?).await?;
    let mut answer = [0; 1232];
    let length = socket.recv(&mut answer).await?;
    understood(&answer[..length])
}

async fn by_tcp(to: SocketAddr, apex: &Name) -> std::io::Result<Heard> {
    let mut stream = TcpStream::connect(to).await?;
    let question = question(apex)?;
    let length = u16::try_from(question.len()).map_err(std::io::Error::other)?;
    stream
        .write_all(&[&length.to_be_bytes()[..], &question].concat())
        .await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    understood(&answer)
}

#[derive(clap::Parser)]
struct Probing {
    #[command(flatten)]
    settings: ProbeSettings,
}

/// Whether the world finds the zone at the servers of the settings, as challenge-verifier looks, with its variables.
async fn delegation(zone: &str, ours: &[String]) -> Vec<Finding> {
    let dns = match Probing::try_parse_from(["dns-responder"]).map(|probing| Dns::new(&probing.settings)) {
        Ok(Ok(dns)) if !dns.is_fixed() => dns,
        Ok(Ok(_)) => {
            return vec![Finding::skip(
                DELEGATION,
                "not tried: DNS_RESOLVER answers for every zone",
            )];
        }
        Ok(Err(error)) => return vec![Finding::skip(DELEGATION, format!("not tried: {error}"))],
        Err(error) => return vec![Finding::skip(DELEGATION, format!("not tried: {error}"))],
    };
    let found = dns.authority(zone).await;
    let mut findings = vec![judge_zone(DELEGATION, zone, &found)];
    if let Ok(Some(authority)) = found {
        let left_out = authority.left_out.iter().map(|(server, _)| server);
        let there: Vec<&String> = authority.servers.iter().chain(left_out).collect();
        findings.extend(different(zone, ours, &there));
    }
    findings
}

fn different(zone: &str, ours: &[String], there: &[&String]) -> Option<Finding> {
    let is_there = |name: &String| {
        there
            .iter()
            .any(|server| server.trim_end_matches('.').eq_ignore_ascii_case(name))
    };
    let missing: Vec<&str> = ours.iter().filter(|name| !is_there(name)).map(String::as_str).collect();
    (!missing.is_empty()).then(|| {
        Finding::warn(
            DELEGATION,
            format!("the zone above {zone} does not name {}", missing.join(", ")),
            "add NS records for them there, or take them out of NAME_SERVERS",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zone;

    fn answered(code: ResponseCode, with_soa: bool) -> Heard {
        let apex = Name::from_ascii("acme.example.").unwrap();
        let zone = Zone::new(apex.clone(), &[], 5).unwrap();
        let mut message = Message::from_vec(&question(&apex).unwrap()).unwrap();
        message.metadata.authoritative = true;
        message.metadata.response_code = code;
        message.answers.extend(with_soa.then(|| zone.soa(&apex, 1)));
        understood(&message.to_vec().unwrap()).unwrap()
    }

    #[test]
    fn only_the_zones_own_record_is_an_answer_and_a_program_without_data_is_not_taken_for_none() {
        let at = SocketAddr::from(([127, 0, 0, 1], 8053));
        let text = |heard: Option<Heard>| heard_at(at, heard, heard).text().to_owned();
        let zone = text(Some(answered(ResponseCode::NoError, true)));
        assert!(zone.contains("answers by UDP and TCP"), "{zone}");
        for code in [ResponseCode::ServFail, ResponseCode::NoError] {
            let told = text(Some(answered(code, false)));
            let says = format!("answers {code}, without the zone's SOA record");
            assert!(told.contains(&says), "{told}");
        }
        assert!(text(None).contains("does not run here"));
    }

    #[test]
    fn a_name_server_that_the_zone_above_does_not_name_is_told() {
        let ours = ["ns1.acme.example".to_owned(), "ns2.acme.example".to_owned()];
        let (one, two) = ("NS1.acme.example.".to_owned(), "ns2.acme.example".to_owned());
        assert_eq!(different("acme.example", &ours, &[&one, &two]), None);
        let told = different("acme.example", &ours, &[&one]).unwrap();
        assert!(told.text().contains("does not name ns2.acme.example"), "{told}");
    }
}
