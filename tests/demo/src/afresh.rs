//! A stack that stays (docker compose) may hold what a demo before has left there.

use std::time::Duration;

use customer::Platform;
use stack::Dns;

use crate::screen::line;

const PATIENCE: Duration = Duration::from_secs(120);

/// Ids may be used once: the first that is free, with the instances of demos that were interrupted removed, and the records that
/// a demo sets.
pub(crate) async fn begin(platform: &Platform, dns: &Dns, domains: &[String]) -> anyhow::Result<String> {
    let mut number = 0;
    let id = loop {
        number += 1;
        let id = format!("5f0c2f6a-demo-4d7e-9d7c-{number:012}");
        if platform.last_operation(&id).await?.status == 404 {
            break id;
        }
        if platform.deprovision(&id).await?.status == 202 {
            line("an earlier demo was interrupted; its instance is removed first");
            platform.succeeded(&id, PATIENCE).await?;
        }
    };
    for domain in domains {
        dns.clear_txt(&format!("_validation-persist.{domain}")).await?;
        dns.clear_txt(&format!("_acme-challenge.{domain}")).await?;
        dns.clear_cname(&format!("_acme-challenge.{domain}")).await?;
        dns.clear_a(domain).await?;
    }
    Ok(id)
}
