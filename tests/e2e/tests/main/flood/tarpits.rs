//! One organization has 200 domains whose name servers never answer or whose web servers send a byte now and then; another has a
//! single one that is in place. The other one's is seen about as soon as if it were alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use customer::status;
use stack::Options;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::cdnctl::operate;
use crate::vantage::{Vantage, View};
use crate::world::{Instance, World, domain, organization, until};

/// Where the web servers are that drip.
const TARPIT: &str = "127.0.0.9";
/// Of each of the two instances: as many as an instance may have.
const DOMAINS: usize = 100;
/// How often the single domain is measured, alone and beside the others.
const SINGLES: usize = 3;
/// Beside the others a single domain may take so many times what it takes alone …
const TIMES: u32 = 2;
/// … which is tenths of a second on an idle machine, and this on a busy one.
const ALONE_AT_LEAST: Duration = Duration::from_millis(800);
/// Longer is as bad as never.
const NEVER: Duration = Duration::from_secs(30);

/// A stack whose verifiers have the time limits and the schedule that they ship with.
async fn world(processes: u16, concurrency: &str) -> anyhow::Result<World> {
    let vantage = Vantage::start()?;
    let shipped = [
        ("DNS_RESOLVER", vantage.address().to_string()),
        ("DNS_TIMEOUT", "5s".to_owned()),
        ("HTTP_TIMEOUT", "10s".to_owned()),
        ("SCHEDULE_VERIFY_CHALLENGE", "first=5s,max=5m".to_owned()),
        ("SCHEDULE_AFTER_SLOW_LOOK", "first=1m,factor=2,max=1h".to_owned()),
        ("CONCURRENCY", concurrency.to_owned()),
    ];
    let options = shipped.iter().fold(Options::fast(), |options, (name, value)| {
        options.with_env("challenge-verifier", name, value)
    });
    let options = options.with_replicas("challenge-verifier", processes).with_env(
        "all",
        "DELAY_QUEUES_MS",
        &messaging::DelayQueues::default().to_string(),
    );
    World::with_vantage(options, vantage).await
}

/// With two seats, and with two processes of sixteen. Side by side, since both mostly wait for looks to run into their limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_of_one_organization_do_not_delay_anothers() -> anyhow::Result<()> {
    let (few, many) = tokio::try_join!(world(1, "2"), world(2, "16"))?;
    tokio::try_join!(
        async { anothers_is_seen_in_time(&few).await.context("with two seats") },
        async {
            anothers_is_seen_in_time(&many)
                .await
                .context("with two processes of sixteen")
        },
    )?;
    Ok(())
}

async fn anothers_is_seen_in_time(world: &World) -> anyhow::Result<()> {
    let tarpit = Tarpit::listen(world.handle.endpoints().http_port).await?;
    let small = Small::moves_in(world).await?;
    let alone = small.singles("alone").await?;
    let large = organization();
    let crowd = [
        crowd(world, &large, DOMAINS).await?,
        crowd(world, &large, DOMAINS).await?,
    ];
    let ids: Vec<&str> = crowd.iter().map(|instance| instance.id.as_str()).collect();
    let sql = world.sql().await?;
    let steps = async |which: &str| -> anyhow::Result<i64> {
        let count = format!(
            "select count({which}) from steps s join operations o on o.id = s.operation_id \
             where s.kind = 'verify-challenge' and o.instance_id = any($1)"
        );
        Ok(sql.query_one(&count, &[&ids]).await?.get(0))
    };
    until("all domains of the large one are due for a probe", async || {
        Ok(steps("*").await? >= 2 * DOMAINS as i64 && tarpit.asked() >= 1)
    })
    .await?;
    let as_they_come = small.singles("beside").await;
    until("probes have run into their limit", async || {
        Ok(steps("case when s.attempt > 0 then 1 end").await? >= 2)
    })
    .await?;
    let later = small.singles("beside").await;
    let figures = format!("alone {alone:?}, as the others come {as_they_come:?}, later {later:?}");
    println!("{figures}");
    let allowed = longest(&alone).max(ALONE_AT_LEAST) * TIMES;
    for beside in [as_they_come, later] {
        ensure!(beside.is_ok_and(|took| longest(&took) <= allowed), "{figures}");
    }
    no_message_goes_round_and_round(world).await?;
    its_owner_and_the_operator_are_told(world, &crowd[0]).await
}

async fn its_owner_and_the_operator_are_told(world: &World, slow: &Instance) -> anyhow::Result<()> {
    let says = "the check ran into its time limit, so the next one comes later";
    let told = world.says(slow, says).await?;
    ensure!(told.description().contains(" checked every "), "{}", told.text);
    let shown = operate(&world.handle, &["show", &slow.id]).await?;
    let mut lines = shown.text.lines();
    let line = lines.find(|line| line.contains(says)).context("its line")?;
    ensure!(line.contains("waiting") && line.contains("  in "), "{line}");
    Ok(())
}

/// Each waits for its turn once or twice, however many there are.
async fn no_message_goes_round_and_round(world: &World) -> anyhow::Result<()> {
    let mut deferred = 0.0;
    for process in &world.handle.endpoints().processes {
        let Some(health) = process
            .health_url
            .as_ref()
            .filter(|_| process.name.starts_with("challenge-verifier"))
        else {
            continue;
        };
        let metrics = reqwest::get(format!("{health}/metrics")).await?.text().await?;
        let of_the_verifier = |line: &&str| line.starts_with("deliveries_deferred_total{");
        let value = metrics
            .lines()
            .find(of_the_verifier)
            .and_then(|line| line.rsplit(' ').next());
        deferred += value.map_or(Ok(0.0), str::parse::<f64>)?;
    }
    println!("{deferred} messages were put off");
    ensure!(
        deferred <= (6 * DOMAINS) as f64,
        "{deferred} messages were put off for {} domains",
        2 * DOMAINS
    );
    Ok(())
}

/// Half of its domains have silent name servers, half of them slow web servers.
async fn crowd(world: &World, organization: &str, count: usize) -> anyhow::Result<Instance> {
    let domains: Vec<String> = (0..count).map(|number| domain(&format!("slow-{number}"))).collect();
    for (number, name) in domains.iter().enumerate() {
        if number % 2 == 0 {
            world.dns.add_a(name, &[TARPIT]).await?;
            continue;
        }
        for prefix in ["", "_validation-persist.", "_acme-challenge."] {
            world.vantage.show(&format!("{prefix}{name}"), View::Silence);
        }
    }
    world.create_in(organization, &domains).await
}

/// The organization with a single domain at a time.
struct Small<'w> {
    world: &'w World,
    organization: String,
    /// Of its set-once record.
    value: String,
}

impl<'w> Small<'w> {
    async fn moves_in(world: &'w World) -> anyhow::Result<Self> {
        let organization = organization();
        let first = world.create_in(&organization, &[domain("first")]).await?;
        let told = world.told(&first).await?;
        Ok(Self {
            world,
            organization,
            value: status::persist_value(&told).context("a set-once record")?,
        })
    }

    /// One after the other: how long until each was seen, from the request on.
    async fn singles(&self, label: &str) -> anyhow::Result<Vec<Duration>> {
        let mut took = Vec::new();
        for _ in 0..SINGLES {
            let seen = timeout(NEVER, self.single(label)).await;
            took.push(seen.with_context(|| format!("not seen within {NEVER:?}, after {took:?}"))??);
        }
        Ok(took)
    }

    async fn single(&self, label: &str) -> anyhow::Result<Duration> {
        let name = domain(label);
        self.world
            .dns
            .set_txt(&format!("_validation-persist.{name}"), &self.value)
            .await?;
        let sql = self.world.sql().await?;
        let begun = Instant::now();
        let instance = self.world.create_in(&self.organization, &[name]).await?;
        let seen = "select count(*) from steps s join operations o on o.id = s.operation_id \
                    where o.instance_id = $1 and s.kind = 'verify-challenge' and s.state = 'done'";
        until("the domain is seen", async || {
            Ok(sql.query_one(seen, &[&instance.id]).await?.get::<_, i64>(0) == 1)
        })
        .await?;
        Ok(begun.elapsed())
    }
}

fn longest(took: &[Duration]) -> Duration {
    took.iter().max().copied().unwrap_or_default()
}

/// A web server that begins a good answer and never ends it: a byte every half second.
struct Tarpit {
    asked: Arc<AtomicUsize>,
}

impl Tarpit {
    async fn listen(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::new(TARPIT.parse()?, port)).await?;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(drip(connection));
            }
        });
        Ok(Self { asked })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn drip(mut connection: TcpStream) {
    // An answer before the question is no answer.
    if connection.read(&mut [0; 4096]).await.is_err() {
        return;
    }
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n".as_slice();
    let mut next = head;
    while connection.write_all(next).await.is_ok() {
        next = b"a";
        sleep(Duration::from_millis(500)).await;
    }
}
