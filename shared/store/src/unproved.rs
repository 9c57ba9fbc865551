//! Limits on a tenant's requests that are not proved yet: each request costs DNS probes, orders at the CA and rows
//! here, and proves nothing.

use deadpool_postgres::Transaction;

use crate::error::StoreError;
use crate::statement::{Statement, statement};

/// How much of a tenant's may be unproved at the same time; 0: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Instances of which no domain is proved.
    pub instances: u32,
    /// Domains, summed over all instances.
    pub domains: u32,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Instances of which no domain is proved.
    Instances,
    /// Domains.
    Domains,
}

/// A request that would exceed a tenant's limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMuch {
    /// Which limit.
    pub of: Of,
    /// The number without the request.
    pub there: u32,
    /// The number that the request would add.
    pub more: u32,
    /// The limit.
    pub most: u32,
    /// Some of the unproved domains, those requested first.
    pub such_as: Vec<String>,
}

/// A tenant's unproved domains, of `claim_states c`. The state alone would suffice; the index is on the unproved ones.
const UNPROVED: &str = "c.tenant = $1 and not c.proved and c.state = 'asks'";

/// The number of unproved domains that are named.
const NAMED: i64 = 5;

/// What an instance is about to request.
pub(crate) struct Request<'r> {
    pub(crate) instance: &'r str,
    pub(crate) tenant: &'r str,
    pub(crate) domains: &'r [String],
}

/// The limit that the request would exceed, if there is one. Requests of one tenant are serialized here until they are
/// committed, so that concurrent ones can't exceed it together. A request that adds nothing unproved is never refused.
pub(crate) async fn too_much(
    tx: &Transaction<'_>,
    bounds: Bounds,
    request: &Request<'_>,
) -> Result<Option<TooMuch>, StoreError> {
    if bounds == Bounds::default() {
        return Ok(None);
    }
    Statement::new("unproved-lock", "select pg_advisory_xact_lock(hashtextextended($1, 3))")
        .run(tx, &[&request.tenant])
        .await?;
    // A separate statement, so that it reads what was committed while waiting for the lock.
    let row = statement!("unproved-count")
        .with("unproved", UNPROVED)
        .one(tx, &[&request.tenant, &request.instance, &request.domains])
        .await?;
    let count = |column: &str| Ok::<_, StoreError>(u32::try_from(row.try_get::<_, i64>(column)?).unwrap_or(u32::MAX));
    let (own, wanted) = (count("own_domains")?, count("wanted")?);
    let is_new = !row.try_get::<_, bool>("exists")?;
    let asked = [
        (
            Of::Instances,
            bounds.instances,
            count("instances_of_others")?,
            u32::from(is_new),
        ),
        (
            Of::Domains,
            bounds.domains,
            count("domains_of_others")?,
            wanted.saturating_sub(own),
        ),
    ];
    for (of, most, others, more) in asked {
        let there = match of {
            Of::Instances => others,
            Of::Domains => others.saturating_add(own),
        };
        if most > 0 && more > 0 && there.saturating_add(more) > most {
            let such_as = oldest(tx, request).await?;
            return Ok(Some(TooMuch {
                of,
                there,
                more,
                most,
                such_as,
            }));
        }
    }
    Ok(None)
}

async fn oldest(tx: &Transaction<'_>, request: &Request<'_>) -> Result<Vec<String>, StoreError> {
    let rows = Statement::new(
        "unproved-oldest",
        format!("select domain from claim_states c where {UNPROVED} order by asked_at, domain limit $2"),
    )
    .all(tx, &[&request.tenant, &NAMED])
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
