//! Re-sealing: every sealed value is rewritten with the newest key in the newest format, so that an old key can be
//! dropped. It is safe next to running services (a value that changed since it was read is left unchanged), and can be
//! repeated or interrupted.

use std::collections::BTreeMap;

use crate::connection::Store;
use crate::error::StoreError;
use crate::sealing::{KeyRing, Place, SealingError};
use crate::statement::Statement;

/// The number of rows read at once.
const BATCH: i64 = 100;

/// What was done, and the resulting state.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// The number of rewritten values.
    pub resealed: u64,
    /// Values by the id of the key that seals them, the newest one's included.
    pub by_key: BTreeMap<String, i64>,
    /// The number of values that could not be opened, by table and reason.
    pub unopened: BTreeMap<String, u64>,
}

/// A table with sealed values.
struct Sealed {
    name: &'static str,
    /// Rows not sealed by the newest key in the newest format (`$1`, `$2`: length and bytes of how such values begin),
    /// after the key `$3`: the row's key, the two parts of its place, the value.
    read: Statement,
    /// Writes `$3` for the row with key `$1`, unless the value is no longer `$2`.
    write: Statement,
    place: fn(&str, &str) -> Place,
}

const READ_ACCOUNTS: &str = "select tenant || E'\\n' || directory_url, tenant, directory_url, {key} from acme_accounts \
    where substring({key} from 1 for $1) <> $2 and tenant || E'\\n' || directory_url > $3 order by 1 limit $4";
const WRITE_ACCOUNT: &str =
    "update acme_accounts set {key} = $3 where tenant || E'\\n' || directory_url = $1 and {key} = $2";

/// A table that is copied from comes before the one that it is copied to: a certificate copies its order's value.
fn tables() -> [Sealed; 4] {
    [
        Sealed {
            name: "acme_accounts",
            read: Statement::new("reseal-read-next-account-keys", READ_ACCOUNTS).with("key", "next_sealed_key"),
            write: Statement::new("reseal-next-account-key", WRITE_ACCOUNT).with("key", "next_sealed_key"),
            place: Place::next_account_key,
        },
        Sealed {
            name: "acme_accounts",
            read: Statement::new("reseal-read-account-keys", READ_ACCOUNTS).with("key", "sealed_key"),
            write: Statement::new("reseal-account-key", WRITE_ACCOUNT).with("key", "sealed_key"),
            place: Place::account_key,
        },
        Sealed {
            name: "orders",
            read: Statement::new(
                "reseal-read-order-keys",
                "select r.id::text, o.instance_id, r.id::text, r.sealed_key \
                 from orders r join operations o on o.id = r.operation_id \
                 where substring(r.sealed_key from 1 for $1) <> $2 and r.id::text > $3 order by 1 limit $4",
            ),
            write: Statement::new(
                "reseal-order-key",
                "update orders set sealed_key = $3 where id = $1::text::uuid and sealed_key = $2",
            ),
            place: Place::certificate_key,
        },
        Sealed {
            name: "certificates",
            read: Statement::new(
                "reseal-read-certificate-keys",
                "select id::text, instance_id, order_id::text, sealed_key from certificates \
                 where substring(sealed_key from 1 for $1) <> $2 and id::text > $3 order by 1 limit $4",
            ),
            write: Statement::new(
                "reseal-certificate-key",
                "update certificates set sealed_key = $3 where id = $1::text::uuid and sealed_key = $2",
            ),
            place: Place::certificate_key,
        },
    ]
}

const BY_KEY: &str = "select \
      encode(substring(sealed_key from 2 for get_byte(sealed_key, 0) & 127), 'escape'), count(*) \
    from (select sealed_key from acme_accounts union all select next_sealed_key from acme_accounts \
      union all select sealed_key from orders union all select sealed_key from certificates) s \
    where sealed_key is not null group by 1";

impl Store {
    /// Re-seals what the ring's other keys have sealed, with the ring's first key.
    ///
    /// # Errors
    /// Database errors; what was re-sealed before stays so.
    pub async fn reseal(&self, ring: &KeyRing) -> Result<Resealed, StoreError> {
        let mut done = Resealed::default();
        for table in &tables() {
            self.reseal_table(ring, table, &mut done).await?;
        }
        let client = self.client().await?;
        for row in Statement::new("sealed-by-key", BY_KEY).all(&client, &[]).await? {
            done.by_key.insert(row.try_get(0)?, row.try_get(1)?);
        }
        Ok(done)
    }

    async fn reseal_table(&self, ring: &KeyRing, table: &Sealed, done: &mut Resealed) -> Result<(), StoreError> {
        let newest = ring.newest_prefix()?;
        let length = i32::try_from(newest.len()).map_err(|_| SealingError::NotAuthentic)?;
        let mut after = String::new();
        loop {
            let client = self.client().await?;
            let rows = table.read.all(&client, &[&length, &newest, &after, &BATCH]).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            for row in rows {
                let (key, old): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(3)?);
                let place = (table.place)(row.try_get(1)?, row.try_get(2)?);
                match ring.reseal(&place, &old) {
                    Ok(new) => done.resealed += table.write.run(&client, &[&key, &old, &new]).await?,
                    Err(error) => *done.unopened.entry(format!("{}: {error}", table.name)).or_default() += 1,
                }
            }
        }
    }
}
