//! A hundred domains by delegation, to a zone with three name servers of which one lags: the CA may ask any of them, so nothing is
//! answered before all three have every value. The doctor finds the zone at all three, and names one that is down.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Child;
use std::time::Duration;

use anyhow::Context as _;
use customer::status;
use dns_servers::client::{Question, texts};
use dns_servers::{Folder, free_port, knot, nsd, unbound, wait_for, zone_file};
use hickory_proto::rr::RecordType;
use stack::Options;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use crate::world::{Instance, PATIENCE, World, until};

const DOMAINS: usize = 100;
/// The broker's zone.
const ZONE: &str = "acme.test";
/// The tenant's.
const TENANTS: &str = "example.com";
/// The zones above them.
const ABOVE: [&str; 2] = ["test", "com"];
/// Knot, the zone's primary server, which has the tenant's zone, too.
const PRIMARY: &str = "127.53.2.1";
/// NSD, which the primary notifies.
const NOTIFIED: &str = "127.53.2.2";
/// Knot, which is not notified: it takes the zone over when it is told to.
const LAGGING: &str = "127.53.2.3";
/// Its place among the servers in the order in which they are started.
const LAGGING_PLACE: usize = 2;
const RESOLVER: &str = "127.53.2.53";
const KEY: &str = "f88B11OLNcEkhqBFNIleFCaTAQwJ8zLrvHsl996OMsE=";
/// Delays of probes are rounded up to one of these, as finely as in production.
const FINE_DELAYS: &str = "250,313,391,488,610,763,954,1192,1490,1863,2328,2910,3638,4547,5684,7105,8882,16000,60000";
/// From the last server's having the values until the broker has seen them there: a bound for a busy machine. The figure is printed.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
/// The same for one domain.
const ONE_SEEN_WITHIN: Duration = Duration::from_secs(1);

/// The name servers, and a resolver that finds them.
struct Servers {
    folder: Folder,
    port: u16,
    running: Vec<Child>,
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.running {
            let _ended = server.kill().and_then(|()| server.wait());
        }
    }
}

impl Servers {
    /// Starts them, in a thread that stays.
    fn start() -> Self {
        dns_servers::start(|| {
            let port = free_port(&[PRIMARY, NOTIFIED, LAGGING, RESOLVER]);
            let mut servers = Self {
                folder: Folder::new("three-servers-"),
                port,
                running: Vec::new(),
            };
            let three = [PRIMARY, NOTIFIED, LAGGING];
            servers.primary();
            servers.notified();
            servers.lagging();
            for server in three {
                servers.wait_for(server, ZONE, RecordType::SOA);
            }
            let mut config = unbound::server(servers.folder.path(), RESOLVER, port);
            config += "  module-config: \"iterator\"\n  cache-max-negative-ttl: 0\n";
            // Pebble asks by TCP, three times for each domain; without room Unbound ends the connections.
            config += "  incoming-num-tcp: 1000\n";
            let [test, com] = ABOVE;
            for (zone, at) in [
                (test, &[PRIMARY][..]),
                (com, &[PRIMARY]),
                (TENANTS, &[PRIMARY]),
                (ZONE, &three),
            ] {
                config += &unbound::stub(zone, at, port);
                if zone == ZONE {
                    config += "  stub-no-cache: yes\n";
                }
            }
            servers.run("unbound", &["-d", "-p", "-c"], &config);
            servers.wait_for(RESOLVER, ZONE, RecordType::NS);
            servers
        })
    }

    fn primary(&mut self) {
        let (folder, port) = (&self.folder, self.port);
        let here = folder.path().join("primary");
        let names: String = [PRIMARY, NOTIFIED, LAGGING]
            .iter()
            .enumerate()
            .map(|(at, address)| format!("@ NS ns{0}\nns{0} A {address}\n", at + 1))
            .collect();
        let only_primary = format!("@ NS ns1\nns1 A {PRIMARY}");
        for zone in ABOVE.into_iter().chain([TENANTS]) {
            folder.write(&format!("primary/{zone}.zone"), &zone_file(zone, &only_primary));
        }
        folder.write(&format!("primary/{ZONE}.zone"), &zone_file(ZONE, &names));
        let plain: String = ABOVE
            .into_iter()
            .chain([TENANTS])
            .map(|zone| format!("  - domain: {zone}\n    file: {zone}.zone\n"))
            .collect();
        let config = format!(
            "{}key:\n  - id: cdn-broker\n    algorithm: hmac-sha256\n    secret: {KEY}\n\
             remote:\n  - id: notified\n    address: {NOTIFIED}@{port}\n    via: {PRIMARY}\n\
             acl:\n  - id: broker\n    key: cdn-broker\n    action: [update, transfer]\n  - id: secondaries\n    \
             address: [{NOTIFIED}, {LAGGING}]\n    action: transfer\n\
             template:\n  - id: default\n    storage: \"{}\"\n    semantic-checks: off\n    zonefile-load: difference\nzone:\n\
             {plain}  - domain: {ZONE}\n    file: {ZONE}.zone\n    acl: [broker, secondaries]\n    notify: notified\n",
            knot::server(&here, &format!("{PRIMARY}@{port}")),
            here.display(),
        );
        self.run_as("knotd", "primary", &["-c"], &config);
        self.wait_for(PRIMARY, ZONE, RecordType::SOA);
    }

    fn notified(&mut self) {
        let config = nsd::server(self.folder.path(), NOTIFIED, self.port)
            + &nsd::secondary(ZONE, NOTIFIED, (PRIMARY, self.port), true);
        self.run("nsd", &["-d", "-c"], &config);
    }

    fn lagging(&mut self) {
        let here = self.folder.path().join("lagging");
        std::fs::create_dir_all(&here).unwrap();
        let port = self.port;
        let config = format!(
            "{}remote:\n  - id: primary\n    address: {PRIMARY}@{port}\n    via: {LAGGING}\n\
             template:\n  - id: default\n    storage: \"{}\"\nzone:\n  - domain: {ZONE}\n    master: primary\n",
            knot::server(&here, &format!("{LAGGING}@{port}")),
            here.display(),
        );
        self.run_as("knotd", "lagging", &["-c"], &config);
    }

    fn run(&mut self, program: &str, args: &[&str], config: &str) {
        self.run_as(program, program, args, config);
    }

    fn run_as(&mut self, program: &str, name: &str, args: &[&str], config: &str) {
        let config = self.folder.write(&format!("{name}.conf"), config);
        let args = [args, &[config.as_str()]].concat();
        self.running
            .push(self.folder.run(&format!("/usr/sbin/{program}"), &args));
    }

    fn at(&self, server: &str) -> SocketAddr {
        SocketAddr::new(server.parse().unwrap(), self.port)
    }

    fn wait_for(&self, server: &str, name: &str, kind: RecordType) {
        let question = Question {
            recursive: server == RESOLVER,
            ..Question::new(name, kind)
        };
        wait_for(self.at(server), question, &self.folder);
    }

    /// Those of the names that have no value at the server.
    fn without_value(&self, server: &str, names: &[String]) -> Vec<String> {
        let has_value = |name: &str| {
            let answer = Question::new(name, RecordType::TXT).by_udp(self.at(server));
            answer.is_ok_and(|answer| !texts(&answer).is_empty())
        };
        names.iter().filter(|name| !has_value(name)).cloned().collect()
    }

    /// The tenant sets its CNAMEs.
    fn delegate(&self, cnames: &[(String, String)]) {
        let dotted: Vec<_> = cnames
            .iter()
            .map(|(domain, target)| (format!("_acme-challenge.{domain}."), format!("{target}.")))
            .collect();
        let records: Vec<_> = dotted
            .iter()
            .map(|(name, target)| vec![name.as_str(), "60", "CNAME", target])
            .collect();
        knot::set(&self.folder.path().join("primary"), TENANTS, &records);
    }

    /// The server that lags takes over the zone as it is now.
    fn catch_up(&self) {
        knot::control(&self.folder.path().join("lagging"), &["zone-refresh", ZONE]);
    }

    fn end_lagging(&mut self) -> anyhow::Result<()> {
        let server = self.running.get_mut(LAGGING_PLACE).context("it was not started")?;
        server.kill()?;
        server.wait()?;
        Ok(())
    }
}

fn options(servers: &Servers) -> Options {
    let (resolver, primary) = (servers.at(RESOLVER), servers.at(PRIMARY).to_string());
    let issuer = [
        ("DELEGATION_ZONE", ZONE),
        ("RFC2136_SERVER", &primary),
        ("RFC2136_KEY_NAME", "cdn-broker"),
        ("RFC2136_KEY", KEY),
    ];
    // As in production: each zone's own servers are asked.
    let walk = resolver.to_string();
    let port = servers.port.to_string();
    let verifier = [
        ("DNS_RESOLVER", ""),
        ("DNS_WALK_RESOLVER", &walk),
        ("DNS_AUTHORITATIVE_PORT", &port),
    ];
    let mut options = Options {
        resolver: Some(resolver),
        ..Options::fast().with_env("all", "DELAY_QUEUES_MS", FINE_DELAYS)
    };
    options
        .pebble_env
        .insert("PEBBLE_AUTHZREUSE".to_owned(), "0".to_owned());
    for (service, settings) in [("certificate-issuer", &issuer[..]), ("challenge-verifier", &verifier)] {
        options = settings
            .iter()
            .fold(options, |options, (name, value)| options.with_env(service, name, value));
    }
    options
}

/// The probes of the instance's domains in a state, whose result has these words.
async fn looks(sql: &Client, instance: &Instance, state: &str, words: &str) -> anyhow::Result<usize> {
    let query = "select count(*) from steps s join operations o on o.id = s.operation_id \
                 where o.instance_id = $1 and s.kind = 'verify-challenge' and s.state = $2 \
                 and coalesce(s.reason::text, '') like '%' || $3 || '%'";
    let row = sql.query_one(query, &[&instance.id, &state, &words]).await?;
    Ok(usize::try_from(row.get::<_, i64>(0))?)
}

/// Each of the domains, and the target that the broker chose for it.
async fn cnames(sql: &Client, domains: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let query = "select domain, label || '.' || zone from delegation_targets where domain = any($1) order by domain";
    let rows = sql.query(query, &[&domains]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[tokio::test]
async fn nothing_is_answered_before_the_last_of_three_name_servers_has_every_value() -> anyhow::Result<()> {
    let mut servers = Servers::start();
    let world = World::own(options(&servers)).await?;
    let domains: Vec<String> = (0..DOMAINS).map(|n| format!("d{n:02}.{TENANTS}")).collect();
    let of_many = by_delegation(&world, &servers, &domains).await?;
    assert!(of_many < SEEN_WITHIN, "{of_many:?}");
    let of_one = by_delegation(&world, &servers, &[format!("one.{TENANTS}")]).await?;
    assert!(of_one < ONE_SEEN_WITHIN, "{of_one:?}");
    the_doctor_finds_the_zone_and_names_a_server_that_is_down(&world, &mut servers).await
}

/// An instance with these domains: how much later than the last server has every value the broker has seen them.
async fn by_delegation(world: &World, servers: &Servers, domains: &[String]) -> anyhow::Result<Duration> {
    let many = domains.len();
    let sql = world.sql().await?;
    let instance = world.create(domains).await?;
    until("each domain has a target", async || {
        Ok(cnames(&sql, domains).await?.len() == many)
    })
    .await?;
    let cnames = cnames(&sql, domains).await?;
    servers.delegate(&cnames);
    let names: Vec<String> = cnames.into_iter().map(|(_, target)| target).collect();
    for server in [PRIMARY, NOTIFIED] {
        until(&format!("{server} has the values"), async || {
            Ok(servers.without_value(server, &names).is_empty())
        })
        .await?;
    }
    assert_eq!(servers.without_value(LAGGING, &names).len(), many);

    let lags = format!("ns3.{ZONE}");
    let only_behind = format!("\"behind\": [{{\"server\": \"{lags}\"");
    until("domains wait for the server that lags", async || {
        Ok(looks(&sql, &instance, "waiting", &only_behind).await? == many)
    })
    .await?;
    until("the status names it", async || {
        let told = world.platform.last_operation(&instance.id).await?;
        Ok(status::unfolded(told.description()).contains(&format!("has reached {lags} yet")))
    })
    .await?;
    assert_eq!(looks(&sql, &instance, "waiting", "").await?, many);

    let difference = caught_up(servers, &sql, &instance, &names).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let served: BTreeSet<String> = world.visit(&domains[0]).await?.names.into_iter().collect();
    assert_eq!(served, domains.iter().cloned().collect());
    assert_eq!(world.orders(&instance).await?, 1, "the CA has refused no authorization");
    Ok(difference)
}

async fn the_doctor_finds_the_zone_and_names_a_server_that_is_down(
    world: &World,
    servers: &mut Servers,
) -> anyhow::Result<()> {
    let (code, said) = doctor(world).await?;
    let found = format!("ok    DNS delegation  {ZONE} is found, at ns1.{ZONE}, ns2.{ZONE}, ns3.{ZONE}");
    assert!(said.lines().any(|line| line == found), "{said}");
    assert_eq!(code, Some(0), "{said}");

    servers.end_lagging()?;
    let fails = format!("FAIL  DNS delegation  not every name server of {ZONE} answers for it: ");
    let down = format!("ns3.{ZONE}");
    // The resolver, too, has to notice that the server is down.
    until("the doctor names the server that is down", async || {
        let (code, said) = doctor(world).await?;
        let mut failures = said.lines().filter_map(|line| line.strip_prefix(&fails));
        Ok(code == Some(1) && failures.any(|why| why.contains(&down)))
    })
    .await
}

/// What `challenge-verifier doctor` says in the environment of the running service, and its exit code.
async fn doctor(world: &World) -> anyhow::Result<(Option<i32>, String)> {
    let endpoints = world.handle.endpoints();
    let process = endpoints
        .process("challenge-verifier-1")
        .context("no challenge-verifier")?;
    let output = Command::new(stack::program("challenge-verifier")?)
        .arg("doctor")
        .env_clear()
        .envs(process.environment()?)
        .output()
        .await?;
    let said = String::from_utf8(output.stdout)?;
    println!("$ challenge-verifier doctor\n{said}");
    Ok((output.status.code(), said))
}

/// Lets the last server catch up, and measures how much later than that the broker has seen every value.
async fn caught_up(servers: &Servers, sql: &Client, instance: &Instance, names: &[String]) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    servers.catch_up();
    let (mut at_servers, mut missing, mut seen) = (None, names.to_vec(), 0);
    while at_servers.is_none() || seen < names.len() {
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "{missing:?} at {LAGGING}: {}",
            servers.folder.logs()
        );
        sleep(Duration::from_millis(10)).await;
        missing = servers.without_value(LAGGING, &missing);
        if missing.is_empty() {
            at_servers.get_or_insert_with(|| begun.elapsed());
        }
        seen = looks(sql, instance, "done", "").await?;
    }
    let (at_servers, seen) = (at_servers.context("never")?, begun.elapsed());
    println!(
        "{} values are at the last server after {at_servers:.2?}; the broker has seen all after {seen:.2?}",
        names.len()
    );
    Ok(seen.saturating_sub(at_servers))
}
