//! An alias that somebody else's distribution has: a clear end, and what remains is what the text says.

use serde_json::json;

use crate::world::{PATIENCE, domain, world};

#[tokio::test]
async fn the_user_is_told_and_deleting_leaves_nothing() -> anyhow::Result<()> {
    let world = world().await;
    let name = domain("foreign");
    world.aws_admin("foreign-alias", json!({"alias": name})).await?;
    let instance = world.create(std::slice::from_ref(&name)).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &name).await?;
    let answer = world.platform.failed(&instance.id, PATIENCE).await?;
    let text = answer.description();
    assert_eq!(world.distributions(&instance).await?.len(), 0);
    for words in [
        name.as_str(),
        "belongs to another CloudFront distribution",
        "certificate cdn-broker-",
        "delete",
    ] {
        assert!(text.contains(words), "{words:?} in: {text}");
    }
    world.delete(&instance).await?;
    assert_eq!(world.distributions(&instance).await?.len(), 0);
    let certificates = world.aws().await?["certificates"].to_string();
    assert!(!certificates.contains(&name), "{certificates}");
    Ok(())
}
