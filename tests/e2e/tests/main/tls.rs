//! TLS to PostgreSQL and RabbitMQ: whoever is not who they should be is refused, in a line that says what to mend.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use customer::{Platform, status};
use messaging::{AmqpArgs, Messaging};
use pipeline::Service;
use stack::{Handle, Http, Options, SERVICES, TlsEndpoints};
use store::{DatabaseArgs, Store};
use telemetry::with_causes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{PATIENCE, connect, domain};

/// An address that no certificate is for, which leads to `to`.
async fn elsewhere(to: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.2:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    Ok(address)
}

/// The port in an address of `localhost`.
fn port_in(url: &str) -> anyhow::Result<u16> {
    let after = url.split_once("@localhost:").context("localhost")?.1;
    Ok(after.split(['/', '?']).next().unwrap_or_default().parse()?)
}

async fn postgres_says(url: &str, ca: Option<&Path>) -> Result<(), String> {
    let mut args = DatabaseArgs::at(url);
    args.database_ca_file = ca.map(Path::to_owned);
    let store = Store::new(&args, "tls-test").map_err(|error| with_causes(&error))?;
    store.migrate().await.map_err(|error| with_causes(&error))
}

async fn rabbitmq_says(url: &str, ca: Option<&Path>) -> Result<(), String> {
    let mut args = AmqpArgs::at(url);
    args.amqp_ca_file = ca.map(Path::to_owned);
    let messaging = Messaging::new(args, "tls-test");
    let ready = messaging.ready(Service::Distribution).await;
    messaging.close().await;
    ready.map(|_| ()).map_err(|error| with_causes(&error))
}

async fn infrastructure() -> anyhow::Result<(Handle, TlsEndpoints, PathBuf)> {
    let handle = Handle::start(Options::infrastructure().with_tls()).await?;
    let tls = handle.endpoints().tls.clone().context("TLS was asked for")?;
    // Some other CA.
    let other = handle.endpoints().acme_ca_pem.clone();
    Ok((handle, tls, other))
}

#[tokio::test]
async fn only_the_servers_that_were_meant_are_spoken_to() -> anyhow::Result<()> {
    let (handle, tls, other) = infrastructure().await?;
    postgresql(&handle, &tls, &other).await?;
    rabbitmq(&handle, &tls, &other).await
}

async fn postgresql(handle: &Handle, tls: &TlsEndpoints, other: &Path) -> anyhow::Result<()> {
    let (url, ca) = (tls.database_url.as_str(), Some(tls.ca_pem.as_path()));
    let with = |mode: &str| url.replace("verify-full", mode);
    for mode in ["verify-full", "verify-ca", "require"] {
        assert_eq!(postgres_says(&with(mode), ca).await, Ok(()), "{mode}");
    }
    assert_eq!(postgres_says(&with("prefer"), None).await, Ok(()));
    let rooted = format!("{url}&sslrootcert={}", tls.ca_pem.display());
    assert_eq!(postgres_says(&rooted, None).await, Ok(()));

    for untrusted in [Some(other), None] {
        for mode in ["verify-full", "require"] {
            let said = postgres_says(&with(mode), untrusted).await;
            assert_eq!(
                said,
                Err(
                    "no connection to PostgreSQL: the server's certificate is not from a CA that is trusted: trusted are \
                     the CAs in DATABASE_CA_FILE (or sslrootcert), the system's when there is no such file"
                        .to_string()
                ),
                "{mode}"
            );
        }
    }
    assert!(postgres_says(&with("verify-ca"), Some(other)).await.is_err());

    let to = elsewhere(SocketAddr::from(([127, 0, 0, 1], port_in(url)?))).await?;
    let moved = |mode: &str| with(mode).replace(&format!("localhost:{}", port_in(url).unwrap()), &to.to_string());
    let said = postgres_says(&moved("verify-full"), ca).await.unwrap_err();
    assert!(
        said.starts_with(
            "no connection to PostgreSQL: the certificate of 127.0.0.2 is for localhost, 127.0.0.1, sslmode=verify-full (and \
             require) wants 127.0.0.2"
        ),
        "{said}"
    );
    assert_eq!(
        postgres_says(&moved("verify-ca"), ca).await,
        Ok(()),
        "only the name differs"
    );

    // What PostgreSQL without TLS answers to whoever asks for it.
    let plain = TcpListener::bind("127.0.0.1:0").await?;
    let address = plain.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            stream.read_exact(&mut [0; 8]).await?;
            stream.write_all(b"N").await?;
        }
        anyhow::Ok(())
    });
    let said = postgres_says(&format!("postgres://u:p@{address}/d?sslmode=require"), None).await;
    assert_eq!(
        said,
        Err(
            "no connection to PostgreSQL: the server does not speak TLS there, sslmode in DATABASE_URL wants it: switch it \
             on at the server (ssl = on), or write sslmode=disable"
                .to_string()
        )
    );

    // It was TLS all the time, with the newest version, and with the channel bound to the password's proof.
    let mut args = DatabaseArgs::at(&format!("{url}&channel_binding=require"));
    args.database_ca_file = Some(tls.ca_pem.clone());
    let store = Store::new(&args, "tls-bound")?;
    store.ping().await?;
    let admin = connect(&handle.endpoints().database_admin_url).await?;
    let row = admin
        .query_one(
            "select s.ssl, s.version from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name = 'tls-bound'",
            &[],
        )
        .await?;
    assert_eq!((row.get(0), row.get::<_, String>(1).as_str()), (true, "TLSv1.3"));
    Ok(())
}

async fn rabbitmq(handle: &Handle, tls: &TlsEndpoints, other: &Path) -> anyhow::Result<()> {
    let (url, ca) = (tls.amqp_url.as_str(), Some(tls.ca_pem.as_path()));
    assert_eq!(rabbitmq_says(url, ca).await, Ok(()));
    let by_address = url.replace("localhost", "127.0.0.1");
    assert_eq!(rabbitmq_says(&by_address, ca).await, Ok(()));
    for untrusted in [Some(other), None] {
        let said = rabbitmq_says(url, untrusted).await;
        assert_eq!(
            said,
            Err(
                "RabbitMQ can't be reached: the server's certificate is not from a CA that is trusted: trusted are the CAs \
                 in AMQP_CA_FILE, the system's when there is no such file"
                    .to_string()
            )
        );
    }
    let to = elsewhere(SocketAddr::from(([127, 0, 0, 1], port_in(url)?))).await?;
    let moved = url.replace(&format!("localhost:{}", port_in(url)?), &to.to_string());
    let said = rabbitmq_says(&moved, ca).await.unwrap_err();
    assert!(
        said.starts_with(
            "RabbitMQ can't be reached: the certificate of 127.0.0.2 is for localhost, 127.0.0.1, AMQP_URL wants 127.0.0.2"
        ),
        "{said}"
    );
    let plain = handle.endpoints().amqp_url.replace("amqp://", "amqps://");
    let said = rabbitmq_says(&plain, ca).await.unwrap_err();
    assert!(
        said.starts_with("RabbitMQ can't be reached: the server does not speak TLS there"),
        "{said}"
    );
    let unverified = handle.endpoints().amqp_url.as_str();
    let said = rabbitmq_says(unverified, ca).await.unwrap_err();
    assert!(
        said.starts_with("AMQP_CA_FILE is set, but AMQP_URL is amqp://"),
        "{said}"
    );
    Ok(())
}

fn sealing_key(id: &str, byte: u8) -> String {
    format!("{id}:{}", STANDARD.encode([byte; 32]))
}

/// The whole main job by TLS alone, and the change of the sealing key beside it.
#[tokio::test]
async fn a_stack_by_tls_does_its_job_and_changes_its_sealing_key() -> anyhow::Result<()> {
    let (first, second) = (sealing_key("k1", 1), sealing_key("k2", 2));
    let keys = format!("{first},{second}");
    let options = Options::fast()
        .with_tls()
        .with_env("certificate-issuer", "SEALING_KEYS", &keys)
        .with_env("cert-installer", "SEALING_KEYS", &keys);
    let stack = Handle::start(options).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    provision(&stack, &platform, "tls-first").await?;

    let admin = connect(&e.database_admin_url).await?;
    let rows = admin
        .query(
            "select a.application_name, bool_and(s.ssl) from pg_stat_ssl s join pg_stat_activity a using (pid) \
             where a.usename = 'cdn_broker' group by 1",
            &[],
        )
        .await?;
    let spoken: Vec<(String, bool)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for service in SERVICES {
        assert!(spoken.contains(&(service.to_string(), true)), "{service}: {spoken:?}");
    }

    // k2 in front: everything is sealed anew, once.
    let swapped = format!("{second},{first}");
    let done = reseal(&stack, &swapped).await?;
    let said = String::from_utf8(done.stdout)?;
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    let sealed = sealed(&stack).await?;
    assert!(sealed >= 3, "an account, an order, a certificate: {sealed}");
    assert_eq!(said, format!("sealed again: {sealed}\nsealed by key k2: {sealed}\n"));
    let again = String::from_utf8(reseal(&stack, &swapped).await?.stdout)?;
    assert_eq!(again, format!("sealed again: 0\nsealed by key k2: {sealed}\n"));

    // The services go on with what was sealed again: the same tenant's account, and now k1 seals what is new.
    provision(&stack, &platform, "tls-second").await?;
    // Without the old key nothing is lost, and it is told.
    let early = reseal(&stack, &second).await?;
    let said = String::from_utf8(early.stderr)?;
    assert!(!early.status.success(), "values of k1 are left");
    for words in [
        "can't be opened",
        "orders: ",
        "certificates: ",
        "\"k1\", which SEALING_KEYS doesn't hold",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains(&STANDARD.encode([2; 32])), "{said}");
    assert!(reseal(&stack, &swapped).await?.status.success());
    assert!(
        reseal(&stack, &second).await?.status.success(),
        "now the old key can go"
    );

    for id in ["tls-first", "tls-second"] {
        assert_eq!(platform.deprovision(id).await?.status, 202);
        platform.succeeded(id, PATIENCE).await?;
    }
    Ok(())
}

async fn provision(stack: &Handle, platform: &Platform, id: &str) -> anyhow::Result<()> {
    let name = domain(id);
    let answer = platform
        .provision(id, "org-tls", serde_json::json!({"domains": [name]}))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = platform
        .poll(id, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
    let value = status::persist_value(told.description()).context("a value to set")?;
    stack
        .dns()?
        .set_txt(&format!("_validation-persist.{name}"), &value)
        .await?;
    platform.succeeded(id, PATIENCE).await?;
    Ok(())
}

async fn sealed(stack: &Handle) -> anyhow::Result<i64> {
    let row = stack
        .endpoints()
        .database()
        .await?
        .query_one(
            "select (select count(sealed_key) from acme_accounts) + (select count(sealed_key) from orders) \
             + (select count(sealed_key) from certificates)",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

async fn reseal(stack: &Handle, keys: &str) -> anyhow::Result<Output> {
    let tls = stack.endpoints().tls.as_ref().context("TLS was asked for")?;
    let run = Command::new(stack::program("certificate-issuer")?)
        .arg("reseal")
        .env("DATABASE_URL", &tls.database_url)
        .env("DATABASE_CA_FILE", &tls.ca_pem)
        .env("AMQP_URL", &tls.amqp_url)
        .env("SEALING_KEYS", keys)
        .output();
    Ok(timeout(PATIENCE, run).await??)
}

/// A service that trusts another CA is not ready, says why, and goes on trying; the address comes from a file.
#[tokio::test]
async fn a_service_that_meets_a_stranger_is_not_ready_and_says_why() -> anyhow::Result<()> {
    let (handle, tls, other) = infrastructure().await?;
    let folder = &handle.endpoints().folder;
    let (address, log) = (folder.join("database-url"), folder.join("stranger.log"));
    std::fs::write(&address, format!("{}\n", tls.database_url))?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let service = |ca: &Path| -> anyhow::Result<tokio::process::Child> {
        let output = std::fs::File::create(&log)?;
        Ok(Command::new(stack::program("challenge-verifier")?)
            .env("DATABASE_URL_FILE", &address)
            .env("DATABASE_CA_FILE", ca)
            .env("AMQP_URL", &tls.amqp_url)
            .env("AMQP_CA_FILE", &tls.ca_pem)
            .env("HEALTH_LISTEN", port.to_string())
            // Its doctor asks DNS at the start, and here nobody outside is to be asked.
            .env("DNS_RESOLVER", handle.endpoints().dns_addr.to_string())
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(output))
            .kill_on_drop(true)
            .spawn()?)
    };
    let http = Http::plain()?;
    let ready = async || match http.get(&format!("http://{port}/readyz")).await {
        Ok((status, _)) => Some(status.as_u16()),
        Err(_) => None,
    };
    let until = async |wanted: u16| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while ready().await != Some(wanted) {
            anyhow::ensure!(
                Instant::now() < deadline,
                "not {wanted}: {}",
                std::fs::read_to_string(&log)?
            );
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    let mut stranger = service(&other)?;
    until(503).await?;
    let deadline = Instant::now() + Duration::from_secs(30);
    let line = "no connection to PostgreSQL: the server's certificate is not from a CA that is trusted";
    while std::fs::read_to_string(&log)?.matches(line).count() < 2 {
        assert!(Instant::now() < deadline, "{}", std::fs::read_to_string(&log)?);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ready().await, Some(503), "it keeps trying, and is not ready");
    let password = tls.database_url.split([':', '@']).nth(2).context("a password")?;
    assert!(!std::fs::read_to_string(&log)?.contains(password));
    stranger.kill().await?;
    let mut mended = service(&tls.ca_pem)?;
    until(200).await?;
    mended.kill().await?;
    Ok(())
}
