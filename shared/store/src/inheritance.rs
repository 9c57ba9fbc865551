//! Delegation targets that an old broker has given to its tenants: external-domain-broker's are named after their domains
//! (its broker/dns.py: `_acme-challenge.<domain>.<DNS_ROOT_DOMAIN>`). When a tenant takes over a distribution, they become
//! its own, so that its CNAMEs stay as they are.

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use pipeline::domain::without_wildcard;
use pipeline::proof::Dns01;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

/// A domain's target in the old broker's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inheritable {
    /// The domain; of a wildcard, its parent.
    pub domain: String,
    /// The name to which the CNAME of the tenant has to lead.
    pub target: String,
    /// Whose it is, and becomes.
    pub whose: Whose,
}

/// Whose target it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// The old broker's: the tenant inherits it.
    OldBrokers,
    /// The tenant has another one, which stays.
    Own,
    /// The old broker's became this tenant's.
    Anothers(String),
}

/// In SQL: an order that runs offers the target of the row `t`, or it has proved the domain (`served`: in an operation that
/// was pruned).
const SERVES: &str = "(t.served or exists (select from instances i join operations o on o.instance_id = i.id \
     join orders r on r.operation_id = o.id join authorizations z on z.order_id = r.id \
     join steps s on s.operation_id = o.id and s.round = r.round and s.kind = 'verify-challenge' and s.subject = z.domain \
     where i.tenant = t.tenant and z.domain in (t.domain, '*.' || t.domain) \
       and z.challenges #>> '{offered,delegated-dns-01,target}' = t.label || '.' || t.zone \
       and (o.state = 'running' or s.state = 'done' and s.method = 'delegated-dns-01')))";

/// The domains whose targets these need, and the old broker's labels for them.
fn labels(domains: &[String]) -> (Vec<&str>, Vec<String>) {
    let bases: BTreeSet<&str> = domains.iter().map(|domain| without_wildcard(domain)).collect();
    bases.into_iter().map(|base| (base, Dns01::name(base))).unzip()
}

/// Lets the tenant of a new instance inherit the targets of its domains in this zone.
pub(crate) async fn inherit(
    tx: &Transaction<'_>,
    instance: &str,
    zone: &str,
    domains: &[String],
) -> Result<(), StoreError> {
    let (domains, labels) = labels(domains);
    let inherited = statement!("inherit-targets")
        .with("t_serves", SERVES)
        .run(tx, &[&instance, &zone, &domains, &labels])
        .await?;
    tracing::info!(
        instance,
        zone,
        inherited,
        "targets of the old broker are the tenant's now"
    );
    Ok(())
}

impl Store {
    /// What an instance of this tenant with these domains would inherit.
    ///
    /// # Errors
    /// Database errors.
    pub async fn inheritable_targets(
        &self,
        tenant: &str,
        zone: &str,
        domains: &[String],
    ) -> Result<Vec<Inheritable>, StoreError> {
        let (domains, labels) = labels(domains);
        let client = self.client().await?;
        statement!("inheritable-targets")
            .with("t_serves", SERVES)
            .all(&client, &[&tenant, &zone, &domains, &labels])
            .await?
            .iter()
            .map(|row| {
                let (own, anothers): (Option<String>, Option<String>) = (row.try_get("own")?, row.try_get("anothers")?);
                let old: String = row.try_get("label")?;
                let (label, whose) = match (own, anothers) {
                    (Some(own), _) if own != old => (own, Whose::Own),
                    (_, Some(tenant)) => (old, Whose::Anothers(tenant)),
                    (_, None) => (old, Whose::OldBrokers),
                };
                Ok(Inheritable {
                    domain: row.try_get("domain")?,
                    target: format!("{label}.{zone}"),
                    whose,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_and_its_parent_share_the_old_brokers_name() {
        let domains = ["*.example.com", "www.example.com", "example.com"].map(str::to_owned);
        let (bases, labels) = labels(&domains);
        assert_eq!(bases, ["example.com", "www.example.com"]);
        assert_eq!(
            labels,
            ["_acme-challenge.example.com", "_acme-challenge.www.example.com"]
        );
    }
}
