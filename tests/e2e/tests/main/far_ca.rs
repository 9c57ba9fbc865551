//! A CA that is 150 ms away, and an order of a hundred names: it still ends, each attempt within its kind's limit.

use customer::{Browser, Platform, status};
use serde_json::json;
use stack::{Dns, Handle, Options, Peer};
use std::time::Duration;

use crate::world::domain;

/// 100 names are some 300 round trips, one after the other.
const PATIENCE: Duration = Duration::from_secs(240);

#[tokio::test]
async fn a_hundred_names_at_a_ca_150_ms_away() -> anyhow::Result<()> {
    let stack = Handle::start(Options::fast().with_proxy(Peer::Pebble, 150)).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let dns = Dns::new(&e.dns_management_url)?;
    let domains: Vec<String> = (0..100).map(|i| domain(&format!("far-{i:03}"))).collect();
    let id = "far-instance";
    let answer = platform.provision(id, "far-org", json!({"domains": domains})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = platform
        .poll(id, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
    let value = status::persist_value(told.description()).expect("a set-once record");
    for domain in &domains {
        dns.set_txt(&format!("_validation-persist.{domain}"), &value).await?;
    }
    platform.succeeded(id, PATIENCE).await?;
    let browser = Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https)?;
    for domain in domains.iter().step_by(33) {
        assert_eq!(browser.https(domain, "/").await?.status, 200);
    }
    let sql = e.database().await?;
    let too_long: i64 = sql
        .query_one("select count(*) from steps where reason->>'broker' = 'overran'", &[])
        .await?
        .get(0);
    assert_eq!(too_long, 0, "no attempt was broken off");
    for kind in ["place-order", "answer-challenges", "finalize-order"] {
        let row = sql
            .query_one(
                "select extract(epoch from ended_at - created_at)::float8, attempt + 1 from steps where kind = $1",
                &[&kind],
            )
            .await?;
        let (seconds, attempts): (f64, i32) = (row.get(0), row.get(1));
        println!("{kind}: {seconds:.1} s, {attempts} attempts");
    }
    let orders: i64 = sql.query_one("select count(*) from orders", &[]).await?.get(0);
    assert_eq!(orders, 1);
    Ok(())
}
