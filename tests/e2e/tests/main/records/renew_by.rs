//! Who decided when a certificate is renewed is kept with that time.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Client;
use uuid::Uuid;

use super::desk;
use crate::world::connect;

const HOUR: Duration = Duration::from_secs(3_600);

/// A certificate in use, whose renewal is not decided.
const SERVED: &str = "
    insert into instances (id, tenant, service_id, plan_id, settings, request)
        values ('i', 't', 's', 'p', '{}', '{\"parameters\": {\"domains\": [\"a.example.com\"]}}');
    insert into operations (id, instance_id, kind, state, created_at, deadline_at, ended_at)
        values (md5('o')::uuid, 'i', 'provision', 'succeeded', now(), now(), now());
    insert into orders (id, operation_id, round, account_uri, created_at)
        values (md5('r')::uuid, md5('o')::uuid, 0, 'https://ca.test/a/1', now());
    insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at, created_at)
        values (md5('c')::uuid, 'i', md5('r')::uuid, array['a.example.com'], '', now(), now() + interval '90 days', now(), now())";

async fn decided_by(sql: &Client) -> anyhow::Result<Option<String>> {
    Ok(sql.query_one("select renew_by from certificates", &[]).await?.get(0))
}

#[tokio::test]
async fn who_decided_when_a_certificate_is_renewed_is_told() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    sql.batch_execute(SERVED).await?;
    let certificate: Uuid = sql.query_one("select id from certificates", &[]).await?.get(0);
    let in_days = |days: i64| OffsetDateTime::now_utc() + time::Duration::days(days);
    assert_eq!(decided_by(&sql).await?, None);

    desk.store.set_renew_at(certificate, in_days(60)).await?;
    assert_eq!(decided_by(&sql).await?.as_deref(), Some("share"));
    desk.store.set_renewal_info(certificate, None, HOUR).await?;
    assert_eq!(decided_by(&sql).await?.as_deref(), Some("share"), "the CA said nothing");
    desk.store
        .set_renewal_info(certificate, Some(in_days(50)), HOUR)
        .await?;
    assert_eq!(decided_by(&sql).await?.as_deref(), Some("ca"));
    let page = desk.store.page("i").await?.expect("a page");
    let renewal = page.certificate().expect("a certificate").renewal;
    assert!(renewal.ends_with("The CA has suggested that time."), "{renewal}");

    desk.operator().renew_all_soon().await?;
    assert_eq!(decided_by(&sql).await?.as_deref(), Some("operator"));
    // What is due stays due, and why.
    desk.store
        .set_renewal_info(certificate, Some(in_days(50)), HOUR)
        .await?;
    assert_eq!(decided_by(&sql).await?.as_deref(), Some("operator"));
    Ok(())
}
