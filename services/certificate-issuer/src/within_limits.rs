//! The CA's limits, kept to: what would be refused waits.

use std::time::Duration;

use pipeline::Outcome;
use pipeline::reason::CaReason;
use store::{Counted, StoreError, Task};
use worker::Stop;

use crate::ca::{Ca, Cas};
use crate::limits::Rate;

/// Waits when one more order would exceed a limit. Orders that replace a certificate (RFC 9773) need no check: Let's
/// Encrypt exempts them from all limits.
pub(crate) async fn before_order(cas: &Cas, ca: &Ca, task: &Task, account_uri: &str) -> Result<(), Stop> {
    let limits = ca.settings.limits;
    let domains = &task.instance.domains;
    wait(
        cas,
        limits.orders,
        &Counted::Orders(account_uri),
        "new orders of an organization",
    )
    .await?;
    wait(
        cas,
        limits.same,
        &Counted::Same(ca.url(), domains),
        "certificates with exactly these domains",
    )
    .await?;
    if limits.domain.is_some() {
        let mut registered: Vec<&str> = domains.iter().filter_map(|domain| psl::domain_str(domain)).collect();
        registered.sort_unstable();
        registered.dedup();
        for domain in registered {
            wait(
                cas,
                limits.domain,
                &Counted::Domain(ca.url(), domain),
                &format!("certificates for {domain} and what is below it"),
            )
            .await?;
        }
    }
    Ok(())
}

/// Waits when one more account would exceed a limit.
pub(crate) async fn before_account(cas: &Cas, ca: &Ca) -> Result<(), Stop> {
    let counted = Counted::Accounts(ca.url());
    wait(cas, ca.settings.limits.accounts, &counted, "new organizations").await
}

async fn wait(cas: &Cas, rate: Option<Rate>, counted: &Counted<'_>, what: &str) -> Result<(), Stop> {
    let Some(rate) = rate else { return Ok(()) };
    let free_in: Result<Option<Duration>, StoreError> = cas.store.ca_free_in(counted, rate.most, rate.within).await;
    match free_in? {
        None => Ok(()),
        Some(free_in) => Err(Outcome::pending_for(
            CaReason::OwnLimit {
                rate: rate.to_string(),
                of: what.to_owned(),
            },
            Some(free_in.max(Duration::from_secs(1))),
        )
        .into()),
    }
}
