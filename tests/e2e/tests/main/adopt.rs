//! A distribution that another broker made goes on as an instance: no alias, no name and no visitor is lost on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_cloudfront::types::{
    DistributionConfig, MinimumProtocolVersion, SslSupportMethod, ViewerCertificate, ViewerProtocolPolicy,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use stack::{CrashPoints, Options};
use store::KeyRing;
use store::sealing::Place;
use uuid::Uuid;

use crate::cdnctl::{Said, operate, operate_aws};
use crate::drift::{administrator, config};
use crate::world::{Instance, PATIENCE, World, domain, organization, world};

/// What another broker left: it serves a domain with a certificate of its own.
pub(crate) struct Old {
    pub(crate) domain: String,
    pub(crate) id: String,
    name: String,
}

/// A certificate that the CA gave to somebody else for the domain, as IAM has it by now.
async fn foreign_certificate(world: &World, name: &str) -> anyhow::Result<String> {
    let instance = world.created(&organization(), &[name.to_owned()]).await?;
    let query = "select chain_pem, sealed_key, order_id::text from certificates where instance_id = $1";
    let row = world.sql().await?.query_one(query, &[&instance.id]).await?;
    let (chain, sealed): (String, Vec<u8>) = (row.get(0), row.get(1));
    let e = world.handle.endpoints();
    let key = KeyRing::parse(&e.sealing_keys)?.open(&Place::certificate_key(&instance.id, row.get(2)), &sealed)?;
    let key = STANDARD.encode(key.expose_secret());
    world.delete(&instance).await?;
    world.dns.clear_txt(&format!("_validation-persist.{name}")).await?;
    let end = "-----END CERTIFICATE-----";
    let (leaf, issuers) = chain.split_once(end).context("a leaf")?;
    let access = e.aws_keys.get("cert-installer").context("a key")?;
    let settings = aws_sdk_iam::Config::builder()
        .behavior_version(aws_sdk_iam::config::BehaviorVersion::latest())
        .region(aws_sdk_iam::config::Region::new("us-east-1"))
        .endpoint_url(&e.aws_api_url)
        .credentials_provider(aws_sdk_iam::config::Credentials::new(
            &access.id,
            &access.secret,
            None,
            None,
            "administrator",
        ));
    let uploaded = aws_sdk_iam::Client::from_conf(settings.build())
        .upload_server_certificate()
        .path("/cloudfront/cdn-broker/")
        .server_certificate_name(format!("cdn-broker-old-{}", Uuid::new_v4().simple()))
        .certificate_body(format!("{leaf}{end}\n"))
        .certificate_chain(issuers.trim_start())
        .private_key(format!(
            "-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"
        ))
        .send()
        .await?;
    let metadata = uploaded.server_certificate_metadata.context("metadata")?;
    Ok(metadata.server_certificate_id)
}

pub(crate) async fn old(world: &World, label: &str) -> anyhow::Result<Old> {
    let aws = administrator(world)?;
    // What a broker would write of its origin; only it is not in our words.
    let model = world.created(&organization(), &[domain("model")]).await?;
    let model_id = world.distributions(&model).await?[0]["id"]
        .as_str()
        .context("an id")?
        .to_owned();
    let (mut written, _) = config(&aws, &model_id).await?;
    let name = domain(label);
    written.caller_reference = format!("cdn-route-{name}");
    written.comment = "cdn route service".into();
    written.cache_behaviors = None;
    let origins = written.origins.as_mut().context("origins")?;
    origins.items.retain(|origin| origin.id == "origin");
    origins.quantity = 1;
    origins.items[0].id = "cdn-route".into();
    let behavior = written.default_cache_behavior.as_mut().context("a behavior")?;
    behavior.target_origin_id = "cdn-route".into();
    behavior.viewer_protocol_policy = ViewerProtocolPolicy::AllowAll;
    written.aliases.as_mut().context("aliases")?.items = Some(vec![name.clone()]);
    world.delete(&model).await?;
    let certificate = foreign_certificate(world, &name).await?;
    written.viewer_certificate = Some(
        ViewerCertificate::builder()
            .iam_certificate_id(certificate)
            .ssl_support_method(SslSupportMethod::SniOnly)
            .minimum_protocol_version(MinimumProtocolVersion::TlSv122018)
            .build(),
    );
    // CloudFront doesn't see a new certificate at once.
    let mut made = None;
    crate::world::until("CloudFront sees the certificate", async || {
        let call = aws.create_distribution().distribution_config(written.clone());
        made = call.send().await.ok().and_then(|answer| answer.distribution);
        Ok(made.is_some())
    })
    .await?;
    let made = made.context("a distribution")?;
    crate::world::until("it serves", async || {
        Ok(world.browser().https(&name, "/").await.is_ok())
    })
    .await?;
    Ok(Old {
        domain: name,
        id: made.id,
        name: made.domain_name,
    })
}

pub(crate) async fn adopt(world: &World, args: &[&str]) -> anyhow::Result<Said> {
    operate_aws(&world.handle, &[&["adopt"], args].concat()).await
}

/// Offers it, and gives the parameters that are printed.
async fn offered(world: &World, old: &Old, organization: &str) -> anyhow::Result<Value> {
    let said = adopt(world, &[&old.id, "--tenant", organization, "--yes", "--json"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    Ok(said.json()?["parameters"].clone())
}

pub(crate) async fn provisioned(world: &World, organization: &str, parameters: &Value) -> anyhow::Result<Instance> {
    let id = Uuid::new_v4().to_string();
    let answer = world.platform.provision(&id, organization, parameters.clone()).await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    let domains = serde_json::from_value(parameters["domains"].clone())?;
    Ok(Instance { id, domains })
}

async fn distribution(world: &World, instance: &Instance) -> anyhow::Result<Option<String>> {
    let query = "select distribution_id from instances where id = $1";
    Ok(world.sql().await?.query_one(query, &[&instance.id]).await?.get(0))
}

async fn as_it_is(world: &World, old: &Old) -> anyhow::Result<(DistributionConfig, String)> {
    config(&administrator(world)?, &old.id).await
}

#[tokio::test]
async fn a_distribution_of_another_broker_goes_on_and_no_visitor_notices() -> anyhow::Result<()> {
    let world = world().await;
    let old = old(world, "adopted").await?;
    let before = as_it_is(world, &old).await?;
    let first = world.visit(&old.domain).await?.serial;
    let (visits, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let visitor = {
        let (name, visits, failed) = (old.domain.clone(), visits.clone(), failed.clone());
        tokio::spawn(async move {
            loop {
                let seen = world.browser().https(&name, "/").await;
                visits.fetch_add(1, Ordering::Relaxed);
                if !seen.is_ok_and(|visit| visit.status == 200) {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
    };

    let organization = organization();
    let parameters = offered(world, &old, &organization).await?;
    assert_eq!(parameters["domains"], json!([old.domain]), "{parameters}");
    assert_eq!(as_it_is(world, &old).await?, before, "only its tags are written");
    let said = operate(&world.handle, &["adopt"]).await?;
    let line = said
        .text
        .lines()
        .find(|line| line.starts_with(&old.id))
        .context("a line")?;
    assert!(line.contains(&organization) && line.contains(&old.domain), "{line}");

    let instance = provisioned(world, &organization, &parameters).await?;
    let told = world.told(&instance).await?;
    assert!(told.contains(&old.name), "the CNAME that is there: {told}");
    assert_eq!(distribution(world, &instance).await?.as_ref(), Some(&old.id));
    assert_eq!(
        as_it_is(world, &old).await?,
        before,
        "nothing before the certificate is there"
    );
    world.set_persist(&told, &old.domain).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await?;
    let second = world.visit(&old.domain).await?.serial;
    assert_ne!(second, first);
    let (after, _) = as_it_is(world, &old).await?;
    assert_eq!(after.comment, format!("cdn-broker {}", instance.id));
    let plain = world.browser().http(&old.domain, "/").await?;
    assert_eq!(plain.status, 301, "as every instance");

    // From now on it is one like any other.
    assert_eq!(operate(&world.handle, &["renew", &instance.id]).await?.code, Some(0));
    crate::world::until("the next certificate is served", async || {
        Ok(world.visit(&old.domain).await?.serial != second)
    })
    .await?;
    visitor.abort();
    let visits = visits.load(Ordering::Relaxed);
    assert!(visits > 20, "{visits} visits");
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {visits} visits");
    let again = adopt(world, &[&old.id, "--tenant", &organization, "--yes"]).await?;
    assert!(
        again.errors.contains("belongs to an instance of this broker already"),
        "{}",
        again.errors
    );
    world.delete(&instance).await?;
    assert!(as_it_is(world, &old).await.is_err(), "it is gone, as the tenant wanted");
    Ok(())
}

#[tokio::test]
async fn until_the_first_write_it_is_the_old_brokers_and_nobody_elses() -> anyhow::Result<()> {
    let world = world().await;
    let old = old(world, "left-alone").await?;
    let before = as_it_is(world, &old).await?;
    let (organization, other) = (organization(), organization());
    let asked = adopt(world, &[&old.id, "--tenant", &organization]).await?;
    assert_eq!(asked.code, Some(2), "{}", asked.text);
    assert!(asked.errors.contains("--yes"), "{}", asked.errors);
    let unknown = adopt(world, &["E0000000000000", "--tenant", &organization, "--yes"]).await?;
    assert!(
        unknown.errors.contains("CloudFront has none of this id"),
        "{}",
        unknown.errors
    );
    let parameters = offered(world, &old, &organization).await?;

    let stranger = provisioned(world, &other, &parameters).await?;
    world.told(&stranger).await?;
    assert_eq!(
        distribution(world, &stranger).await?,
        None,
        "the stranger has to prove the domain"
    );
    world.delete(&stranger).await?;

    // Taken, given up, and taken by the next.
    for _ in 0..2 {
        let instance = provisioned(world, &organization, &parameters).await?;
        world.told(&instance).await?;
        assert_eq!(distribution(world, &instance).await?.as_ref(), Some(&old.id));
        let taken = adopt(world, &[&old.id, "--withdraw"]).await?;
        assert!(taken.errors.contains("an instance has taken it"), "{}", taken.errors);
        world.delete(&instance).await?;
        assert_eq!(as_it_is(world, &old).await?, before, "not a byte of it was changed");
    }
    let said = adopt(world, &[&old.id, "--withdraw"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let late = provisioned(world, &organization, &parameters).await?;
    world.told(&late).await?;
    assert_eq!(
        distribution(world, &late).await?,
        None,
        "what was withdrawn is not taken"
    );
    world.delete(&late).await?;
    assert_eq!(as_it_is(world, &old).await?, before);
    Ok(())
}

/// Whoever passes the point dies, and another takes its place.
async fn dies(world: &World, points: &CrashPoints, point: &str) -> anyhow::Result<()> {
    const DISTRIBUTION: &str = "distribution-1";
    crate::world::until("it has died", async || {
        let processes = world.handle.endpoints_now().await?.processes;
        let dead = processes
            .iter()
            .any(|one| one.name == DISTRIBUTION && one.pid.is_none());
        Ok(dead && points.hit(point).is_some())
    })
    .await
    .with_context(|| point.to_owned())?;
    // It may die again before it is ready.
    world.handle.begin_again(DISTRIBUTION).await
}

#[tokio::test]
async fn whoever_dies_on_the_way_it_is_taken_over_once_or_left_as_it_is() -> anyhow::Result<()> {
    const LEFT: &str = "disable-distribution@before-record";
    const WRITES: &str = "configure-distribution@call-2";
    const WRITTEN: &str = "configure-distribution@answer-2";
    let points = CrashPoints::new()?;
    let world = World::own(Options::fast().with_env("distribution", "CRASH_POINTS", &points.folder())).await?;
    let old = old(&world, "crash").await?;
    let before = as_it_is(&world, &old).await?;
    let organization = organization();
    let parameters = offered(&world, &old, &organization).await?;

    let given_up = provisioned(&world, &organization, &parameters).await?;
    world.told(&given_up).await?;
    assert_eq!(distribution(&world, &given_up).await?.as_ref(), Some(&old.id));
    points.arm(LEFT, "abort")?;
    let left = dies(&world, &points, LEFT);
    tokio::try_join!(world.delete(&given_up), left)?;
    assert_eq!(as_it_is(&world, &old).await?, before, "not a byte of it was changed");

    for point in [WRITES, WRITTEN] {
        points.arm(point, "abort")?;
    }
    let instance = provisioned(&world, &organization, &parameters).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &old.domain).await?;
    dies(&world, &points, WRITES).await?;
    dies(&world, &points, WRITTEN).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await?;
    assert_eq!(distribution(&world, &instance).await?.as_ref(), Some(&old.id));
    let (after, _) = as_it_is(&world, &old).await?;
    assert_eq!(after.comment, format!("cdn-broker {}", instance.id));
    for one in [&given_up, &instance] {
        assert!(world.distributions(one).await?.is_empty(), "none was made beside it");
    }
    world.delete(&instance).await
}
