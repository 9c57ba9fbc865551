//! Recent use of what a CA rate-limits. Several brokers with separate databases don't know of each other's use.
//!
//! Each query reads at most as many rows as the limit, newest first, through an index: it runs before each order.

use std::time::Duration;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::{as_millis, millis};

/// What a CA counts. Orders that replace a certificate (RFC 9773), and the certificates they produced, don't count.
#[derive(Debug, Clone, Copy)]
pub enum Counted<'a> {
    /// Orders of this account.
    Orders(&'a str),
    /// Accounts at this directory.
    Accounts(&'a str),
    /// Certificates of the CA with this directory, with exactly these names.
    Same(&'a str, &'a [String]),
    /// Certificates of the CA with this directory, with this name or a subdomain of it.
    Domain(&'a str, &'a str),
}

/// Records which of the certificates in `stored` count against limits: each name, and each parent domain except the
/// top-level one.
pub(crate) const COUNT_NAMES: &str = "insert into counted_names (certificate_id, name, created_at, directory_url) \
    select distinct c.id, array_to_string(labels[i:], '.'), c.created_at, {ordered_at} \
    from stored c join orders r on r.id = c.order_id and r.replaces is null, \
    unnest(c.names) as name, string_to_array(name, '.') as labels, generate_series(1, cardinality(labels) - 1) as i";

impl Store {
    /// How long until another one is allowed, given a limit of `most` within that time. `None`: now.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ca_free_in(
        &self,
        counted: &Counted<'_>,
        most: u32,
        within: Duration,
    ) -> Result<Option<Duration>, StoreError> {
        let client = self.client().await?;
        let (last, within) = (i64::from(most) - 1, as_millis(within));
        let row = match counted {
            Counted::Orders(account) => {
                Statement::new(
                    "ca-orders",
                    query("orders x where x.account_uri = $3 and x.replaces is null"),
                )
                .optional(&client, &[&within, &last, account])
                .await?
            }
            Counted::Accounts(directory) => {
                Statement::new(
                    "ca-accounts",
                    query("acme_accounts x where x.directory_url = $3 and x.account_uri is not null"),
                )
                .optional(&client, &[&within, &last, directory])
                .await?
            }
            Counted::Same(directory, names) => {
                // The longest name has the fewest other names below it.
                let Some(one) = names.iter().max_by_key(|name| name.len()) else {
                    return Ok(None);
                };
                Statement::new(
                    "ca-same-names",
                    query(
                        "counted_names x join certificates c on c.id = x.certificate_id where x.name = $3 \
                     and (x.directory_url is null or x.directory_url = $5) and c.names @> $4::text[] and c.names <@ $4::text[]",
                    ),
                )
                .optional(&client, &[&within, &last, one, names, directory])
                .await?
            }
            Counted::Domain(directory, domain) => {
                Statement::new(
                    "ca-domain",
                    query("counted_names x where x.name = $3 and (x.directory_url is null or x.directory_url = $4)"),
                )
                .optional(&client, &[&within, &last, domain, directory])
                .await?
            }
        };
        row.map(|row| Ok(millis(row.try_get("free_in")?))).transpose()
    }
}

/// The oldest of the last `most` (`$2` is one less) within the time (`$1`): once it leaves that window, another one is
/// allowed.
fn query(from: &str) -> String {
    format!(
        "select (extract(epoch from x.created_at + $1::float8 * interval '1 millisecond' - now()) * 1000)::bigint \
           as free_in \
         from {from} and x.created_at > now() - $1::float8 * interval '1 millisecond' \
         order by x.created_at desc offset $2 limit 1"
    )
}
