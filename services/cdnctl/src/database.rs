//! Access to the services' database.

use store::{DatabaseArgs, Store, StoreError};

/// Connects.
///
/// # Errors
/// When the database can't be reached, or its schema is not the one that this program expects.
pub(crate) async fn open(args: &DatabaseArgs) -> Result<Store, StoreError> {
    let store = Store::new(args, "cdnctl")?;
    store.ping().await?;
    Ok(store)
}
