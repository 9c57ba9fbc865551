//! The CA's limits are known: it is not asked for what it would refuse.

use std::time::Duration;

use stack::Options;
use store::{Counted, DatabaseArgs, Store};

use crate::world::{PATIENCE, World, domain, organization};

#[tokio::test]
async fn what_the_ca_would_refuse_waits_here_and_goes_on_by_itself() -> anyhow::Result<()> {
    let options = Options::fast().with_env("certificate-issuer", "ACME_LIMITS", "orders=1/15s,accounts=1/1h");
    let world = World::own(options).await?;
    let ours = organization();
    let first = world.created(&ours, &[domain("first")]).await?;
    assert_counted(&world, &first.domains).await?;

    // A second order of the organization is too soon, and is placed when it no longer is.
    let names = [domain("second")];
    let second = world.create_in(&ours, &names).await?;
    world
        .says(
            &second,
            "the CA allows at most 1 in 15s of new orders of an organization",
        )
        .await?;
    assert_eq!(world.orders(&second).await?, 0);
    let told = world.told(&second).await?;
    world.set_persist(&told, &names[0]).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;

    // So is another organization's account, for an hour.
    let other = world.create(&[domain("third")]).await?;
    world
        .says(&other, "the CA allows at most 1 in 1h of new organizations")
        .await?;
    let accounts: i64 = world
        .sql()
        .await?
        .query_one("select count(*) from acme_accounts where account_uri is not null", &[])
        .await?
        .get(0);
    assert_eq!(accounts, 1);
    for instance in [first, second, other] {
        world.delete(&instance).await?;
    }
    Ok(())
}

/// What was issued counts for its names, and for what is above them.
async fn assert_counted(world: &World, names: &[String]) -> anyhow::Result<()> {
    let store = Store::new(&DatabaseArgs::at(&world.handle.endpoints().database_url), "asks")?;
    let free_in = async |counted: Counted<'_>| store.ca_free_in(&counted, 1, Duration::from_secs(3600)).await;
    let here = world.handle.endpoints().acme_directory_url.as_str();
    assert!(free_in(Counted::Same(here, names)).await?.is_some());
    assert!(free_in(Counted::Domain(here, &names[0])).await?.is_some());
    assert!(free_in(Counted::Domain(here, "example.com")).await?.is_some());
    assert!(free_in(Counted::Domain(here, "ample.com")).await?.is_none());
    let more = [names[0].clone(), "another.example.com".to_owned()];
    assert!(free_in(Counted::Same(here, &more)).await?.is_none());
    let elsewhere = "https://other.example/dir";
    assert!(free_in(Counted::Same(elsewhere, names)).await?.is_none());
    assert!(free_in(Counted::Domain(elsewhere, "example.com")).await?.is_none());
    Ok(())
}
