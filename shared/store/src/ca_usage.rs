//! How much of what a CA limits was asked for of late. Several brokers with databases of their own don't know of each other.

use std::time::Duration;

use crate::connection::Store;
use crate::error::StoreError;
use crate::steps::{as_millis, millis};

/// What a CA counts. Orders that replace a certificate (RFC 9773), and what they led to, don't count.
#[derive(Debug, Clone, Copy)]
pub enum Counted<'a> {
    /// Orders of this account.
    Orders(&'a str),
    /// Accounts at this directory.
    Accounts(&'a str),
    /// Certificates with exactly these names.
    Same(&'a [String]),
    /// Certificates with this name, or one below it.
    Domain(&'a str),
}

impl Store {
    /// In how long one more is free, where there may be `most` within that time. `None`: now.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ca_free_in(
        &self,
        counted: &Counted<'_>,
        most: u32,
        within: Duration,
    ) -> Result<Option<Duration>, StoreError> {
        let client = self.pool.get().await?;
        let (last, within) = (i64::from(most) - 1, as_millis(within));
        // The oldest of the last `most`: once it is out of the time, there is room again.
        let query = |from: &str| {
            format!(
                "select (extract(epoch from x.created_at + $2::float8 * interval '1 millisecond' - now()) * 1000)::bigint as free_in \
                 from {from} and x.created_at > now() - $2::float8 * interval '1 millisecond' \
                 order by x.created_at desc offset $3 limit 1"
            )
        };
        const CERTIFICATES: &str = "certificates x join orders r on r.id = x.order_id where r.replaces is null";
        let row = match counted {
            Counted::Orders(account) => {
                let query = query("orders x where x.account_uri = $1 and x.replaces is null");
                client.query_opt(&query, &[account, &within, &last]).await?
            }
            Counted::Accounts(directory) => {
                let query = query("acme_accounts x where x.directory_url = $1 and x.account_uri is not null");
                client.query_opt(&query, &[directory, &within, &last]).await?
            }
            Counted::Same(names) => {
                let query = query(&format!(
                    "{CERTIFICATES} and x.names @> $1::text[] and x.names <@ $1::text[]"
                ));
                client.query_opt(&query, &[names, &within, &last]).await?
            }
            Counted::Domain(domain) => {
                let query = query(&format!(
                    "{CERTIFICATES} and exists (select from unnest(x.names) n where n = $1 or right(n, length($1) + 1) = '.' || $1)"
                ));
                client.query_opt(&query, &[domain, &within, &last]).await?
            }
        };
        row.map(|row| Ok(millis(row.try_get("free_in")?))).transpose()
    }
}
