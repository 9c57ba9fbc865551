//! Floods against broker-api's open port, on loopback, each of a bounded number and time: the platform and the CA are served as if there were
//! none. Against a broker-api of the test's own, with its limits as they ship.

mod tarpits;

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use customer::Platform;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::world::{PATIENCE, World, domain, organization, world};
use stack::program;

/// What the platform and the CA are answered within, however many others there are.
const AT_ONCE: Duration = Duration::from_secs(1);

struct Broker {
    listen: std::net::SocketAddr,
    health_url: String,
    _process: Child,
}

impl Broker {
    async fn start(world: &World, folder: &Path) -> anyhow::Result<Self> {
        let free = || std::net::TcpListener::bind("127.0.0.1:0")?.local_addr();
        let (listen, health) = (free()?, free()?);
        let e = world.handle.endpoints();
        let log = std::fs::File::create(folder.join("log"))?;
        let process = Command::new(program("broker-api")?)
            .env("LISTEN", listen.to_string())
            .env("HEALTH_LISTEN", health.to_string())
            .env("DATABASE_URL", &e.database_url)
            .env("AMQP_URL", &e.amqp_url)
            .envs(stack::FAST.iter().copied())
            .env("ACME_RESPONDER_URL", &e.responder_url)
            .env("BROKER_USERNAME", &e.broker_username)
            .env("BROKER_PASSWORD", &e.broker_password)
            .env("DEFAULT_ORIGIN", "origin.cdn.test")
            .env("RUST_LOG", "info")
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()?;
        let broker = Self {
            listen,
            health_url: format!("http://{health}"),
            _process: process,
        };
        let deadline = Instant::now() + PATIENCE;
        while !reqwest::get(format!("{}/readyz", broker.health_url))
            .await
            .is_ok_and(|answer| answer.status() == 200)
        {
            ensure!(
                Instant::now() < deadline,
                "{}",
                std::fs::read_to_string(folder.join("log"))?
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(broker)
    }

    /// As the platform asks: with a connection of its own.
    async fn catalog(&self, world: &World) -> anyhow::Result<Duration> {
        let e = world.handle.endpoints();
        let platform = Platform::new(
            &format!("http://{}", self.listen),
            &e.broker_username,
            &e.broker_password,
        )?;
        let begun = Instant::now();
        let answer = timeout(PATIENCE, platform.call(Method::GET, "/v2/catalog", None))
            .await
            .context("the platform is kept out")??;
        ensure!(answer.status == 200, "{} {}", answer.status, answer.text);
        Ok(begun.elapsed())
    }

    /// As a CA asks: with a connection of its own.
    async fn challenge(&self, challenge: &Challenge) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(self.listen).await?;
        stream.write_all(challenge.request("close").as_bytes()).await?;
        let mut said = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut said))
            .await
            .context("the CA is kept out")??;
        ensure!(
            said.starts_with("HTTP/1.1 200") && said.ends_with(&challenge.key_authorization),
            "{said}"
        );
        Ok(begun.elapsed())
    }

    async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = reqwest::get(format!("{}/metrics", self.health_url))
            .await?
            .text()
            .await?;
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        Ok(line.map_or(Ok(0.0), str::parse)?)
    }
}

struct Challenge {
    tenant: String,
    token: String,
    key_authorization: String,
}

impl Challenge {
    fn request(&self, connection: &str) -> String {
        format!(
            "GET /acme/{}/.well-known/acme-challenge/{} HTTP/1.1\r\nHost: b\r\nConnection: {connection}\r\n\r\n",
            self.tenant, self.token
        )
    }
}

fn made_up(tenant: &str) -> Challenge {
    Challenge {
        tenant: tenant.to_owned(),
        token: format!(
            "{}{}",
            Uuid::new_v4().simple(),
            &Uuid::new_v4().simple().to_string()[..11]
        ),
        key_authorization: String::new(),
    }
}

/// Challenges that the CA may look for, of an instance that is told to have one.
async fn live(world: &World, count: usize) -> anyhow::Result<Vec<Challenge>> {
    let tenant = organization();
    let domains: Vec<String> = (0..count).map(|i| domain(&format!("flood-{i}"))).collect();
    let instance = world.create_in(&tenant, &domains).await?;
    world.told(&instance).await?;
    let rows = world
        .sql()
        .await?
        .query(
            "select http->>'token', http->>'key_authorization' from authorizations z join orders r on r.id = z.order_id \
             join operations o on o.id = r.operation_id, lateral (select z.challenges #> '{offered,http-01}' as http) h \
             where o.instance_id = $1 and http is not null",
            &[&instance.id],
        )
        .await?;
    ensure!(rows.len() == count, "{} challenges", rows.len());
    Ok(rows
        .iter()
        .map(|row| Challenge {
            tenant: pipeline::proof::path_segment(&tenant),
            token: row.get(0),
            key_authorization: row.get(1),
        })
        .collect())
}

/// This process may have as many files open as its hard limit allows.
fn many_files() -> anyhow::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

async fn connected(to: std::net::SocketAddr, from: &str) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{from}:0").parse()?)?;
    Ok(timeout(PATIENCE, socket.connect(to)).await??)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_silent_connections_keep_neither_the_platform_nor_the_ca_out() -> anyhow::Result<()> {
    many_files()?;
    let world = world().await;
    let folder = tempfile::tempdir()?;
    let broker = Broker::start(world, folder.path()).await?;
    let challenges = live(world, 2).await?;
    let mut silent = Vec::new();
    for opened in 0..2_200 {
        silent.push(connected(broker.listen, "127.0.0.9").await?);
        // While they come, and when all are there.
        if opened % 200 == 199 {
            for took in [broker.catalog(world).await?, broker.challenge(&challenges[0]).await?] {
                assert!(took < AT_ONCE, "{took:?} beside {} silent connections", opened + 1);
            }
        }
    }
    assert!(broker.metric("connections_given_way_total{limit=\"full\"}").await? > 1_000.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_up_tokens_keep_no_challenge_from_being_answered() -> anyhow::Result<()> {
    many_files()?;
    let world = world().await;
    let folder = tempfile::tempdir()?;
    let broker = Broker::start(world, folder.path()).await?;
    let challenges = live(world, 5).await?;
    let (begun, looks) = (Instant::now(), broker.metric("challenge_looks_total").await?);
    let answered = std::sync::Arc::new(AtomicU64::new(0));
    let mut flood = JoinSet::new();
    for _ in 0..400 {
        flood.spawn(flooding(broker.listen, challenges[0].tenant.clone(), answered.clone()));
    }
    let everybody = Instant::now() + PATIENCE;
    while answered.load(Ordering::Relaxed) < 1_000 {
        ensure!(Instant::now() < everybody, "the flood has not begun");
        sleep(Duration::from_millis(10)).await;
    }
    let sql = world.sql().await?;
    for round in 0..5 {
        for known in &challenges {
            let took = broker.challenge(known).await?;
            assert!(took < AT_ONCE, "{took:?}");
        }
        // Another process writes one down, and the CA comes at once.
        let fresh = Challenge {
            tenant: challenges[0].tenant.clone(),
            token: format!("fresh-{round}-{}", Uuid::new_v4().simple()),
            key_authorization: format!("fresh-{round}.thumbprint"),
        };
        let placed = sql
            .execute(
                "insert into authorizations (order_id, domain, url, valid, challenges) \
                 select order_id, $1, url, false, jsonb_set(challenges, '{offered,http-01}', \
                   jsonb_build_object('token', $1::text, 'key_authorization', $2::text)) \
                 from authorizations where challenges #>> '{offered,http-01,token}' = $3",
                &[&fresh.token, &fresh.key_authorization, &challenges[0].token],
            )
            .await?;
        assert_eq!(placed, 1);
        let took = broker.challenge(&fresh).await?;
        assert!(took < AT_ONCE, "{took:?} for one that was placed a moment ago");
        let gone = "delete from authorizations where challenges #>> '{offered,http-01,token}' = $1";
        sql.execute(gone, &[&fresh.token]).await?;
        let took = broker.catalog(world).await?;
        assert!(took < AT_ONCE, "{took:?}");
    }
    flood.abort_all();
    let (asked, took) = (answered.load(Ordering::Relaxed), begun.elapsed());
    let looks = broker.metric("challenge_looks_total").await? - looks;
    println!("{asked} made-up tokens in {took:?}: {looks} statements");
    assert!(
        looks <= took.as_secs_f64() * 20.0 + 10.0,
        "{looks} statements in {took:?}"
    );
    assert!(asked as f64 > 10.0 * looks, "{asked} tokens, {looks} statements");
    Ok(())
}

#[tokio::test]
async fn what_is_for_the_operator_is_not_at_the_open_port() -> anyhow::Result<()> {
    let e = world().await.handle.endpoints();
    let broker = e.process("broker-api").context("a broker-api")?;
    let health = broker.health_url.as_deref().context("its address")?;
    for (url, path, status) in [
        (e.broker_url.as_str(), "/healthz", 200),
        (&e.broker_url, "/readyz", 404),
        (&e.broker_url, "/metrics", 404),
        (health, "/healthz", 200),
        (health, "/readyz", 200),
        (health, "/metrics", 200),
        (health, "/v2/catalog", 404),
        (health, "/acme/o/.well-known/acme-challenge/t", 404),
    ] {
        let answer = reqwest::get(format!("{url}{path}")).await?;
        assert_eq!(answer.status(), status, "{url}{path}");
    }
    Ok(())
}

/// Asks for one made-up token after the other, until it is told to stop; half a minute at most.
async fn flooding(to: std::net::SocketAddr, tenant: String, answered: std::sync::Arc<AtomicU64>) {
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        let Ok(mut stream) = connected(to, "127.0.0.9").await else {
            continue;
        };
        let mut said = [0; 4096];
        while stream
            .write_all(made_up(&tenant).request("keep-alive").as_bytes())
            .await
            .is_ok()
            && stream.read(&mut said).await.is_ok_and(|read| read > 0)
            && Instant::now() < until
        {
            answered.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(100)).await;
        }
    }
}
