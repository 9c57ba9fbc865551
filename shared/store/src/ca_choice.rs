//! What decides at which CA an order is placed, where there are several.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pipeline::proof::Method;

use crate::connection::Store;
use crate::error::StoreError;
use crate::proofs::PROOFS;
use crate::statement::{Statement, statement};
use crate::steps::{Task, as_millis, lock_current, millis};

/// The directory of the CA of the order `r`, where a statement has `{ordered_at}`.
pub(crate) const ORDERED_AT: &str = "coalesce(r.directory_url, \
     (select a.directory_url from acme_accounts a where a.account_uri = r.account_uri limit 1))";

/// Longer than an order waits between two attempts.
const LONGEST_GAP: Duration = Duration::from_secs(30 * 60);

/// What the choice depends on. CAs are named by the URLs of their directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// The CA whose account a domain's record names: a tenant has to set another one for another CA.
    pub bound_to: Option<String>,
    /// The domains' records, where there are any, differ from those of other tenants with the same account.
    pub told_apart: bool,
    /// Less than a tenth of the lifetime of the certificate in use is left.
    pub urgent: bool,
    /// CAs that a domain's CAA records were seen to forbid during this operation.
    pub forbidden: Vec<String>,
}

/// A CA that has taken no order since some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaTrouble {
    /// How long ago that began.
    pub since: Duration,
    /// How long ago it was last asked.
    pub last: Duration,
}

impl Store {
    /// What the choice of the CA for the task's order depends on.
    ///
    /// # Errors
    /// Database errors.
    pub async fn circumstances(&self, task: &Task) -> Result<Circumstances, StoreError> {
        let those = |which: fn(Method) -> bool| -> Vec<&str> {
            let methods = Method::ALL.into_iter().filter(|method| which(*method));
            methods.map(Method::as_str).collect()
        };
        let (account, tenant) = (those(Method::names_the_account), those(Method::names_the_tenant));
        let client = self.client().await?;
        let row = statement!("ca-circumstances")
            .with("proofs", PROOFS)
            .with("ordered_at", ORDERED_AT)
            .one(
                &client,
                &[
                    &task.instance.id,
                    &task.instance.domains,
                    &task.operation,
                    &account,
                    &tenant,
                ],
            )
            .await?;
        Ok(Circumstances {
            bound_to: row.try_get("bound_to")?,
            told_apart: row.try_get("told_apart")?,
            urgent: row.try_get("urgent")?,
            forbidden: row.try_get("forbidden")?,
        })
    }

    /// The CAs in trouble, by the URLs of their directories.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ca_troubles(&self) -> Result<BTreeMap<String, CaTrouble>, StoreError> {
        let client = self.client().await?;
        Statement::new(
            "ca-troubles",
            "select directory_url, (extract(epoch from clock_timestamp() - since) * 1000)::bigint as since, \
             (extract(epoch from clock_timestamp() - last_at) * 1000)::bigint as last from ca_troubles",
        )
        .all(&client, &[])
        .await?
        .iter()
        .map(|row| {
            let trouble = CaTrouble {
                since: millis(row.try_get("since")?),
                last: millis(row.try_get("last")?),
            };
            Ok((row.try_get("directory_url")?, trouble))
        })
        .collect()
    }

    /// Records that the CA took no order just now, and returns for how long it has taken none. What was before a gap in which
    /// nobody asked is over.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ca_takes_no_order(&self, directory_url: &str) -> Result<Duration, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "ca-trouble-set",
            "insert into ca_troubles as t (directory_url) values ($1) \
             on conflict (directory_url) do update set last_at = excluded.last_at, \
               since = case when t.last_at < clock_timestamp() - $2::float8 * interval '1 millisecond' then excluded.since \
                 else t.since end \
             returning (extract(epoch from last_at - since) * 1000)::bigint",
        )
        .one(&client, &[&directory_url, &as_millis(LONGEST_GAP)])
        .await?;
        Ok(millis(row.try_get(0)?))
    }

    /// Records that the CA takes orders.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ca_takes_orders(&self, directory_url: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new("ca-trouble-over", "delete from ca_troubles where directory_url = $1")
            .run(&client, &[&directory_url])
            .await?;
        Ok(())
    }

    /// Those of the domains that an instance of the tenant has proved and has.
    ///
    /// # Errors
    /// Database errors.
    pub async fn domains_of_tenant(&self, tenant: &str, domains: &[String]) -> Result<BTreeSet<String>, StoreError> {
        let client = self.client().await?;
        Statement::new(
            "domains-of-tenant",
            "select distinct c.domain from claim_states c join instances i on i.id = c.instance_id \
             where i.tenant = $1 and c.domain = any($2) and c.state = 'has'",
        )
        .all(&client, &[&tenant, &domains])
        .await?
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect()
    }

    /// Records that CAA records forbid the CA of the task's order to issue.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn set_caa_forbids(&self, task: &Task) -> Result<(), StoreError> {
        self.in_transaction("set-caa-forbids", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "order-caa-forbids",
                "update orders set caa_forbids = true where operation_id = $1 and round = $2",
            )
            .run(tx, &[&task.operation, &task.round])
            .await?;
            Ok(())
        })
        .await
    }
}
