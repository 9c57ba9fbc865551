//! `dashboard_url` (OSBAPI, "Provisioning"): the link to an instance's status page, for the platform; where the platform's users sign in,
//! the page's address, which nobody has to keep to themselves.

use std::time::Duration;

use tokio::time::timeout;
use tracing::Instrument as _;

use crate::osbapi::Broker;

/// A request's time limit has room for it after the request itself was written.
const PATIENCE: Duration = Duration::from_secs(3);

impl Broker {
    /// The link, which is alive for PAGE_LINK_LIFETIME from now. `None`: there are no pages, or the instance's link was revoked, or
    /// the database doesn't answer in time. No request fails for the want of it: the platform takes it from its next one.
    pub(crate) async fn dashboard_url(&self, instance: &str, platform: &str) -> Option<String> {
        let pages = self.pages.as_ref()?;
        let links = &pages.links;
        if pages.peer(platform).is_some() {
            return Some(links.signed_in_url(platform, instance));
        }
        let (store, id, lifetime) = (self.store.clone(), instance.to_owned(), links.lifetime());
        // A statement that was given up half-way would go back to the pool with its connection, and the next one would wait behind it.
        let renewed = tokio::spawn(async move { store.renewed_page_link(&id, lifetime).await }.in_current_span());
        let why = match timeout(PATIENCE, renewed).await {
            Ok(Ok(Ok(number))) => return number.map(|number| links.url(instance, number)),
            Ok(Ok(Err(error))) => telemetry::with_causes(&error),
            Ok(Err(broken)) => broken.to_string(),
            Err(_elapsed) => "the database is too slow".to_owned(),
        };
        tracing::warn!(instance, why, "answered without dashboard_url");
        None
    }
}
