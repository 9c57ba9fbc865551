//! TLS to PostgreSQL and RabbitMQ: whoever is not who they should be is refused, in a line that says what to mend.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use messaging::{AmqpArgs, Messaging};
use pipeline::Service;
use stack::{Handle, Options, TlsEndpoints};
use store::{DatabaseArgs, Store};
use telemetry::with_causes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::connect;

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
