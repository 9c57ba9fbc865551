//! The logs of a full run hold no secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stack::SERVICES;

use crate::world::{domain, organization, world};

#[tokio::test]
async fn no_secret_is_in_any_log() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world
        .created(&organization(), &[domain("secret-a"), domain("secret-b")])
        .await?;
    world.delete(&instance).await?;
    // Wrong credentials and bad bodies must not be echoed into a log either.
    let wrong = world
        .platform
        .bare(reqwest::Method::GET, "/v2/catalog")
        .basic_auth("admin", Some("hunter2-wrong"));
    assert_eq!(customer::platform::answer(wrong).await?.status, 401);

    let e = world.handle.endpoints();
    let basic = STANDARD.encode(format!("{}:{}", e.broker_username, e.broker_password));
    let database_password = e.database_url.split(['@', ':']).nth(2).unwrap_or_default().to_string();
    let mut secrets = vec![
        ("the broker's password", e.broker_password.clone()),
        ("the operator's password", e.operator_password.clone()),
        ("the Authorization header", basic),
        ("an Authorization header", "authorization: basic".to_string()),
        ("the database's password", database_password),
        ("a private key", "private key-----".to_string()),
        ("a wrong password", "hunter2-wrong".to_string()),
    ];
    for (what, ring) in [("a sealing key", &e.sealing_keys), ("a page key", &e.page_keys)] {
        for (id, key) in ring.split(',').filter_map(|entry| entry.split_once(':')) {
            secrets.push((what, key.to_string()));
            assert!(!id.is_empty());
        }
    }
    for key in e.aws_keys.values() {
        secrets.push(("an AWS secret", key.secret.clone()));
    }
    let mut read = 0;
    for process in e
        .processes
        .iter()
        .filter(|p| SERVICES.iter().any(|service| p.name.starts_with(service)))
    {
        let text = std::fs::read_to_string(&process.log)?.to_lowercase();
        assert!(text.lines().count() > 1, "{} logs something", process.name);
        read += 1;
        for (what, secret) in &secrets {
            assert!(secret.len() > 6, "{what} is known");
            assert!(
                !text.contains(&secret.to_lowercase()),
                "{what} is in the log of {}",
                process.name
            );
        }
    }
    assert!(read >= 9, "the logs of every process were read");
    // PostgreSQL holds keys only sealed.
    let plain: i64 = world
        .sql()
        .await?
        .query_one(
            "select count(*) from acme_accounts where position(decode('3081', 'hex') in sealed_key) = 1 \
             or position('PRIVATE'::bytea in sealed_key) > 0",
            &[],
        )
        .await?
        .get(0);
    assert_eq!(plain, 0);
    let left: i64 = world
        .sql()
        .await?
        .query_one(
            "select count(*) from certificates where instance_id = $1 and sealed_key is not null",
            &[&instance.id],
        )
        .await?
        .get(0);
    assert_eq!(left, 0, "a retired certificate's key is wiped");
    Ok(())
}
