//! The CAs, as every step and chore has them at hand.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dns_writer::Delegation;
use instant_acme::Error;
use pipeline::Outcome;
use pipeline::instance::KeyType;
use pipeline::reason::Spent;
use store::{KeyRing, Order, Store};
use tokio::sync::Semaphore;
use worker::Stop;

use crate::ca_settings::CaSettings;
use crate::choice::Known;
use crate::client::acme_client::{AcmeClient, Exchange};
use crate::client::directory::{Directory, DirectoryCache};

/// One CA.
pub(crate) struct Ca {
    pub(crate) settings: CaSettings,
    pub(crate) client: AcmeClient,
    directory: DirectoryCache,
}

impl Ca {
    /// Connects to nothing.
    ///
    /// # Errors
    /// When its roots can't be read.
    pub(crate) fn new(settings: CaSettings) -> anyhow::Result<Self> {
        let client = AcmeClient::new(settings.roots.as_deref())
            .with_context(|| format!("no connections to the CA {} can be made", settings.name))?;
        Ok(Self {
            settings,
            client,
            directory: DirectoryCache::default(),
        })
    }

    /// The URL of its directory, by which the database names it.
    pub(crate) fn url(&self) -> &str {
        &self.settings.directory_url
    }

    /// What the choice of a CA needs.
    pub(crate) fn known(&self) -> Known<'_> {
        Known {
            name: &self.settings.name,
            url: self.url(),
            one_account: self.settings.one_account,
        }
    }

    /// Its directory.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub(crate) async fn directory(&self, exchange: &Exchange) -> Result<Arc<Directory>, Error> {
        self.directory.get(exchange, self.url()).await
    }
}

/// Every CA, and the other dependencies of every step.
pub(crate) struct Cas {
    /// At least one; the preferred first.
    pub(crate) all: Vec<Ca>,
    pub(crate) store: Store,
    pub(crate) ring: KeyRing,
    /// The zone to which tenants may delegate their challenges, if there is one.
    pub(crate) delegation: Option<Delegation>,
    /// The type of certificates' keys where the plan has none.
    pub(crate) key_type: KeyType,
    /// For how long a CA takes no order before another one is asked.
    pub(crate) fallback_after: Duration,
    /// Held while an order is placed.
    pub(crate) placing: Semaphore,
}

impl Cas {
    /// The CA whose directory has this URL, if it is set.
    pub(crate) fn at(&self, directory_url: &str) -> Option<&Ca> {
        self.all.iter().find(|ca| ca.url() == directory_url)
    }

    /// The CA of something that was made before there were several: then it is the first.
    pub(crate) fn at_or_first(&self, directory_url: Option<&str>) -> Option<&Ca> {
        match directory_url {
            Some(url) => self.at(url),
            None => self.all.first(),
        }
    }

    /// The CA at which the order was placed.
    ///
    /// # Errors
    /// The order is spent when that CA is not set any more.
    pub(crate) fn of(&self, order: &Order) -> Result<&Ca, Stop> {
        self.at_or_first(order.directory_url.as_deref())
            .ok_or_else(|| Outcome::spent(Spent::OtherAccount).into())
    }
}
