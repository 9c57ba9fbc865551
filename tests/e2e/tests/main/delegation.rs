//! dns-01 by delegation: one CNAME, set once, and the broker writes each order's value in its own zone, which a real name
//! server serves.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use customer::status;
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use stack::{DELEGATION_ZONE, DelegationEndpoint, Options, Signal};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};

use crate::world::{Instance, PATIENCE, World, domain, organization, until};

/// No authorization is reused, so that each order has to be proved.
pub(crate) fn delegating() -> Options {
    let mut options = Options::fast().with_delegation();
    options
        .pebble_env
        .insert("PEBBLE_AUTHZREUSE".to_owned(), "0".to_owned());
    options
}

impl World {
    /// Sets each domain's CNAME, as the status says.
    pub(crate) async fn delegate(&self, instance: &Instance) -> anyhow::Result<()> {
        let told = self.told(instance).await?;
        self.set_cnames(&told, instance).await
    }

    pub(crate) async fn set_cnames(&self, told: &str, instance: &Instance) -> anyhow::Result<()> {
        for domain in &instance.domains {
            let target = status::cname_target(told, domain).with_context(|| told.to_owned())?;
            self.dns.set_cname(&challenge_name(domain), &target).await?;
        }
        Ok(())
    }

    fn zone(&self) -> anyhow::Result<&DelegationEndpoint> {
        self.handle.endpoints().delegation.as_ref().context("no zone")
    }

    /// The TXT records that the broker has in its zone, as the name server knows them.
    fn published(&self) -> anyhow::Result<Vec<String>> {
        self.zone()?.texts()
    }
}

/// The renewal of every certificate is due at once.
pub(crate) fn always_due(options: Options) -> Options {
    options
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s")
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "500ms")
        .with_env("certificate-issuer", "RENEW_AFTER", "0%")
        .with_env("certificate-issuer", "RENEW_SPREAD", "0%")
}

/// What `dns-responder doctor` says beside the process that is running.
async fn doctor(world: &World) -> anyhow::Result<String> {
    let endpoints = world.handle.endpoints_now().await?;
    let process = endpoints.process("dns-responder-1").context("no dns-responder")?;
    let mut command = std::process::Command::new(stack::program("dns-responder")?);
    command.env_clear().envs(process.environment()?);
    Ok(String::from_utf8(command.arg("doctor").output()?.stdout)?)
}

/// The most datagrams of [`disturb`], a few at each tick.
const DATAGRAMS: u32 = 20_000;
const AT_A_TICK: u32 = 10;
const TICK: Duration = Duration::from_millis(15);

/// Numbers that look like chance, and are the same each time (xorshift64).
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// Bytes by chance, or the question with some of its bits changed.
    fn datagram(&mut self, question: &[u8]) -> Vec<u8> {
        if self.below(2) == 0 {
            let length = self.below(300);
            return (0..length).map(|_| self.below(256) as u8).collect();
        }
        let mut bytes = question.to_vec();
        for _ in 0..=self.below(3) {
            let bit = self.below(8 * bytes.len());
            bytes[bit / 8] ^= 1_u8 << (bit % 8);
        }
        bytes
    }
}

/// Sends what is no good question to a name server, and begins questions by TCP that never end. Ends with an error only.
async fn disturb(server: SocketAddr) -> anyhow::Result<()> {
    let mut query = Message::query();
    let name = Name::from_ascii(format!("nobodys.{DELEGATION_ZONE}."))?;
    query.add_query(Query::query(name, RecordType::TXT));
    let question = query.to_vec()?;
    let length = u16::try_from(question.len())?.to_be_bytes();
    let by_tcp = [length.as_slice(), question.as_slice()].concat();
    let mut half_open = Vec::new();
    for sent in [0, 1, 2, 9] {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(&by_tcp[..sent]).await?;
        half_open.push(stream);
    }
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut ticks = tokio::time::interval(TICK);
    for _ in 0..DATAGRAMS / AT_A_TICK {
        ticks.tick().await;
        for _ in 0..AT_A_TICK {
            socket.send_to(&noise.datagram(&question), server).await?;
        }
    }
    std::future::pending::<()>().await;
    drop(half_open);
    Ok(())
}

/// How many questions a process of dns-responder could not understand.
async fn malformed(world: &World, process: &str) -> anyhow::Result<f64> {
    let endpoints = world.handle.endpoints();
    let process = endpoints.process(process).context("no dns-responder")?;
    let health = process.health_url.as_deref().context("no address")?;
    let metrics = reqwest::get(format!("{health}/metrics")).await?.text().await?;
    let mut sum = 0.0;
    for line in metrics.lines() {
        if line.starts_with("dns_questions_total{") && line.contains("answer=\"malformed\"") {
            let (_, count) = line.rsplit_once(' ').context("no number")?;
            sum += count.parse::<f64>()?;
        }
    }
    Ok(sum)
}

pub(crate) fn challenge_name(domain: &str) -> String {
    format!("_acme-challenge.{}", domain.strip_prefix("*.").unwrap_or(domain))
}

#[tokio::test]
async fn a_wildcard_and_its_parent_are_renewed_with_one_cname_and_nobody_there() -> anyhow::Result<()> {
    let world = World::own(always_due(delegating())).await?;
    let parent = domain("delegated");
    let instance = world.create(&[parent.clone(), format!("*.{parent}")]).await?;
    let told = world.told(&instance).await?;
    let record = format!("\n_acme-challenge.{parent} CNAME ");
    assert_eq!(told.matches(&record).count(), 1, "one record for both: {told}");
    assert!(!told.contains(&format!("_acme-challenge.{parent} TXT")), "{told}");
    world.delegate(&instance).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    for name in [&parent, &format!("any.{parent}")] {
        assert_eq!(world.visit(name).await?.status, 200, "{name}");
    }

    let mut seen = vec![world.serial(&instance).await?];
    until("two more certificates are served", async || {
        let now = world.serial(&instance).await?;
        if !seen.contains(&now) {
            seen.push(now);
        }
        Ok(seen.len() >= 3)
    })
    .await?;
    let methods = world
        .sql()
        .await?
        .query(
            "select distinct method from steps where method is not null and subject like '*.%'",
            &[],
        )
        .await?;
    let methods: Vec<String> = methods.iter().map(|row| row.get(0)).collect();
    assert_eq!(methods, ["delegated-dns-01"]);
    Ok(())
}

/// With the rights that docs/operators/delegation-responder.md tells operators to give it, and no other.
#[tokio::test]
async fn the_brokers_own_responder_answers_the_ca_and_any_of_its_processes_may_be_killed() -> anyhow::Result<()> {
    let world = World::own(
        always_due(delegating().with_responder())
            // So that what the triggers notify is all that it learns of changes.
            .with_env("dns-responder", "ZONE_READ_INTERVAL", "1h"),
    )
    .await?;
    let parent = domain("own-responder");
    let instance = world.create(&[parent.clone(), format!("*.{parent}")]).await?;
    world.delegate(&instance).await?;
    world.handle.kill("dns-responder-1", Signal::Kill).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(world.visit(&format!("any.{parent}")).await?.status, 200);

    world.handle.start_again("dns-responder-1").await?;
    world.handle.kill("dns-responder-2", Signal::Kill).await?;
    let doctor = doctor(&world).await?;
    for line in [
        format!("ok    PostgreSQL  {DELEGATION_ZONE} has 1 names"),
        "answers by UDP and TCP".to_owned(),
    ] {
        assert!(doctor.contains(&line), "{doctor}");
    }

    world.handle.kill("postgres", Signal::Kill).await?;
    let dns = world.zone()?.server;
    let dig = |name: &str, record_type: &str| -> anyhow::Result<String> {
        let (to, port) = (format!("@{}", dns.ip()), dns.port().to_string());
        let line = [&to, "-p", &port, name, record_type, "+tries=2", "+time=2"];
        Ok(String::from_utf8(
            std::process::Command::new("dig").args(line).output()?.stdout,
        )?)
    };
    let soa = dig(DELEGATION_ZONE, "SOA")?;
    assert!(soa.contains("status: NOERROR") && soa.contains("ANSWER: 1"), "{soa}");
    // PostgreSQL may have it by now, and the next reading is an hour away.
    let unknown = format!("nobodys.{DELEGATION_ZONE}");
    until("what is not known is no longer said not to exist", async || {
        Ok(dig(&unknown, "TXT")?.contains("status: SERVFAIL"))
    })
    .await?;
    world.handle.start_again("postgres").await?;
    // The first of them may have been validated before.
    let mut seen = vec![world.serial(&instance).await?];
    let served = until("two more certificates are served", async || {
        let now = world.serial(&instance).await?;
        if !seen.contains(&now) {
            seen.push(now);
        }
        Ok(seen.len() >= 3)
    });
    tokio::select! {
        served = served => served?,
        failed = disturb(dns) => failed?,
    }
    assert!(malformed(&world, "dns-responder-1").await? > 0.0);
    let soa = dig(DELEGATION_ZONE, "SOA")?;
    assert!(soa.contains("status: NOERROR") && soa.contains("ANSWER: 1"), "{soa}");
    let sql = world.sql().await?;
    let users = "select distinct usename::text from pg_stat_activity where application_name = 'dns-responder'";
    let users: Vec<String> = sql.query(users, &[]).await?.iter().map(|row| row.get(0)).collect();
    assert_eq!(users, ["dns_responder"]);
    let methods = "select distinct method from steps where method is not null and subject like '*.%'";
    let methods: Vec<String> = sql.query(methods, &[]).await?.iter().map(|row| row.get(0)).collect();
    assert_eq!(methods, ["delegated-dns-01"]);
    Ok(())
}

#[tokio::test]
async fn a_cname_counts_for_its_own_tenant_and_domain_only_and_lasts_beyond_the_instance() -> anyhow::Result<()> {
    let world = World::own(delegating()).await?;
    let (ours, theirs) = (organization(), organization());
    let one = world.create_in(&ours, &[domain("ours")]).await?;
    let other = world.create_in(&theirs, &[domain("theirs")]).await?;
    let target = async |instance: &Instance| {
        let told = world.told(instance).await?;
        status::cname_target(&told, &instance.domains[0]).context(told)
    };
    let (target_of_one, target_of_other) = (target(&one).await?, target(&other).await?);
    let lead = async |instance: &Instance, target: &str| {
        let name = challenge_name(&instance.domains[0]);
        world.dns.set_cname(&name, target).await
    };
    // Each other's.
    lead(&one, &target_of_other).await?;
    lead(&other, &target_of_one).await?;
    for (instance, right) in [(&one, &target_of_one), (&other, &target_of_other)] {
        let words = format!("the target of another domain or of another organization: let it lead to {right}");
        until("the status says whose target it is", async || {
            let answer = world.platform.last_operation(&instance.id).await?;
            Ok(status::unfolded(answer.description()).contains(&words))
        })
        .await?;
    }
    lead(&one, &target_of_one).await?;
    world.platform.succeeded(&one.id, PATIENCE).await?;
    lead(&other, &target_of_other).await?;
    world.platform.succeeded(&other.id, PATIENCE).await?;
    until("no value is left in the zone", async || {
        Ok(world.published()?.is_empty())
    })
    .await?;

    // Deleted and created again: the record that is still there is enough.
    world.delete(&one).await?;
    let again = world.create_in(&ours, &one.domains).await?;
    world.platform.succeeded(&again.id, PATIENCE).await?;
    world.delete(&again).await?;

    // It is worth nothing to the next owner of the instance's domain.
    let next = world.create_in(&theirs, &one.domains).await?;
    assert_ne!(target(&next).await?, target_of_one);
    let told = world.says(&next, "another organization").await?;
    assert!(told.description().starts_with("Waiting for you"), "{}", told.text);
    Ok(())
}

#[tokio::test]
async fn a_name_server_that_is_down_stops_nobody_else_and_is_waited_for() -> anyhow::Result<()> {
    let world = World::own(delegating()).await?;
    let waiting = world.create(&[domain("waiting")]).await?;
    let told = world.told(&waiting).await?;
    until("the values are published", async || Ok(!world.published()?.is_empty())).await?;
    world.handle.kill("knotd", Signal::Kill).await?;

    let before = world.create(&[domain("before")]).await?;
    world.told(&before).await?;
    // By another way, all the same.
    let unmoved = world.created(&organization(), &[domain("unmoved")]).await?;
    world.serves(&unmoved).await?;

    let target = status::cname_target(&told, &waiting.domains[0]).context(told)?;
    world
        .dns
        .set_cname(&challenge_name(&waiting.domains[0]), &target)
        .await?;
    world.delegate(&before).await?;
    let told = world.says(&before, "can't be changed at present").await?;
    assert!(told.description().contains("Publishing"), "{}", told.text);
    world.handle.start_again("knotd").await?;
    for instance in [&waiting, &before] {
        world.platform.succeeded(&instance.id, PATIENCE).await?;
        world.serves(instance).await?;
    }
    until("no value is left in the zone", async || {
        Ok(world.published()?.is_empty())
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn values_that_no_order_explains_go_from_our_names_and_everything_else_stays() -> anyhow::Result<()> {
    let world = World::own(delegating()).await?;
    let instance = world.create(&[domain("tidy")]).await?;
    let told = world.told(&instance).await?;
    let target = status::cname_target(&told, &instance.domains[0]).context(told)?;
    let label = target
        .strip_suffix(&format!(".{DELEGATION_ZONE}"))
        .context("another zone")?;
    world.zone()?.add_text(label, "written-by-a-zombie")?;
    world.zone()?.add_text("somebody-else", "not-ours")?;
    until("the zombie's value is removed", async || {
        Ok(!world.published()?.iter().any(|line| line.contains("zombie")))
    })
    .await?;
    let left = world.published()?;
    assert!(left.iter().any(|line| line.contains("not-ours")), "{left:?}");
    assert!(
        left.iter().any(|line| line.contains(label)),
        "the running order's value stays: {left:?}"
    );

    // Somebody removes the order's value: it is written again, and the CA finds it.
    world.zone()?.remove_texts(label)?;
    let sql = world.sql().await?;
    let long_ago = "update published_values set written_at = written_at - interval '1 hour'";
    sql.batch_execute(long_ago).await?;
    world.delegate(&instance).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn a_record_that_goes_between_renewals_is_reported_at_once_and_its_return_too() -> anyhow::Result<()> {
    let options = delegating().with_env("challenge-verifier", "STANDING_PROOF_INTERVAL", "300ms");
    let world = World::own(options).await?;
    let instance = world.create(&[format!("*.{}", domain("standing"))]).await?;
    world.delegate(&instance).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let told = async || {
        let path = format!("/v2/service_instances/{}", instance.id);
        let fetched = world.platform.call(reqwest::Method::GET, &path, None).await?;
        Ok::<_, anyhow::Error>(fetched.text)
    };
    assert!(!told().await?.contains("domain_problem"));
    let name = challenge_name(&instance.domains[0]);
    let target = {
        let row = world
            .sql()
            .await?
            .query_one("select label || '.' || zone from delegation_targets", &[])
            .await?;
        row.get::<_, String>(0)
    };
    world.dns.clear_cname(&name).await?;
    until("the tenant reads what is gone and what to set", async || {
        let text = told().await?;
        Ok(text.contains("Nothing proves") && text.contains(&format!("{name} CNAME {target}")))
    })
    .await?;
    let answer = world.platform.last_operation(&instance.id).await?;
    assert_eq!(answer.state(), "succeeded");
    assert!(answer.description().contains("Nothing proves"), "{}", answer.text);
    world.dns.set_cname(&name, &target).await?;
    until("the problem is over", async || {
        Ok(!told().await?.contains("Nothing proves"))
    })
    .await
}

#[tokio::test]
async fn a_record_that_goes_is_no_problem_while_another_one_proves_the_domain() -> anyhow::Result<()> {
    let options = delegating()
        .with_env("challenge-verifier", "STANDING_PROOF_INTERVAL", "300ms")
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s")
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "200ms");
    let world = World::own(options).await?;
    let parent = domain("two-proofs");
    let instance = world.create(&[format!("*.{parent}")]).await?;
    let told = world.told(&instance).await?;
    world.set_cnames(&told, &instance).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let sql = world.sql().await?;
    let proved_by = async |kind: &str| -> anyhow::Result<Vec<String>> {
        let methods = "select distinct s.method from steps s join operations o on o.id = s.operation_id \
                       where o.instance_id = $1 and o.kind = $2 and o.state = 'succeeded' and s.method is not null";
        let rows = sql.query(methods, &[&instance.id, &kind]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    };
    assert_eq!(proved_by("provision").await?, ["delegated-dns-01"]);

    let value = status::persist_value_of(&told, &parent).context(told)?;
    world
        .dns
        .set_txt(&format!("_validation-persist.{parent}"), &value)
        .await?;
    world.dns.clear_cname(&challenge_name(&parent)).await?;
    // The first of them may be from before, and the second of a look that had begun.
    let mut looks: Vec<String> = Vec::new();
    let path = format!("/v2/service_instances/{}", instance.id);
    until("the proofs were looked at three times", async || {
        let fetched = world.platform.call(reqwest::Method::GET, &path, None).await?;
        let is_well = fetched.status == 200 && !fetched.text.contains("domain_problem");
        anyhow::ensure!(is_well, "{}", fetched.text);
        let checked = "select coalesce(proof_checked_at::text, '') from claims where instance_id = $1";
        let look: String = sql.query_one(checked, &[&instance.id]).await?.get(0);
        if !looks.contains(&look) {
            looks.push(look);
        }
        Ok(looks.len() >= 5)
    })
    .await?;

    let due = "update certificates set renew_at = now() where instance_id = $1";
    sql.execute(due, &[&instance.id]).await?;
    until("it is renewed", async || Ok(!proved_by("renew").await?.is_empty())).await?;
    assert_eq!(proved_by("renew").await?, ["dns-persist-01"]);
    Ok(())
}
