//! A user who never comes: the operation ends all the same, says what was last seen, and can be deleted.

use customer::Platform;
use serde_json::json;
use stack::{Handle, Options};

use crate::world::{PATIENCE, domain};

#[tokio::test]
async fn an_operation_ends_with_the_last_reason_when_its_time_is_over() -> anyhow::Result<()> {
    let stack = Handle::start(Options::fast().with_env("all", "OPERATION_DEADLINE", "4s")).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let (id, name) = ("nobody-comes", domain("nobody-comes"));
    let answer = platform.provision(id, "org", json!({"domains": [name]})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let answer = platform.failed(id, PATIENCE).await?;
    let text = answer.description();
    assert!(
        text.starts_with(&format!("{name} could not be verified in time: nothing found yet")),
        "{text}"
    );
    assert!(text.contains("Delete this service with `cf delete-service`"), "{text}");
    assert_eq!(platform.deprovision(id).await?.status, 202);
    platform.succeeded(id, PATIENCE).await?;
    let state = reqwest::get(format!("{}/state", e.aws_admin_url)).await?.text().await?;
    assert!(!state.contains(id), "nothing is left in AWS: {state}");
    Ok(())
}
