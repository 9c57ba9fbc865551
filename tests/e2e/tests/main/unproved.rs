//! What a tenant asks for and doesn't prove is bounded, however the requests come; what is refused changes nothing.

use std::collections::BTreeMap;

use anyhow::ensure;
use customer::{Answer, Platform};
use serde_json::json;
use stack::Options;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::world::{PATIENCE, World, domain, organization};

const INSTANCES: usize = 3;
const DOMAINS: usize = 7;

async fn world() -> &'static World {
    static WORLD: OnceCell<World> = OnceCell::const_new();
    WORLD
        .get_or_try_init(|| async {
            let options = Options::fast()
                .with_env("broker-api", "UNPROVED_INSTANCES", &INSTANCES.to_string())
                .with_env("broker-api", "UNPROVED_DOMAINS", &DOMAINS.to_string());
            World::own(options).await
        })
        .await
        .expect("the stack starts")
}

fn domains(count: usize) -> Vec<String> {
    (0..count).map(|number| domain(&format!("unproved-{number}"))).collect()
}

/// Asks for so many instances of one domain at the same time: ids and answers.
async fn crowd(platform: &Platform, organization: &str, count: usize) -> anyhow::Result<Vec<(String, Answer)>> {
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (platform, organization) = (platform.clone(), organization.to_owned());
        asked.spawn(async move {
            let id = Uuid::new_v4().to_string();
            let answer = platform
                .provision(&id, &organization, json!({"domains": domains(1)}))
                .await;
            answer.map(|answer| (id, answer))
        });
    }
    asked.join_all().await.into_iter().collect()
}

fn refused(answer: &Answer, setting: &str) -> anyhow::Result<()> {
    ensure!(answer.status == 400, "{} {}", answer.status, answer.text);
    for words in [
        "Nothing was changed",
        "operator can raise the limit",
        setting,
        "the oldest: unproved-",
    ] {
        ensure!(answer.description().contains(words), "{words:?} in {}", answer.text);
    }
    Ok(())
}

#[tokio::test]
async fn requests_that_come_at_once_do_not_exceed_the_bound_and_what_was_accepted_goes_on() -> anyhow::Result<()> {
    let world = world().await;
    let (tenant, other) = (organization(), organization());
    let answers = crowd(&world.platform, &tenant, 12).await?;
    let mut statuses = BTreeMap::<u16, usize>::new();
    for (_, answer) in &answers {
        *statuses.entry(answer.status).or_default() += 1;
    }
    ensure!(
        statuses == BTreeMap::from([(202, INSTANCES), (400, 12 - INSTANCES)]),
        "{statuses:?}"
    );
    let accepted: Vec<&String> = answers
        .iter()
        .filter(|(_, a)| a.status == 202)
        .map(|(id, _)| id)
        .collect();
    for (id, answer) in answers.iter().filter(|(_, answer)| answer.status != 202) {
        refused(answer, "UNPROVED_INSTANCES")?;
        let missing = world.platform.last_operation(id).await?;
        ensure!(missing.status == 404, "nothing of it is left: {}", missing.text);
    }
    // Others are not concerned.
    ensure!(crowd(&world.platform, &other, 1).await?[0].1.status == 202);
    // A deletion makes room, at once.
    ensure!(world.platform.deprovision(accepted[0]).await?.status == 202);
    ensure!(crowd(&world.platform, &tenant, 1).await?[0].1.status == 202);
    refused(&crowd(&world.platform, &tenant, 1).await?[0].1, "UNPROVED_INSTANCES")
}

#[tokio::test]
async fn a_proof_makes_room_and_an_update_that_adds_too_much_changes_nothing() -> anyhow::Result<()> {
    let world = world().await;
    let tenant = organization();
    let first = domains(2);
    let instance = world.created(&tenant, &first).await?;
    let most = domains(DOMAINS);
    let waiting = world.create_in(&tenant, &most).await?;
    let id = Uuid::new_v4().to_string();
    let one_more = world
        .platform
        .provision(&id, &tenant, json!({"domains": domains(1)}))
        .await?;
    refused(&one_more, "UNPROVED_DOMAINS")?;
    ensure!(one_more.description().contains("7 domains"), "{}", one_more.text);
    // The same request again is the same operation, and what adds nothing unproved is done.
    let again = world
        .platform
        .provision(&waiting.id, &tenant, json!({"domains": most}))
        .await?;
    ensure!(again.status == 202, "{}", again.text);
    let mut more = first.clone();
    more.extend(domains(1));
    let before = world.platform.last_operation(&instance.id).await?.text;
    refused(
        &world.platform.update(&instance.id, json!({"domains": more})).await?,
        "UNPROVED_DOMAINS",
    )?;
    ensure!(world.platform.last_operation(&instance.id).await?.text == before);
    world.serves(&instance).await?;
    let answer = world.platform.update(&instance.id, json!({"path": "/shop"})).await?;
    ensure!(answer.status == 202, "{}", answer.text);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    // Proved: there is room again.
    let told = world.told(&waiting).await?;
    for name in &most {
        world.set_persist(&told, name).await?;
    }
    world.platform.succeeded(&waiting.id, PATIENCE).await?;
    let answer = world.platform.update(&instance.id, json!({"domains": more})).await?;
    ensure!(answer.status == 202, "{}", answer.text);
    let told = world.told(&instance).await?;
    world.set_persist(&told, &more[2]).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.delete(&waiting).await?;
    world.delete(&instance).await
}
