//! Everything but PostgreSQL is away: the broker still takes requests and answers for them, and the work goes on when
//! the others are back. This stack makes P-256 keys, which is a setting.

use customer::{Browser, Platform, status};
use serde_json::json;
use stack::{Dns, Handle, Options, Signal};

use crate::scrape::Scrape;
use crate::world::{PATIENCE, domain};

/// What each process says of its channels to RabbitMQ: those to consume, those to publish.
fn channels(scrape: &Scrape, process: &str) -> [Option<f64>; 2] {
    ["consume", "publish"].map(|purpose| scrape.of_process(process, "amqp_channels_open", &[("use", purpose)]))
}

fn every_worker_has(scrape: &Scrape, open: f64) -> bool {
    [
        "distribution-1",
        "challenge-verifier-1",
        "certificate-issuer-1",
        "cert-installer-1",
    ]
    .iter()
    .all(|worker| channels(scrape, worker) == [Some(open); 2])
}

#[tokio::test]
async fn requests_are_taken_and_answered_while_everything_but_the_database_is_away() -> anyhow::Result<()> {
    let options =
        Options::fast()
            .with_own_rabbitmq()
            .with_env("certificate-issuer", "CERTIFICATE_KEY_TYPE", "ecdsa-p256");
    let stack = Handle::start(options).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    // Everybody is at work, and RabbitMQ has every queue, before it all goes away.
    let before = domain("before-the-outage");
    platform
        .provision("asked-before", "org", json!({"domains": [before]}))
        .await?;
    let told = platform
        .poll("asked-before", PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
    let value = status::persist_value(told.description()).expect("a set-once record");
    let dns = Dns::new(&e.dns_management_url)?;
    dns.set_txt(&format!("_validation-persist.{before}"), &value).await?;
    platform.succeeded("asked-before", PATIENCE).await?;

    let at_work = Scrape::until(&stack, "channels", |scrape| every_worker_has(scrape, 1.0)).await?;
    assert_eq!(channels(&at_work, "broker-api"), [Some(0.0), Some(1.0)]);
    for away in ["rabbitmq", "pebble", "aws-sim", "challtestsrv"] {
        stack.kill(away, Signal::Kill).await?;
    }
    let (id, name) = ("asked-in-an-outage", domain("outage"));
    let answer = platform.provision(id, "org", json!({"domains": [name]})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let answer = platform.last_operation(id).await?;
    assert_eq!((answer.status, answer.state()), (200, "in progress"), "{}", answer.text);
    assert!(!answer.description().is_empty());

    Scrape::until(&stack, "no channels", |scrape| {
        every_worker_has(scrape, 0.0) && channels(scrape, "broker-api") == [Some(0.0); 2]
    })
    .await?;
    for back in ["challtestsrv", "pebble", "aws-sim", "rabbitmq"] {
        stack.start_again(back).await?;
    }
    let told = platform
        .poll(id, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
    let value = status::persist_value(told.description()).expect("a set-once record");
    dns.set_txt(&format!("_validation-persist.{name}"), &value).await?;
    platform.succeeded(id, PATIENCE).await?;
    Scrape::until(&stack, "channels again", |scrape| every_worker_has(scrape, 1.0)).await?;
    // Pebble has a new root since its restart.
    let visit = Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https)?
        .https(&name, "/")
        .await?;
    assert_eq!((visit.status, visit.key_bits), (200, 256));
    Ok(())
}
