//! The CA's limits are known: it is not asked for what it would refuse.

use stack::Options;

use crate::world::{PATIENCE, World, domain, organization};

#[tokio::test]
async fn what_the_ca_would_refuse_waits_here_and_goes_on_by_itself() -> anyhow::Result<()> {
    let options = Options::fast().with_env("certificate-issuer", "ACME_LIMITS", "orders=1/15s,accounts=1/1h");
    let world = World::own(options).await?;
    let ours = organization();
    let first = world.created(&ours, &[domain("first")]).await?;

    // A second order of the organization is too soon, and is placed when it no longer is.
    let names = [domain("second")];
    let second = world.create_in(&ours, &names).await?;
    world
        .says(
            &second,
            "the CA takes at most 1 in 15s of new orders of an organization",
        )
        .await?;
    assert_eq!(world.orders(&second).await?, 0);
    let told = world.told(&second).await?;
    world.set_persist(&told, &names[0]).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;

    // So is another organization's account, for an hour.
    let other = world.create(&[domain("third")]).await?;
    world
        .says(&other, "the CA takes at most 1 in 1h of new organizations")
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
