//! A domain changes hands: from an instance that can't prove it any more to one that can, and never from one that can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;
use stack::Options;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::cdnctl::operate;
use crate::world::{Instance, PATIENCE, World, domain, organization, until};

/// The customer's old web server: a name that leads there leads to no distribution.
const ELSEWHERE: &str = "127.0.0.2";

/// A stack of this file's own: a domain goes over after seconds.
async fn world() -> &'static World {
    static WORLD: OnceCell<World> = OnceCell::const_new();
    WORLD
        .get_or_try_init(|| async {
            let options = Options::fast()
                .with_env("challenge-verifier", "CLAIM_GRACE", "3s")
                .with_env("all", "UPDATE_UNSEEN_DEADLINE", "3s")
                .with_replicas("challenge-verifier", 2);
            World::own(options).await
        })
        .await
        .expect("the stack starts")
}

async fn fetched(world: &World, instance: &Instance) -> anyhow::Result<String> {
    let path = format!("/v2/service_instances/{}", instance.id);
    let answer = world.platform.call(reqwest::Method::GET, &path, None).await?;
    ensure!(answer.status == 200, "{}", answer.text);
    Ok(answer.body["parameters"]["domain_problem"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

/// Visits a name all the time; tells how often it was served, and how often it was not.
struct Visitor {
    stop: Arc<AtomicBool>,
    failed: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<u32>,
}

impl Visitor {
    fn of(world: &'static World, name: &str) -> Self {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (stopped, failures, name) = (stop.clone(), failed.clone(), name.to_owned());
        let task = tokio::spawn(async move {
            let (browser, mut served) = (world.browser(), 0);
            while !stopped.load(Ordering::Relaxed) {
                match browser.https(&name, "/").await {
                    Ok(visit) if visit.status == 200 => served += 1,
                    _ => {
                        failures.fetch_add(1, Ordering::Relaxed);
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            served
        });
        Self { stop, failed, task }
    }

    async fn ends(self) -> anyhow::Result<(u32, u32)> {
        self.stop.store(true, Ordering::Relaxed);
        let served = self.task.await?;
        Ok((served, self.failed.load(Ordering::Relaxed)))
    }
}

#[tokio::test]
async fn a_domain_whose_proof_is_gone_goes_to_who_proves_it_after_the_grace_without_a_gap() -> anyhow::Result<()> {
    let world = world().await;
    let (name, stays) = (domain("moves"), domain("stays"));
    let before = world.created(&organization(), &[name.clone(), stays.clone()]).await?;
    let visitor = Visitor::of(world, &name);
    // The owner's record goes, and the name leads elsewhere.
    world.dns.clear_txt(&format!("_validation-persist.{name}")).await?;
    world.dns.add_a(&name, &[ELSEWHERE]).await?;
    let after = world.create(std::slice::from_ref(&name)).await?;
    let told = world.told(&after).await?;
    ensure!(
        told.contains("another service instance has the domain so far"),
        "{told}"
    );
    world.set_persist(&told, &name).await?;
    let waits = world.says(&after, "It becomes yours at").await?;
    ensure!(
        waits.description().contains(&format!("{name}: in place")),
        "{}",
        waits.text
    );
    // The one that has it is told what will happen, when, and what keeps it.
    let warned = world.platform.last_operation(&before.id).await?;
    for words in [
        &format!("Another service instance has proved {name}"),
        "it moves there at",
        "To keep it, set one of these:",
        &format!("{name} CNAME "),
        "_validation-persist.",
    ] {
        ensure!(warned.description().contains(words), "{words:?} in {}", warned.text);
    }
    ensure!(
        fetched(world, &before).await?.contains("To keep it"),
        "{}",
        fetched(world, &before).await?
    );
    world.platform.succeeded(&after.id, PATIENCE).await?;
    world.serves(&after).await?;
    let (served, failed) = visitor.ends().await?;
    ensure!(
        failed == 0 && served > 20,
        "{served} visits were served, {failed} were not"
    );
    // What is left of the one before goes on, and it is told.
    world.visit(&stays).await?;
    let lost = fetched(world, &before).await?;
    ensure!(lost.contains(&format!("leave {name} out")), "{lost}");
    let said = operate(&world.handle, &["domains", &name]).await?;
    ensure!(
        said.text.contains("has") && said.text.contains(&format!("{} proved it", after.id)),
        "{}",
        said.text
    );
    // Its renewal leaves the domain out.
    let said = operate(&world.handle, &["renew", &before.id]).await?;
    ensure!(said.code == Some(0), "{}{}", said.text, said.errors);
    until("the renewed certificate is for the domain that stayed", async || {
        let visit = world.visit(&stays).await?;
        Ok(visit.names == [stays.clone()])
    })
    .await?;
    world.serves(&after).await?;
    world.delete(&before).await?;
    world.serves(&after).await?;
    world.delete(&after).await
}

#[tokio::test]
async fn a_domain_whose_proof_is_still_there_never_goes() -> anyhow::Result<()> {
    let world = world().await;
    let (name, led) = (domain("kept"), domain("led"));
    let owner = world.created(&organization(), &[name.clone(), led.clone()]).await?;
    // One is proved by its record, though its name leads elsewhere; the other by its name alone.
    world.dns.add_a(&name, &[ELSEWHERE]).await?;
    world.dns.clear_txt(&format!("_validation-persist.{led}")).await?;
    let target = world.distributions(&owner).await?[0]["domain_name"]
        .as_str()
        .context("a domain name")?
        .to_owned();
    world.dns.set_cname(&led, &target).await?;
    for (wanted, proof) in [(&name, "_validation-persist."), (&led, target.as_str())] {
        let other = world.create(std::slice::from_ref(wanted)).await?;
        let failed = world.platform.failed(&other.id, PATIENCE).await?;
        let text = failed.description();
        ensure!(
            text.starts_with(&format!("{wanted} belongs to another service instance")),
            "{text}"
        );
        ensure!(text.contains(proof), "{proof} in {text}");
        world.delete(&other).await?;
    }
    world.delete(&owner).await
}

/// Shown before: 4 of 4. The CA spares the challenge, since the account proved the name once.
#[tokio::test]
async fn what_the_ca_remembers_wins_no_domain_while_another_asks() -> anyhow::Result<()> {
    let world = world().await;
    let (tenant, name) = (organization(), domain("remembered"));
    let gone = world.created(&tenant, std::slice::from_ref(&name)).await?;
    world.dns.clear_txt(&format!("_validation-persist.{name}")).await?;
    world.delete(&gone).await?;
    let new_owner = world.create(std::slice::from_ref(&name)).await?;
    let told = world.told(&new_owner).await?;
    let again = world.create_in(&tenant, std::slice::from_ref(&name)).await?;
    let waits = world.told(&again).await?;
    ensure!(waits.starts_with("Waiting for you"), "{waits}");
    world.set_persist(&told, &name).await?;
    world.platform.succeeded(&new_owner.id, PATIENCE).await?;
    world.serves(&new_owner).await?;
    let failed = world.platform.failed(&again.id, PATIENCE).await?;
    ensure!(
        failed.description().contains("belongs to another service instance"),
        "{}",
        failed.text
    );
    world.delete(&again).await?;
    world.delete(&new_owner).await
}

#[tokio::test]
async fn a_proof_lapses_with_its_certificate() -> anyhow::Result<()> {
    let world = world().await;
    let name = domain("lapsed");
    let before = world.created(&organization(), std::slice::from_ref(&name)).await?;
    world.dns.clear_txt(&format!("_validation-persist.{name}")).await?;
    let ended = "update certificates set not_after = now() - interval '1 hour' where instance_id = $1";
    world.sql().await?.execute(ended, &[&before.id]).await?;
    let said = operate(&world.handle, &["domains", &name]).await?;
    ensure!(said.text.contains("its certificate has ended"), "{}", said.text);
    let after = world.created(&organization(), std::slice::from_ref(&name)).await?;
    world.serves(&after).await?;
    world.delete(&before).await?;
    world.delete(&after).await
}

#[tokio::test]
async fn ones_own_leftovers_are_never_in_the_way() -> anyhow::Result<()> {
    let world = world().await;
    let (tenant, name) = (organization(), domain("own"));
    let domains = std::slice::from_ref(&name);
    // Deleted and created in one breath.
    let first = world.created(&tenant, domains).await?;
    ensure!(world.platform.deprovision(&first.id).await?.status == 202);
    let second = world.create_in(&tenant, domains).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;
    world.serves(&second).await?;
    world.platform.succeeded(&first.id, PATIENCE).await?;
    world.serves(&second).await?;
    world.delete(&second).await?;
    // Cloud Controller makes another id when a creation has failed, and deletes the first one later.
    let failed = world.create_in(&tenant, domains).await?;
    operate(&world.handle, &["cancel", &failed.id, "--why", "a test", "--yes"]).await?;
    world.platform.failed(&failed.id, PATIENCE).await?;
    let third = world.create_in(&tenant, domains).await?;
    world.platform.succeeded(&third.id, PATIENCE).await?;
    world.serves(&third).await?;
    // A living one is in the way.
    let id = Uuid::new_v4().to_string();
    let refused = world
        .platform
        .provision(&id, &tenant, json!({"domains": domains}))
        .await?;
    ensure!(
        refused.status == 400 && refused.description().contains("this organization"),
        "{}",
        refused.text
    );
    world.delete(&failed).await?;
    world.serves(&third).await?;
    world.delete(&third).await
}

#[tokio::test]
async fn an_update_with_a_mistyped_domain_ends_by_itself_and_changes_nothing() -> anyhow::Result<()> {
    let world = world().await;
    let (name, mistyped) = (domain("right"), domain("mistyped"));
    let instance = world.created(&organization(), std::slice::from_ref(&name)).await?;
    let answer = world
        .platform
        .update(&instance.id, json!({"domains": [name, mistyped]}))
        .await?;
    ensure!(answer.status == 202, "{}", answer.text);
    world
        .says(&instance, "this update ends by itself and changes nothing")
        .await?;
    let failed = world.platform.failed(&instance.id, PATIENCE).await?;
    ensure!(failed.description().contains("Nothing was changed"), "{}", failed.text);
    world.serves(&instance).await?;
    // Once it was seen in place it has its time.
    let seen = domain("seen");
    world
        .platform
        .update(&instance.id, json!({"domains": [name, seen]}))
        .await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &seen).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.delete(&instance).await
}

#[tokio::test]
async fn an_operator_releases_a_domain() -> anyhow::Result<()> {
    let world = world().await;
    let name = domain("released");
    let before = world.created(&organization(), std::slice::from_ref(&name)).await?;
    let said = operate(&world.handle, &["release", &name]).await?;
    ensure!(said.code == Some(2), "nobody is there to ask: {}", said.text);
    let said = operate(&world.handle, &["release", &name, "--yes"]).await?;
    ensure!(said.code == Some(0), "{}{}", said.text, said.errors);
    world.serves(&before).await?;
    let after = world.created(&organization(), std::slice::from_ref(&name)).await?;
    world.serves(&after).await?;
    let said = operate(&world.handle, &["release", &domain("nobodys"), "--yes"]).await?;
    ensure!(said.code == Some(1), "{}", said.text);
    world.delete(&before).await?;
    world.serves(&after).await?;
    world.delete(&after).await
}
