//! The services' database, as this program knows it.

use store::{DatabaseArgs, Store, StoreError};

/// Connects.
///
/// # Errors
/// When it can't be reached, or its schema is not the one that this program reads.
pub(crate) async fn open(args: &DatabaseArgs) -> Result<Store, StoreError> {
    let store = Store::new(args, "cdnctl")?;
    store.ping().await?;
    Ok(store)
}
