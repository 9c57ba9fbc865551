//! The floor of the verifiers: the same looks by the verifier's own library in a bare loop, without queue, database or
//! fairness.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use challenge_verifier::{DnsServer, Expected, ProbeSettings, Prober};
use pipeline::caa::CaaExpected;
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::site::Site;

/// What the verifiers know of the domains of instances whose ids begin with the parameter.
const WANTED: &str = "select z.domain, z.challenges, coalesce(r.caa_identities, '{}') as caa_identities, r.account_uri \
    from operations o join orders r on r.operation_id = o.id join authorizations z on z.order_id = r.id \
    where starts_with(o.instance_id, $1)";

/// With the settings as they ship, and those of the stack.
///
/// # Errors
/// When TLS can't be set up.
pub(crate) fn prober(site: &Site, resolver: SocketAddr) -> anyhow::Result<Prober> {
    Ok(Prober::new(&ProbeSettings {
        dns_resolver: DnsServer(Some(resolver.to_string())),
        dns_walk_resolver: DnsServer(None),
        dns_timeout: Duration::from_secs(5),
        dns_attempts: 2,
        dns_authoritative_port: 53,
        http01_port: site.stack.endpoints().http_port,
        http01_tls_port: 443,
        http_timeout: Duration::from_secs(10),
        allow_private_addresses: true,
        caa_check: true,
        resolver_check: true,
        probe_timeout: Duration::from_secs(30),
    })?)
}

/// What is to be seen for each domain of these instances.
///
/// # Errors
/// When the tables have another form.
pub(crate) async fn wanted(site: &Site, instances: &str) -> anyhow::Result<Vec<Expected>> {
    let rows = site.sql.query(WANTED, &[&instances]).await?;
    let mut wanted = Vec::new();
    for row in rows {
        let challenges: serde_json::Value = row.try_get("challenges")?;
        let account_uri: Option<String> = row.try_get("account_uri")?;
        wanted.push(Expected {
            domain: row.try_get("domain")?,
            challenges: serde_json::from_value(challenges).context("challenges")?,
            caa: Some(CaaExpected {
                identities: row.try_get("caa_identities")?,
                account_uri: account_uri.context("an order without an account")?,
                wildcard: false,
            }),
        });
    }
    Ok(wanted)
}

/// Looks at all of them, at so many at once.
///
/// # Errors
/// When a proof is not in place.
pub(crate) async fn all(prober: &Arc<Prober>, wanted: &Arc<Vec<Expected>>, at_once: usize) -> anyhow::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut looking = JoinSet::new();
    for _ in 0..at_once {
        let (prober, wanted, next) = (prober.clone(), wanted.clone(), next.clone());
        looking.spawn(async move {
            while let Some(expected) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                let look = prober.probe(expected, OffsetDateTime::now_utc()).await;
                ensure!(look.ready().is_some(), "{}: {look}", expected.domain);
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = looking.join_next().await {
        ended??;
    }
    Ok(())
}
