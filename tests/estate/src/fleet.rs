//! The instances. Their tenants set a record for each domain once: a third of them a CNAME to the broker's own zone, and
//! their domains point elsewhere, so that nothing else proves them. Of the others half remove it again, and rely on their
//! domains pointing to the edge.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use customer::{Browser, Platform, status};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use stack::{Dns, Endpoints, Handle};

use crate::prober::Visitor;

/// The number of instances that are created concurrently.
const AT_ONCE: usize = 12;
/// Instances per organization, which has one account at the CA.
const PER_ORGANIZATION: u16 = 5;
const PATIENCE: Duration = Duration::from_secs(300);

/// The instances' domains.
pub(crate) struct Fleet(Vec<Vec<String>>);

impl Fleet {
    /// Creates all instances.
    pub(crate) async fn make(stack: &Arc<Handle>, count: u16, say: fn(&str)) -> anyhow::Result<Self> {
        let e = stack.endpoints();
        let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
        let dns = Dns::new(&e.dns_management_url)?;
        let fleet = Self((0..count).map(domains).collect());
        let mut made = 0;
        let mut making = stream::iter(0..count)
            .map(|number| make_one(&platform, &dns, e, number, &fleet.0[usize::from(number)]))
            .buffer_unordered(AT_ONCE);
        while making.try_next().await?.is_some() {
            made += 1;
            if made % 50 == 0 {
                say(&format!("{made} instances are made"));
            }
        }
        drop(making);
        Ok(fleet)
    }

    /// Every domain of every instance.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flatten()
    }

    /// The domains whose tenants have set the CNAME.
    pub(crate) fn delegated(&self) -> Vec<&str> {
        let delegating = (0..).zip(&self.0).filter(|(number, _)| delegates(*number));
        delegating
            .flat_map(|(_, domains)| domains.iter().map(String::as_str))
            .collect()
    }

    /// A visitor of all domains.
    pub(crate) fn visitor(&self, e: &Endpoints) -> anyhow::Result<Visitor> {
        Ok(Visitor {
            browser: Browser::new(&e.pebble_roots_pem, e.edge_http, e.edge_https)?,
            domains: self.domains().cloned().collect(),
        })
    }
}

/// 1 to 20 of them.
fn domains(number: u16) -> Vec<String> {
    (0..=(number * 7 % 20))
        .map(|domain| format!("d{domain}.i{number:03}.example.com"))
        .collect()
}

/// Whether the instance's tenant sets the CNAME.
fn delegates(number: u16) -> bool {
    number % 3 == 2
}

async fn make_one(
    platform: &Platform,
    dns: &Dns,
    e: &Endpoints,
    number: u16,
    domains: &[String],
) -> anyhow::Result<()> {
    let id = format!("estate-{number:03}");
    let organization = format!("organization-{:02}", number / PER_ORGANIZATION);
    let answer = platform
        .provision(&id, &organization, json!({"domains": domains}))
        .await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    let told = platform
        .poll(&id, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
    let value = status::persist_value(told.description()).context("a value")?;
    let record = |domain: &String| format!("_validation-persist.{domain}");
    let delegates = delegates(number);
    for domain in domains {
        if delegates {
            let target = status::cname_target(told.description(), domain).context("a target")?;
            dns.set_cname(&format!("_acme-challenge.{domain}"), &target).await?;
            dns.add_a(domain, &[&e.origin_addr.ip().to_string()]).await?;
        } else {
            dns.set_txt(&record(domain), &value).await?;
        }
    }
    platform.succeeded(&id, PATIENCE).await?;
    if number % 2 == 1 && !delegates {
        for domain in domains {
            dns.clear_txt(&record(domain)).await?;
        }
    }
    Ok(())
}
