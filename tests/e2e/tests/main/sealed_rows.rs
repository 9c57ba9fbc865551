//! Sealed values belong to their row and column: who can write to the database can't give one place what was sealed for another.

use pipeline::reason::Spent;
use pipeline::{Outcome, StepKind};
use secrecy::{ExposeSecret as _, SecretBox};
use store::{KeyRing, Store, StoreError, Task};

use crate::records::{desk, of_kind};
use crate::world::{connect, domain, organization};

const DIRECTORY: &str = "https://ca.example/dir";
const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn key(text: &str) -> SecretBox<Vec<u8>> {
    SecretBox::new(Box::new(text.as_bytes().to_vec()))
}

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    let said = result.expect_err("refused").to_string();
    assert!(said.contains("sealed for another row or column"), "{said}");
}

/// The key of the order of the task's round; this one if it has none yet.
async fn order_key(store: &Store, ring: &KeyRing, task: &Task, fresh: &str) -> Result<String, StoreError> {
    let order = store.order(task).await?;
    let key = store.certificate_key(ring, task, order.id, &key(fresh)).await?;
    Ok(String::from_utf8_lossy(key.expose_secret()).into_owned())
}

#[tokio::test]
async fn two_columns_of_an_account_cannot_be_swapped() -> anyhow::Result<()> {
    let (desk, ring, tenant) = (desk().await?, KeyRing::parse(KEYS)?, organization());
    desk.store.account(&ring, &tenant, DIRECTORY, &key("now")).await?;
    let uri = "https://ca.example/acct/1";
    desk.store.set_account_uri(&tenant, DIRECTORY, Some(uri)).await?;
    desk.operator()
        .ask_for_rollovers(Some(std::slice::from_ref(&tenant)))
        .await?;
    let wanted = desk.store.wanted_rollovers().await?.pop().expect("a wish");
    desk.store
        .next_account_key(&ring, &wanted, &key("next"))
        .await?
        .expect("wanted");
    let sql = connect(&desk.url).await?;
    let swap = "update acme_accounts set sealed_key = next_sealed_key, next_sealed_key = sealed_key";
    sql.execute(swap, &[]).await?;
    refused(desk.store.known_account(&ring, &tenant, DIRECTORY).await);
    sql.execute(swap, &[]).await?;
    let account = desk
        .store
        .known_account(&ring, &tenant, DIRECTORY)
        .await?
        .expect("there");
    assert_eq!(account.key.expose_secret(), b"now");
    // The same account at another CA is another row.
    desk.store
        .account(&ring, &tenant, "https://other.example/dir", &key("other"))
        .await?;
    sql.execute(
        "update acme_accounts a set sealed_key = b.sealed_key from acme_accounts b where a.directory_url <> b.directory_url",
        &[],
    )
    .await?;
    refused(desk.store.known_account(&ring, &tenant, DIRECTORY).await);
    Ok(())
}

#[tokio::test]
async fn two_orders_of_an_instance_cannot_swap_their_keys() -> anyhow::Result<()> {
    let (desk, ring) = (desk().await?, KeyRing::parse(KEYS)?);
    let tasks = desk.provision(&organization(), &[domain("swap")]).await?;
    let first = of_kind(&tasks, StepKind::PlaceOrder);
    assert_eq!(order_key(&desk.store, &ring, first, "first").await?, "first");
    let spent = Outcome::spent(Spent::OrderForgotten);
    let wake_ups = desk.record(first, spent).await?.expect("current");
    let tasks = desk.tasks(&wake_ups).await?;
    let second = of_kind(&tasks, StepKind::PlaceOrder);
    assert_eq!(order_key(&desk.store, &ring, second, "second").await?, "second");
    let sql = connect(&desk.url).await?;
    sql.execute(
        "update orders a set sealed_key = b.sealed_key from orders b where a.operation_id = b.operation_id and a.id <> b.id",
        &[],
    )
    .await?;
    refused(order_key(&desk.store, &ring, second, "unused").await);
    Ok(())
}

#[tokio::test]
async fn a_superseded_worker_leaves_no_key_with_a_removed_instance() -> anyhow::Result<()> {
    let (desk, ring) = (desk().await?, KeyRing::parse(KEYS)?);
    let tasks = desk.provision(&organization(), &[domain("late")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let order = desk.store.order(task).await?;
    let sql = connect(&desk.url).await?;
    sql.batch_execute("update operations set state = 'superseded'").await?;
    let late = desk.store.certificate_key(&ring, task, order.id, &key("late")).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    let kept: i64 = sql
        .query_one("select count(*) from orders where sealed_key is not null", &[])
        .await?
        .get(0);
    assert_eq!(kept, 0);
    Ok(())
}
