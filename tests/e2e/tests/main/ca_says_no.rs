//! Our look passed and the CA's did not: a new order, the CA's words for the user, and the other domains left in peace.

use customer::status;

use crate::vantage::View;
use crate::world::{PATIENCE, domain, world};

#[tokio::test]
async fn the_user_is_told_the_cas_words_and_only_the_rejected_domain_is_asked_again() -> anyhow::Result<()> {
    let world = world().await;
    let (good, rejected) = (domain("ca-good"), domain("ca-rejected"));
    let instance = world.create(&[good.clone(), rejected.clone()]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &good).await?;
    // The verifiers see this order's record, the CA doesn't.
    let record = format!("_acme-challenge.{rejected}");
    let first = status::dns01_value(&told, &rejected).expect("a TXT value");
    world.vantage.show(&record, View::Txt(vec![first.clone()]));
    let verified = format!("Verified, 1 of 2: {good}.");
    let answer = world
        .platform
        .poll(&instance.id, PATIENCE, "the next order's values", |answer| {
            let text = answer.description();
            text.contains("the CA rejected it: ") && text.contains(&verified)
        })
        .await?;
    let about = status::about(answer.description(), &rejected).join("\n");
    assert!(
        about.contains("the CA rejected it: ") && about.contains("TXT record"),
        "the CA's own words: {about}"
    );
    let second = status::dns01_value(answer.description(), &rejected).expect("a new TXT value");
    assert_ne!(first, second, "a new order has a new token");

    world.dns.set_txt(&record, &second).await?;
    world.vantage.clear(&record);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await?;
    assert_eq!(world.orders(&instance).await?, 2, "one order for each round");
    let attempts: Vec<(i32, i32, bool)> = world
        .sql()
        .await?
        .query(
            "select s.round, s.attempt, s.verdict is not null from steps s join operations o on o.id = s.operation_id \
             where o.instance_id = $1 and s.kind = 'verify-challenge' and s.subject = $2 order by s.round",
            &[&instance.id, &good],
        )
        .await?
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[1], (2, 0, false), "the good domain was not probed again");
    Ok(())
}

#[tokio::test]
async fn the_cas_words_and_what_to_mend_stay_while_a_new_order_is_placed() -> anyhow::Result<()> {
    let world = world().await;
    let rejected = domain("ca-says-no-again");
    let instance = world.create(std::slice::from_ref(&rejected)).await?;
    let told = world.told(&instance).await?;
    let value = status::persist_value(&told).expect("a set-once record");
    // The verifiers see the record in every round, the CA in none.
    let record = format!("_validation-persist.{rejected}");
    world.vantage.show(&record, View::Txt(vec![value.clone()]));
    let answer = world.says(&instance, "order 3 follows 2 that failed").await?;
    let first_line = "Waiting for you: the CA rejected 1 of 1 domain.";
    assert!(answer.description().starts_with(first_line), "{}", answer.description());
    let about = status::about(answer.description(), &rejected).join("\n");
    assert!(
        about.contains("the CA rejected it: ") && about.contains("DNS-PERSIST-01"),
        "the CA's own words: {about}"
    );
    assert_eq!(
        status::persist_value_of(answer.description(), &rejected),
        Some(value.clone()),
        "what to set: {}",
        answer.description()
    );

    world.dns.set_txt(&record, &value).await?;
    world.vantage.clear(&record);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await
}
