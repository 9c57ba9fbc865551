//! Domains that are wrong for a while: the status says what is seen, and the right record mends it.

use customer::status;

use crate::vantage::View;
use crate::world::{PATIENCE, domain, world};

#[tokio::test]
async fn a_wrong_value_is_shown_with_the_right_one_until_it_is_mended() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.create(&[domain("mistyped"), domain("fine")]).await?;
    let told = world.told(&instance).await?;
    let [wrong, fine] = [&instance.domains[0], &instance.domains[1]];
    world.set_persist(&told, fine).await?;
    let record = format!("_acme-challenge.{wrong}");
    world.dns.set_txt(&record, "mistyped-value").await?;
    let answer = world.says(&instance, "mistyped-value").await?;
    let about = status::about(answer.description(), wrong).join("\n");
    let right = status::dns01_value(answer.description(), wrong).expect("the right value");
    assert!(about.contains("\"mistyped-value\", expected"), "{about}");
    let rhythm = "checked every minute.";
    assert!(answer.description().contains(rhythm), "{}", answer.description());
    world.dns.clear_txt(&record).await?;
    world.dns.set_txt(&record, &right).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await
}

/// The verifiers meet `trouble` at the domain's records; the status says so; once it is over, the instance succeeds.
async fn trouble(trouble: View, says: &str) -> anyhow::Result<()> {
    let world = world().await;
    let name = domain("trouble");
    let persist = format!("_validation-persist.{name}");
    let challenge = format!("_acme-challenge.{name}");
    world.vantage.show(&persist, trouble.clone());
    world.vantage.show(&challenge, trouble);
    let instance = world.create(std::slice::from_ref(&name)).await?;
    let answer = world.says(&instance, says).await?;
    assert!(answer.description().contains(&name), "{}", answer.description());
    let value = status::persist_value(answer.description()).expect("a set-once record");
    world.dns.set_txt(&persist, &value).await?;
    world.vantage.clear(&persist);
    world.vantage.clear(&challenge);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await
}

#[tokio::test]
async fn no_such_name() -> anyhow::Result<()> {
    trouble(View::NoSuchName, "NXDOMAIN").await
}

#[tokio::test]
async fn server_failure() -> anyhow::Result<()> {
    trouble(View::ServerFailure, "SERVFAIL").await
}

#[tokio::test]
async fn a_server_that_does_not_answer() -> anyhow::Result<()> {
    trouble(View::Silence, "no answer").await
}
