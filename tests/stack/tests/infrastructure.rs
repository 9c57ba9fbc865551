//! The infrastructure alone, with real servers: two stacks at once, commands, proxies, and a complete clean-up.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use stack::{Command, Endpoints, Handle, Http, Options, Peer, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;

#[tokio::test(flavor = "multi_thread")]
async fn two_stacks_at_once_answer_and_leave_nothing() -> anyhow::Result<()> {
    let proxied = Options::infrastructure()
        .with_proxy(Peer::Postgres, 0)
        .with_proxy(Peer::Pebble, 0)
        .with_every_link();
    let (one, two) = tokio::try_join!(Handle::start(proxied), Handle::start(Options::infrastructure()))?;
    ensure!(one.endpoints().folder != two.endpoints().folder);
    for stack in [&one, &two] {
        let endpoints = stack.endpoints();
        query(&endpoints.database_url, "CREATE TABLE kept (x int)").await?;
        amqp_greets(endpoints).await?;
        acme_directory(endpoints, &endpoints.acme_directory_url).await?;
        let dns = stack.dns()?;
        dns.set_txt("_acme-challenge.example.com", "a").await?;
        dns.clear_txt("_acme-challenge.example.com").await?;
    }

    proxies(&one).await?;
    a_link_swallows(&one).await?;
    origin(&one).await?;
    restarts(&one).await?;

    // One is stopped normally, the other's supervisor is killed.
    let (first, second) = (one.endpoints().folder.clone(), two.endpoints().folder.clone());
    ensure!(!processes_of(&first)?.is_empty() && !processes_of(&second)?.is_empty());
    drop(one);
    ensure!(!first.exists(), "{} is still there", first.display());
    gone(&first).await?;
    ensure!(
        !processes_of(&second)?.is_empty(),
        "the end of one stack ended the other"
    );
    let supervisor = nix::unistd::Pid::from_raw(i32::try_from(two.supervisor_pid().context("a supervisor")?)?);
    nix::sys::signal::kill(supervisor, nix::sys::signal::Signal::SIGKILL)?;
    gone(&second).await?;
    drop(two);
    ensure!(!second.exists(), "{} is still there", second.display());
    Ok(())
}

/// A proxy delays, cuts and reconnects.
async fn proxies(stack: &Handle) -> anyhow::Result<()> {
    let endpoints = stack.endpoints();
    let listen = endpoints
        .proxies
        .get(&Peer::Pebble)
        .context("a proxy before Pebble")?
        .listen;
    acme_directory(endpoints, &format!("https://localhost:{}/dir", listen.port())).await?;

    let listen = endpoints
        .proxies
        .get(&Peer::Postgres)
        .context("a proxy before PostgreSQL")?
        .listen;
    let url = endpoints.database_url.replace(
        &format!(":{}/", endpoints.proxies[&Peer::Postgres].target.port()),
        &format!(":{}/", listen.port()),
    );
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    let connection = tokio::spawn(connection);
    stack.set_latency(Peer::Postgres, 200).await?;
    let begun = Instant::now();
    client.simple_query("SELECT 1").await?;
    let took = begun.elapsed();
    ensure!(
        took >= Duration::from_millis(199) && took < Duration::from_millis(400),
        "a round trip took {took:?}"
    );

    // Twenty times 64 KiB in pipelined queries: throughput isn't limited by the delay.
    let begun = Instant::now();
    let queries = (0..20).map(|_| client.simple_query("SELECT repeat('x', 65536)"));
    futures_util::future::try_join_all(queries).await?;
    ensure!(
        begun.elapsed() < Duration::from_secs(2),
        "pipelined queries took {:?}",
        begun.elapsed()
    );

    stack.cut(Peer::Postgres, true).await?;
    ensure!(
        TcpStream::connect(listen).await.is_err(),
        "a cut proxy takes connections"
    );
    ensure!(
        tokio::time::timeout(Duration::from_secs(5), connection).await.is_ok(),
        "a cut left a connection open"
    );
    stack.cut(Peer::Postgres, false).await?;
    stack.set_latency(Peer::Postgres, 0).await?;
    query(&url, "SELECT 1").await?;
    ensure!(
        stack.cut(Peer::Aws, true).await.is_err(),
        "there is no proxy before aws"
    );
    Ok(())
}

/// A black hole at one process's link: connections are accepted and stay open, and the data arrives afterwards.
async fn a_link_swallows(stack: &Handle) -> anyhow::Result<()> {
    let endpoints = stack.endpoints();
    let link = |process: &str| {
        let found = endpoints
            .links
            .iter()
            .find(|link| link.process == process && link.peer == Peer::Postgres);
        let port = found
            .with_context(|| format!("a link of {process}"))?
            .proxy
            .listen
            .port();
        let direct = endpoints.database_url.split(['@', '/']).nth(3).context("an address")?;
        anyhow::Ok(endpoints.database_url.replace(direct, &format!("127.0.0.1:{port}")))
    };
    let (client, connection) = tokio_postgres::connect(&link("distribution-1")?, NoTls).await?;
    tokio::spawn(connection);
    stack.black_hole(Some("distribution-1"), Peer::Postgres, true).await?;
    let asked = tokio::spawn(async move { client.simple_query("SELECT 1").await.map(drop) });
    let url = link("distribution-1")?;
    let new = tokio::spawn(async move { query(&url, "SELECT 1").await });
    query(&link("broker-api")?, "SELECT 1").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    ensure!(
        !asked.is_finished() && !new.is_finished(),
        "a black hole let something out"
    );
    stack.black_hole(Some("distribution-1"), Peer::Postgres, false).await?;
    tokio::time::timeout(Duration::from_secs(5), asked).await???;
    tokio::time::timeout(Duration::from_secs(5), new).await???;
    ensure!(
        stack.black_hole(Some("broker-api"), Peer::Aws, true).await.is_err(),
        "broker-api has no link to AWS"
    );
    Ok(())
}

/// The origin echoes, and redirects challenges on request.
async fn origin(stack: &Handle) -> anyhow::Result<()> {
    let http = Http::plain()?;
    let base = format!("http://{}", stack.endpoints().origin_addr);
    let (_, body) = http.get(&format!("{base}/some/path?q=1")).await?;
    let echo: serde_json::Value = serde_json::from_slice(&body)?;
    ensure!(echo["path"] == "/some/path" && echo["query"] == "q=1", "{echo}");
    ensure!(
        echo["message"] == "hello from the origin" && echo["headers"]["host"] == echo["host"],
        "{echo}"
    );
    let challenge = format!("{base}/.well-known/acme-challenge/token");
    ensure!(http.get(&challenge).await?.0 == 404);
    stack.redirect("127.0.0.2", Some("http://broker.cdn.test/x/")).await?;
    ensure!(http.get(&challenge).await?.0 == 302);
    stack.redirect("127.0.0.2", None).await?;
    ensure!(http.get(&challenge).await?.0 == 404);
    Ok(())
}

/// A restarted process keeps its port and its data, except Pebble, which starts again with another root.
async fn restarts(stack: &Handle) -> anyhow::Result<()> {
    let endpoints = stack.endpoints();
    let pid = |endpoints: &Endpoints, name| endpoints.process(name).and_then(|process| process.pid);
    stack.kill("postgres", Signal::Quit).await?;
    stack.begin_again("postgres").await?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while query(&endpoints.database_url, "SELECT * FROM kept").await.is_err() {
        ensure!(Instant::now() < deadline, "PostgreSQL doesn't come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stack.kill("postgres", Signal::Kill).await?;
    ensure!(pid(&stack.endpoints_now().await?, "postgres").is_none());
    ensure!(
        query(&endpoints.database_url, "SELECT 1").await.is_err(),
        "a killed PostgreSQL answers"
    );
    stack.start_again("postgres").await?;
    query(&endpoints.database_url, "SELECT * FROM kept").await?;
    ensure!(stack.start_again("postgres").await.is_err(), "started twice");

    stack.kill("rabbitmq", Signal::Stop).await?;
    stack.kill("rabbitmq", Signal::Cont).await?;
    stack.restart("rabbitmq").await?;
    amqp_greets(endpoints).await?;

    let root = fs::read(&endpoints.pebble_root_pem)?;
    stack.restart("pebble").await?;
    acme_directory(endpoints, &endpoints.acme_directory_url).await?;
    ensure!(
        fs::read(&endpoints.pebble_root_pem)? != root,
        "Pebble's new root was not fetched"
    );
    let all = fs::read(&endpoints.pebble_roots_pem)?;
    for one in [&root, &fs::read(&endpoints.pebble_root_pem)?] {
        ensure!(all.windows(one.len()).any(|part| part == one), "a root is missing");
    }

    let unknown = stack
        .command(Command::Start {
            name: "nothing".to_owned(),
            wait: true,
        })
        .await;
    ensure!(unknown.is_err_and(|error| error.to_string().contains("no process nothing")));
    Ok(())
}

async fn query(url: &str, sql: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(sql).await?;
    Ok(())
}

async fn amqp_greets(endpoints: &Endpoints) -> anyhow::Result<()> {
    let address = endpoints
        .amqp_url
        .trim_start_matches("amqp://guest:guest@")
        .trim_end_matches("/%2f");
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
    ensure!(stream.read_u8().await? == 1, "not a method frame");
    Ok(())
}

async fn acme_directory(endpoints: &Endpoints, url: &str) -> anyhow::Result<()> {
    let (status, body) = Http::trusting(&endpoints.acme_ca_pem)?.get(url).await?;
    let directory: serde_json::Value = serde_json::from_slice(&body)?;
    let order = directory["newOrder"]
        .as_str()
        .with_context(|| format!("{status} {directory}"))?;
    // The directory's links lead back through the proxy, if it was requested through one.
    ensure!(
        status == 200 && order.starts_with(url.trim_end_matches("/dir")),
        "{directory}"
    );
    ensure!(directory["meta"]["caaIdentities"][0] == "pebble.test", "{directory}");
    Ok(())
}

/// Processes that live in a folder, by their command line, environment or working directory.
fn processes_of(folder: &Path) -> anyhow::Result<Vec<String>> {
    let folder = folder.to_str().context("UTF-8")?;
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == std::process::id().to_string() || name.parse::<u32>().is_err() {
            continue;
        }
        let read = |file| String::from_utf8_lossy(&fs::read(entry.path().join(file)).unwrap_or_default()).into_owned();
        let cwd = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        if [read("cmdline"), read("environ"), cwd.display().to_string()]
            .iter()
            .any(|text| text.contains(folder))
        {
            found.push(format!("{name} {}", read("comm").trim()));
        }
    }
    Ok(found)
}

async fn gone(folder: &Path) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = processes_of(folder)?;
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "still there: {left:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
