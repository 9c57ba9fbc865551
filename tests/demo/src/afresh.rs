//! A stack that stays (docker compose) may hold what a demo before has left there.

use std::time::Duration;

use customer::Platform;
use stack::Dns;

use crate::screen::line;

const PATIENCE: Duration = Duration::from_secs(120);

/// Removes the instance of a demo that was interrupted, and the records that a demo sets.
pub(crate) async fn begin(platform: &Platform, dns: &Dns, id: &str, domains: &[String]) -> anyhow::Result<()> {
    if platform.deprovision(id).await?.status == 202 {
        line("an earlier demo was interrupted; its instance is removed first");
        platform.succeeded(id, PATIENCE).await?;
    }
    for domain in domains {
        dns.clear_txt(&format!("_validation-persist.{domain}")).await?;
        dns.clear_txt(&format!("_acme-challenge.{domain}")).await?;
        dns.clear_a(domain).await?;
    }
    Ok(())
}
