//! The standing record of dns-persist-01, as the CA wants it: known since the order, when the account and the CA's
//! directory were at hand.

use pipeline::persist::{AccountUris, PersistExpected};
use tokio_postgres::Row;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// In an account's standing records is its URL, so that they outlast every change of its key (drafts -00 and -01).
pub const ACCOUNT_URL: &str = "account-url";
/// In an account's standing records is a digest of the domain, its key and its URL (draft -02).
pub const HASHED: &str = "hashed";

/// The standing record that proves a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which form it is: [`ACCOUNT_URL`] or [`HASHED`].
    pub form: String,
    /// The CA's names; any one of them will do.
    pub issuer_domains: Vec<String>,
    /// What it may have for `accounturi`; the first is the one to set.
    pub account_uris: Vec<String>,
}

/// Of a `z` of authorizations and the `r` of its order.
pub(crate) const STANDING_COLUMNS: &str = "z.issuer_domains, coalesce(z.persist_form, 'account-url') as persist_form, \
     coalesce(z.persist_account_uris, array_remove(array[r.account_uri], null)) as persist_account_uris";

pub(crate) fn standing_from(row: &Row) -> Result<Option<Standing>, StoreError> {
    let issuer_domains: Option<Vec<String>> = row.try_get("issuer_domains")?;
    issuer_domains
        .map(|issuer_domains| {
            Ok(Standing {
                form: row.try_get("persist_form")?,
                issuer_domains,
                account_uris: row.try_get("persist_account_uris")?,
            })
        })
        .transpose()
}

impl Standing {
    /// What is looked for at the name. `None` when it isn't known what would prove it.
    pub fn expected(self, wildcard: bool) -> Option<PersistExpected> {
        Some(PersistExpected {
            issuer_domains: self.issuer_domains,
            account_uri: AccountUris::new(self.account_uris)?,
            wildcard,
        })
    }
}

/// What the newest order at a CA said of dns-persist-01.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingSeen {
    /// The form; none when the CA doesn't offer it, or not in a form that is known.
    pub form: Option<String>,
    /// Why it is offered and can't be used.
    pub problem: Option<String>,
}

impl Store {
    /// What the newest order at this CA, of those with a domain that was still to be proved, said of dns-persist-01.
    ///
    /// # Errors
    /// Database errors.
    pub async fn standing_seen(&self, directory_url: &str) -> Result<Option<StandingSeen>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "standing-seen",
            "select case when z.issuer_domains is not null then coalesce(z.persist_form, 'account-url') end as form, \
             z.persist_problem as problem \
             from acme_accounts a join orders r on r.account_uri = a.account_uri join authorizations z \
             on z.order_id = r.id \
             where a.directory_url = $1 and not z.valid order by r.created_at desc, z.domain limit 1",
        )
        .optional(&client, &[&directory_url])
        .await?;
        row.map(|row| {
            Ok(StandingSeen {
                form: row.try_get("form")?,
                problem: row.try_get("problem")?,
            })
        })
        .transpose()
    }
}
