//! An account's next key becomes its key.

use store::{NextKey, StoreError};

use crate::ca::Cas;
use crate::client::jws;

/// The CA has accepted the next key: makes it the account's key, and keeps the thumbprint of the current one.
///
/// # Errors
/// When the store fails; then the next process that needs the account finds out.
pub(crate) async fn promote(
    cas: &Cas,
    tenant: &str,
    directory_url: &str,
    account_uri: &str,
    current: &[u8],
    next: &NextKey,
) -> Result<(), StoreError> {
    // A key that can't be parsed was never known to the CA.
    let thumbprint = jws::read(current).ok().map(|key| jws::thumbprint(&key));
    if cas
        .store
        .promote_next_key(tenant, directory_url, account_uri, next, thumbprint.as_deref())
        .await?
    {
        tracing::info!(tenant, account_uri, "the account's key is changed");
    }
    Ok(())
}
