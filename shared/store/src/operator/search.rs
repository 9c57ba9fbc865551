//! Finding instances by a domain, by the beginning of their id, or by their organization.

use deadpool_postgres::Transaction;

use crate::error::StoreError;
use crate::operator::lists::{Chosen, Place, of_name, of_time};
use crate::statement::{Statement, statement, storable};

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'w> {
    /// Instances that have or request this domain, or one below it, those of the name itself first.
    Domain(&'w str),
    /// Instances whose id begins so.
    Beginning(&'w str),
    /// Instances of this tenant, the oldest first.
    Tenant(&'w str),
}

/// Behind every text that begins with what stands before it: no character comes after it.
const LAST: char = char::MAX;

impl Wanted<'_> {
    pub(super) async fn chosen(
        self,
        moment: &Transaction<'_>,
        after: Option<&Place>,
        most: i64,
    ) -> Result<Vec<Chosen>, StoreError> {
        let key = storable(after.map_or("", |place| place.key.as_str()));
        let instance = storable(after.map_or("", |place| place.instance.as_str()));
        match self {
            Self::Domain(domain) => {
                let domain = storable(domain);
                let rows = statement!("operator-domains-below")
                    .all(moment, &[&domain, &key, &instance, &most])
                    .await?;
                rows.iter().map(of_name).collect()
            }
            Self::Beginning(text) => {
                let begins = storable(text);
                let ends = format!("{begins}{LAST}");
                let rows = Statement::new(
                    "operator-beginning",
                    "select i.id as key, i.id as instance_id, null::text as note from instances i \
                     where i.id collate \"C\" >= $1 and i.id collate \"C\" < $2 and i.id collate \"C\" > $3 \
                     order by i.id collate \"C\" limit $4",
                )
                .all(moment, &[&begins, &ends, &instance, &most])
                .await?;
                rows.iter().map(of_name).collect()
            }
            Self::Tenant(tenant) => {
                let tenant = storable(tenant);
                let at = after.and_then(Place::at);
                let rows = Statement::new(
                    "operator-of-tenant",
                    "select i.created_at as key, i.id as instance_id, null::text as note from instances i \
                     where i.tenant = $1 and (i.created_at, i.id) > (coalesce($2::timestamptz, '-infinity'), $3::text) \
                     order by i.created_at, i.id limit $4",
                )
                .all(moment, &[&tenant, &at, &instance, &most])
                .await?;
                rows.iter().map(of_time).collect()
            }
        }
    }
}
