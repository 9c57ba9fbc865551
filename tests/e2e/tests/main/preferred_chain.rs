//! A CA that offers several chains: the operator's preferred one is served, and certificates go on without it.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use customer::Browser;
use stack::{Http, Options, Signal, program};
use tokio::process::{Child, Command};

use crate::cdnctl::operate;
use crate::world::{World, domain, organization, until};

const ISSUER: &str = "certificate-issuer-1";

/// A root of the CA's, PEM.
async fn root(world: &World, number: usize) -> anyhow::Result<String> {
    let e = world.handle.endpoints();
    let url = format!("{}/roots/{number}", e.pebble_management_url);
    let (status, pem) = Http::trusting(&e.acme_ca_pem)?.get(&url).await?;
    ensure!(status.is_success(), "{url} answered {status}");
    Ok(String::from_utf8(pem.to_vec())?)
}

/// The issuer in the place of the stack's, with another environment.
fn issuer(environment: &BTreeMap<String, String>, root: &str) -> anyhow::Result<Child> {
    Ok(Command::new(program("certificate-issuer")?)
        .env_clear()
        .envs(environment)
        .env("ACME_PREFERRED_CHAIN", root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

#[tokio::test]
async fn the_chain_that_the_operator_prefers_is_served_where_the_ca_has_it() -> anyhow::Result<()> {
    let mut options = Options::fast();
    options.pebble_env.insert("PEBBLE_ALTERNATE_ROOTS".into(), "2".into());
    let world = World::own(options).await?;
    let e = world.handle.endpoints();
    let instance = world.created(&organization(), &[domain("chain")]).await?;
    let name = &instance.domains[0];
    // AWS trusts both, and a browser only the other one.
    let other = root(&world, 2).await?;
    let trusted = e.pebble_root_pem.with_file_name("pebble-roots.pem");
    std::fs::write(&trusted, std::fs::read_to_string(&trusted)? + &other)?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("root.pem"), &other)?;
    let picky = Browser::new(&folder.path().join("root.pem"), e.edge_http, e.edge_https)?;
    assert!(picky.https(name, "/").await.is_err(), "under the CA's own choice");

    let environment = e.process(ISSUER).context("a process")?.environment()?;
    world.handle.kill(ISSUER, Signal::Kill).await?;
    let preferring = issuer(&environment, &common_name(&other)?)?;
    assert_eq!(operate(&world.handle, &["renew", &instance.id]).await?.code, Some(0));
    until("the other chain is served", async || {
        Ok(picky.https(name, "/").await.is_ok())
    })
    .await?;

    // A root that the CA doesn't have keeps nobody from a certificate.
    drop(preferring);
    let _odd = issuer(&environment, "No Such Root")?;
    until("the previous renewal is over, and another has begun", async || {
        Ok(operate(&world.handle, &["renew", &instance.id]).await?.code == Some(0))
    })
    .await?;
    until("the CA's own choice is served", async || {
        Ok(picky.https(name, "/").await.is_err())
    })
    .await?;
    world.serves(&instance).await
}

/// The subject's common name.
fn common_name(pem: &str) -> anyhow::Result<String> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes())?;
    let root = pem.parse_x509()?;
    let name = root.subject().iter_common_name().next().context("a common name")?;
    Ok(name.as_str()?.to_owned())
}
