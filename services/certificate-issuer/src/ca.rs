//! The CA, as every step and chore has it at hand.

use std::sync::Arc;

use dns_writer::Delegation;
use instant_acme::Error;
use store::{KeyRing, Store};
use tokio::sync::Semaphore;

use crate::acme_args::{AcmeArgs, ExternalAccount};
use crate::client::acme_client::{AcmeClient, Exchange};
use crate::client::directory::{Directory, DirectoryCache};

/// The dependencies of every step.
pub(crate) struct Ca {
    pub(crate) settings: AcmeArgs,
    pub(crate) external: Option<ExternalAccount>,
    pub(crate) client: AcmeClient,
    pub(crate) directories: DirectoryCache,
    pub(crate) store: Store,
    pub(crate) ring: KeyRing,
    /// The zone to which tenants may delegate their challenges, if there is one.
    pub(crate) delegation: Option<Delegation>,
    /// Held while an order is placed.
    pub(crate) placing: Semaphore,
}

impl Ca {
    /// The CA's directory.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub(crate) async fn directory(&self, exchange: &Exchange) -> Result<Arc<Directory>, Error> {
        self.directories.get(exchange, &self.settings.acme_directory_url).await
    }
}
