//! Several CAs: the plan chooses, and where the first one takes no order the next one does. The second CA binds accounts to
//! an external one.

use std::time::Duration;

use anyhow::Context as _;
use customer::{Browser, status};
use reqwest::Method;
use serde_json::json;
use stack::{OTHER_CA, OTHER_CA_REFUSES, Options, Peer, Signal};

use crate::delegation::always_due;
use crate::world::{Instance, PATIENCE, World, domain, organization, until};

/// In records and CAA.
const MAIN_NAME: &str = "pebble.test";
const SERVICE: &str = "c0ffee00-0000-4000-8000-000000000001";
const BY_THE_OTHER: &str = "c0ffee00-0000-4000-8000-000000000002";
const BY_NOBODY: &str = "c0ffee00-0000-4000-8000-000000000003";
const OTHER_NAME: &str = "other-pebble.test";

fn two_cas() -> Options {
    let mut options = Options::fast().with_other_ca().with_proxy(Peer::Pebble, 0);
    // Each order has to be proved.
    options
        .pebble_env
        .insert("PEBBLE_AUTHZREUSE".to_owned(), "0".to_owned());
    options.with_env("certificate-issuer", "ACME_FALLBACK_AFTER", "1s")
}

impl World {
    /// Where the instance's orders were placed, the newest last, each with whether it replaced another CA's.
    async fn ordered_at(&self, instance: &Instance) -> anyhow::Result<Vec<(bool, bool)>> {
        let other = self.other()?;
        let rows = self
            .sql()
            .await?
            .query(
                "select r.directory_url = $2, r.fallback from orders r join operations o on o.id = r.operation_id \
                 where o.instance_id = $1 and r.url is not null order by r.created_at",
                &[&instance.id, &other],
            )
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    fn other(&self) -> anyhow::Result<String> {
        let other = self.handle.endpoints().other_ca.as_ref();
        Ok(other.map(|other| other.directory_url.clone()).unwrap_or_default())
    }

    /// Whether the certificate that visitors are shown is of the second CA, whose roots are others.
    async fn served_by_the_other(&self, name: &str) -> anyhow::Result<bool> {
        let e = self.handle.endpoints();
        let first_alone = Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https)?;
        let both = Browser::new(&e.pebble_roots_pem, e.edge_http, e.edge_https)?;
        let path = "/";
        anyhow::ensure!(both.https(name, path).await?.status == 200, "{name}");
        Ok(first_alone.https(name, path).await.is_err())
    }
}

#[tokio::test]
async fn a_ca_that_is_down_is_replaced_and_the_status_names_what_the_other_one_wants() -> anyhow::Result<()> {
    let world = World::own(two_cas()).await?;
    let first = world.create(&[domain("main-ca")]).await?;
    let told = world.told(&first).await?;
    assert!(told.contains(MAIN_NAME) && !told.contains(OTHER_NAME), "{told}");

    world.handle.cut(Peer::Pebble, true).await?;
    let names = [domain("other-ca")];
    let second = world.create(&names).await?;
    let told = world.told(&second).await?;
    assert!(
        told.contains(OTHER_NAME) && !told.contains(&format!("\"{MAIN_NAME}")),
        "{told}"
    );
    assert!(told.contains("is ordered from localhost:"), "{told}");
    world.set_persist(&told, &names[0]).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;
    assert!(world.served_by_the_other(&names[0]).await?);
    assert_eq!(world.ordered_at(&second).await?, [(true, true)]);

    // What waits for the first CA is not touched, and goes on when it is back.
    let told = world.told(&first).await?;
    assert!(told.contains(MAIN_NAME), "{told}");
    world.handle.cut(Peer::Pebble, false).await?;
    world.set_persist(&told, &first.domains[0]).await?;
    world.platform.succeeded(&first.id, PATIENCE).await?;
    assert_eq!(world.ordered_at(&first).await?, [(false, false)]);
    Ok(())
}

#[tokio::test]
async fn limits_that_are_used_up_lead_to_the_next_ca() -> anyhow::Result<()> {
    let options = two_cas().with_env("certificate-issuer", "ACME_LIMITS", "orders=1/1h");
    let world = World::own(options).await?;
    let ours = organization();
    let first = world.created(&ours, &[domain("within")]).await?;
    let names = [domain("beyond")];
    let second = world.create_in(&ours, &names).await?;
    let told = world.told(&second).await?;
    world.set_persist(&told, &names[0]).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;
    assert_eq!(world.ordered_at(&first).await?, [(false, false)]);
    assert_eq!(world.ordered_at(&second).await?, [(true, true)]);
    Ok(())
}

/// Both CAs take one order an hour of an account.
#[tokio::test]
async fn each_ca_has_limits_of_its_own_and_what_one_has_taken_does_not_count_at_the_other() -> anyhow::Result<()> {
    let limits = "orders=1/1h";
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("other-cas.json");
    std::fs::write(&file, "[]")?;
    let options = two_cas()
        .with_env("certificate-issuer", "ACME_LIMITS", limits)
        .with_env("certificate-issuer", "ACME_OTHER_CAS", "")
        .with_env("certificate-issuer", "ACME_OTHER_CAS_FILE", &file.display().to_string())
        // Longer than the longest delay of the step: the CA that is down is not asked first each time.
        .with_env("certificate-issuer", "ACME_FALLBACK_AFTER", "3s");
    let world = World::own(options).await?;
    // The other CA's address is known only now.
    let endpoints = world.handle.endpoints();
    let mut other = serde_json::to_value(endpoints.other_ca.as_ref().context("no other CA")?)?;
    other["limits"] = json!(limits);
    std::fs::write(&file, json!([other]).to_string())?;
    world.handle.restart("certificate-issuer-1").await?;

    world.handle.cut(Peer::Pebble, true).await?;
    let ours = organization();
    let first = world.created(&ours, &[domain("at-the-other")]).await?;
    assert_eq!(world.ordered_at(&first).await?, [(true, true)]);
    let names = [domain("beyond-the-other")];
    let second = world.create_in(&ours, &names).await?;
    let used_up = "the CA allows at most 1 in 1h of new orders of an organization";
    world.says(&second, used_up).await?;
    assert!(world.ordered_at(&second).await?.is_empty());

    world.handle.cut(Peer::Pebble, false).await?;
    let told = world.told(&second).await?;
    assert!(told.contains(MAIN_NAME) && !told.contains(OTHER_NAME), "{told}");
    world.set_persist(&told, &names[0]).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;
    assert_eq!(world.ordered_at(&second).await?, [(false, false)]);

    // Now both are used up.
    let third = world.create_in(&ours, &[domain("beyond-both")]).await?;
    world.says(&third, used_up).await?;
    assert!(world.ordered_at(&third).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_refusal_by_the_ca_that_is_asked_instead_decides_nothing() -> anyhow::Result<()> {
    let world = World::own(two_cas()).await?;
    world.handle.cut(Peer::Pebble, true).await?;
    let names = [format!("{}.{OTHER_CA_REFUSES}", domain("refused").replace('.', "-"))];
    let instance = world.create(&names).await?;
    until("both were asked several times", async || {
        let row = world
            .sql()
            .await?
            .query_one(
                "select coalesce(max(attempt), 0) from steps s join operations o on o.id = s.operation_id \
                 where o.instance_id = $1 and s.kind = 'place-order'",
                &[&instance.id],
            )
            .await?;
        Ok(row.get::<_, i32>(0) >= 6)
    })
    .await?;
    let answer = world.platform.last_operation(&instance.id).await?;
    assert_eq!(answer.state(), "in progress", "{}", answer.text);
    world.handle.cut(Peer::Pebble, false).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &names[0]).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn a_plan_names_its_cas_and_no_other_is_asked() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("catalog.json");
    let plan = |id: &str, name: &str, cas: &[&str]| json!({"id": id, "name": name, "description": name, "settings": {"certificate_authorities": cas}});
    let catalog = json!({"services": [{
        "id": SERVICE, "name": "cdn", "description": "CDN",
        "plans": [
            plan(BY_THE_OTHER, "other", &[OTHER_CA]),
            plan(BY_NOBODY, "nowhere", &["nobody"]),
        ],
    }]});
    std::fs::write(&file, catalog.to_string())?;
    let options = two_cas().with_env("broker-api", "CATALOG_FILE", &file.display().to_string());
    let world = World::own(options).await?;
    let create = async |plan: &str| {
        let names = [domain("by-plan")];
        let instance = Instance {
            id: uuid::Uuid::new_v4().to_string(),
            domains: names.to_vec(),
        };
        let request = json!({
            "service_id": SERVICE,
            "plan_id": plan,
            "context": {"platform": "cloudfoundry", "organization_guid": organization()},
            "parameters": {"domains": names},
        });
        let path = format!("/v2/service_instances/{}?accepts_incomplete=true", instance.id);
        let answer = world.platform.call(Method::PUT, &path, Some(&request)).await?;
        anyhow::ensure!(answer.status == 202, "{}", answer.text);
        Ok(instance)
    };
    let other = create(BY_THE_OTHER).await?;
    let told = world.told(&other).await?;
    assert!(!told.contains("this time"), "it is the plan's first: {told}");
    world.set_persist(&told, &other.domains[0]).await?;
    world.platform.succeeded(&other.id, PATIENCE).await?;
    assert_eq!(world.ordered_at(&other).await?, [(true, false)]);
    // It is asked for everything, and no other one in its place.
    world.handle.kill("pebble-2", Signal::Kill).await?;
    let waits = create(BY_THE_OTHER).await?;
    world.says(&waits, "the CA can't be reached").await?;
    assert!(world.ordered_at(&waits).await?.is_empty());
    let nowhere = create(BY_NOBODY).await?;
    world
        .says(
            &nowhere,
            "names CAs that the broker doesn't have, which the broker's operator must settle: nobody",
        )
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_ca_that_caa_records_forbid_is_left_for_the_one_that_they_allow() -> anyhow::Result<()> {
    let world = World::own(two_cas()).await?;
    let names = [domain("caa-bound")];
    world.dns.add_caa(&names[0], &[("issue", MAIN_NAME)]).await?;
    world.handle.cut(Peer::Pebble, true).await?;
    let instance = world.create(&names).await?;
    until("the other CA was asked", async || {
        Ok(world.ordered_at(&instance).await?.contains(&(true, true)))
    })
    .await?;
    world
        .says(
            &instance,
            "CAA records forbid the CA that was asked in place of another one",
        )
        .await?;
    world.handle.cut(Peer::Pebble, false).await?;
    let answer = world
        .platform
        .poll(&instance.id, PATIENCE, "the first CA's record", |answer| {
            status::persist_value(answer.description()).is_some_and(|value| value.starts_with(MAIN_NAME))
        })
        .await?;
    world.set_persist(answer.description(), &names[0]).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(world.ordered_at(&instance).await?, [(true, true), (false, false)]);
    Ok(())
}

#[tokio::test]
async fn renewals_of_delegated_domains_go_to_the_other_ca_and_back_with_nobody_there() -> anyhow::Result<()> {
    let world = World::own(always_due(two_cas().with_delegation())).await?;
    let names = [domain("moves"), format!("*.{}", domain("moves-too"))];
    let instance = world.create(&names).await?;
    world.delegate(&instance).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let newest = async || Ok::<_, anyhow::Error>(world.ordered_at(&instance).await?.last().copied());
    assert_eq!(newest().await?, Some((false, false)));

    world.handle.cut(Peer::Pebble, true).await?;
    until("the other CA's certificate is served", async || {
        world.served_by_the_other(&names[0]).await
    })
    .await?;
    world.handle.cut(Peer::Pebble, false).await?;
    until("the first CA is asked again", async || {
        Ok(newest().await? == Some((false, false)))
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_record_that_names_an_account_keeps_its_renewals_where_they_are() -> anyhow::Result<()> {
    let world = World::own(always_due(two_cas())).await?;
    let names = [domain("stays")];
    let instance = world.create(&names).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &names[0]).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.handle.cut(Peer::Pebble, true).await?;
    let at_rest = world.ordered_at(&instance).await?.len();
    until(
        "a renewal waits for the first CA, which has been away for long enough",
        async || {
            let waits = "select count(*) from steps s join operations o on o.id = s.operation_id, ca_troubles t \
             where o.instance_id = $1 and o.kind = 'renew' and s.kind = 'place-order' and s.state = 'waiting' \
             and t.last_at - t.since > interval '2 seconds'";
            let row = world.sql().await?.query_one(waits, &[&instance.id]).await?;
            Ok(row.get::<_, i64>(0) > 0)
        },
    )
    .await?;
    assert_eq!(world.ordered_at(&instance).await?.len(), at_rest);
    world.handle.cut(Peer::Pebble, false).await?;
    until("it goes on there", async || {
        Ok(world.ordered_at(&instance).await?.len() > at_rest)
    })
    .await?;
    assert!(world.ordered_at(&instance).await?.iter().all(|(other, _)| !other));
    tokio::time::timeout(
        Duration::from_secs(60),
        world.platform.succeeded(&instance.id, PATIENCE),
    )
    .await??;
    Ok(())
}

#[tokio::test]
async fn tenants_that_share_an_account_prove_a_domain_each_for_itself() -> anyhow::Result<()> {
    let mut options = Options::fast()
        .with_delegation()
        .with_env("certificate-issuer", "ACME_ONE_ACCOUNT", "true");
    // The CA considers proved what anybody has proved with the account.
    options
        .pebble_env
        .insert("PEBBLE_AUTHZREUSE".to_owned(), "100".to_owned());
    let world = World::own(options).await?;
    let names = [domain("shared")];
    let first = world.create_in(&organization(), &names).await?;
    let answer = world.says(&first, "no CNAME record").await?;
    let told = answer.description();
    assert!(!told.contains(" TXT ") && !told.contains("http://"), "{told}");
    world.set_cnames(told, &first).await?;
    world.platform.succeeded(&first.id, PATIENCE).await?;
    world.delete(&first).await?;

    let second = world.create_in(&organization(), &names).await?;
    let theirs = status::cname_target(told, &names[0]).context("a target")?;
    let answer = world.says(&second, &format!("to {theirs}")).await?;
    let text = answer.description();
    let ours = status::cname_target(text, &names[0]).context("a target")?;
    assert_ne!(ours, theirs, "{text}");
    world.set_cnames(text, &second).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;
    let row = world
        .sql()
        .await?
        .query_one("select count(*), count(distinct account_uri) from acme_accounts", &[])
        .await?;
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1, 1));
    Ok(())
}
