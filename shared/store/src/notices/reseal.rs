//! Addresses that an older key of the ring has sealed are sealed anew by the first, so that the older key can be taken out. It is safe beside
//! running services (a row that changed since it was read is left as it is), and can be repeated or interrupted.

use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::notices::ring::NoticeRing;
use crate::sealing::SealingError;
use crate::statement::{Statement, statement};

/// The number of rows read at once.
const BATCH: i64 = 100;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AddressesResealed {
    /// Addresses that the first key seals now.
    pub resealed: u64,
    /// Those that no key of the ring opens.
    pub unopened: u64,
}

impl Store {
    /// Seals every address that another key has sealed with the ring's first one. It is found by that key's digest from then on.
    ///
    /// # Errors
    /// Database errors; what was sealed before stays so.
    pub async fn reseal_addresses(&self, ring: &NoticeRing) -> Result<AddressesResealed, StoreError> {
        let newest = ring.newest_prefix()?;
        let length = i32::try_from(newest.len()).map_err(|_| SealingError::NotAuthentic)?;
        let mut done = AddressesResealed::default();
        let mut after = Uuid::nil();
        loop {
            let client = self.client().await?;
            let rows = Statement::new(
                "addresses-to-reseal",
                "select id, address_digest, sealed_address from recipients \
                 where substring(sealed_address from 1 for $1) <> $2 and id > $3 order by id limit $4",
            )
            .all(&client, &[&length, &newest, &after, &BATCH])
            .await?;
            let Some(last) = rows.last() else { return Ok(done) };
            after = last.try_get("id")?;
            for row in &rows {
                let id: Uuid = row.try_get("id")?;
                let (digest, sealed): (Vec<u8>, Vec<u8>) = (row.try_get(1)?, row.try_get(2)?);
                match ring.resealed(&digest, &sealed) {
                    Ok(new) => {
                        done.resealed += statement!("address-reseal")
                            .run(&client, &[&id, &sealed, &new.digest, &new.sealed])
                            .await?;
                    }
                    Err(_) => done.unopened += 1,
                }
            }
        }
    }
}
