//! Checks from outside that tenants ask for on their status pages. This service does them, since it is the one that may connect to where
//! tenants' names lead. Any number of processes can run: each takes what nobody else has taken.
//!
//! PostgreSQL notifies what is asked for; what it did not notify is found every [`EVERY`]. Where nobody has a page, nothing listens.

mod args;
mod domains;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use challenge_verifier::ProbeSettings;
use futures_util::future::join_all;
use hickory_resolver::net::NetError;
use pipeline::outside::{Checked, CheckedDomain, LONGEST};
use probe::{Connects, Expected, Names, Outside, Request, Trust, first_problem};
use store::{OutsideCheck, OutsideFeed, Store, StoreError};
use telemetry::with_causes;
use time::OffsetDateTime;
use tls::{Roots, TrustError};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

pub(crate) use args::OutsideArgs;

/// How many checks one process does at a time.
const AT_ONCE: usize = 2;
/// How often it is looked whether somebody has asked, without being told.
const EVERY: Duration = Duration::from_secs(15);
/// Before PostgreSQL is asked again whether the schema is there, and before another connection that listens is made.
const PAUSE: Duration = Duration::from_secs(1);
/// For a wildcard, the name with this label is looked at.
const LABEL: &str = "www";

/// Does the checks.
#[derive(Clone)]
pub(crate) struct Checks {
    store: Store,
    probe: ProbeSettings,
    roots: Roots,
    /// A permit for each check that may be done now.
    turns: Arc<Semaphore>,
}

/// Why a check comes to nothing.
#[derive(Debug, thiserror::Error)]
enum Fault {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The DNS server of the settings has no address.
    #[error("DNS_RESOLVER or DNS_WALK_RESOLVER can't be found")]
    Server(#[source] std::io::Error),
    /// The system's DNS configuration can't be read.
    #[error("DNS can't be asked")]
    Resolver(#[from] NetError),
    /// No certificate can be verified.
    #[error("no certificate can be verified")]
    Trust(#[from] TrustError),
}

impl Checks {
    pub(crate) fn new(store: Store, probe: &ProbeSettings, args: &OutsideArgs) -> Self {
        Self {
            store,
            probe: probe.clone(),
            roots: Roots::from_file(args.roots()),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Does what is asked for, for ever.
    pub(crate) async fn serve(self) {
        while self.store.ping().await.is_err() {
            sleep(PAUSE).await;
        }
        let mut feed = None;
        loop {
            if let Err(error) = self.round(&mut feed).await {
                feed = None;
                let error = with_causes(&error);
                tracing::warn!(error, "checks from outside can't be taken now; trying again");
            }
            wait(&mut feed).await;
        }
    }

    /// Takes all that is asked for now.
    async fn round(&self, feed: &mut Option<OutsideFeed>) -> Result<(), StoreError> {
        if !self.store.has_pages().await? {
            *feed = None;
            return Ok(());
        }
        if feed.is_none() {
            match self.store.outside_feed().await {
                Ok(connected) => *feed = Some(connected),
                Err(error) => tracing::warn!(
                    error = with_causes(&error),
                    "checks from outside are not notified: they are found a little later"
                ),
            }
        }
        loop {
            // Closed by nobody.
            let Ok(turn) = self.turns.clone().acquire_owned().await else {
                return Ok(());
            };
            let Some(asked) = self.store.take_outside_check().await? else {
                return Ok(());
            };
            let checks = self.clone();
            tokio::spawn(async move {
                checks.work(&asked).await;
                drop(turn);
            });
        }
    }

    /// A check that fails, or whose process dies, is taken again by whoever comes next.
    async fn work(&self, asked: &OutsideCheck) {
        let instance = asked.instance.as_str();
        match self.check(asked).await {
            Ok(true) => tracing::info!(instance, "checked from outside"),
            Ok(false) => tracing::info!(
                instance,
                "checked from outside, but the check is not this process' any more"
            ),
            Err(error) => tracing::error!(instance, error = with_causes(&error), "a check from outside failed"),
        }
    }

    async fn check(&self, asked: &OutsideCheck) -> Result<bool, Fault> {
        let serving = self.store.serving(&asked.instance).await?;
        let serving = serving.filter(|serving| serving.deleted_at.is_none());
        let expected = serving.as_ref().and_then(|serving| Expected::of(serving, false));
        let (Some(serving), Some(mut expected)) = (serving, expected) else {
            return Ok(self.store.outside_checked(asked, None).await?);
        };
        // What proves the domains is not looked at here.
        expected.challenges.clear();
        let (domains, next) = domains::in_turn(&serving.domains, asked.next.as_deref());
        let request = Request {
            path: "/".to_owned(),
            echo: asked.echo.clone(),
            label: LABEL.to_owned(),
            connects: Connects::Outside {
                port: self.probe.http01_tls_port,
                allow_private: self.probe.allow_private_addresses,
            },
            within: LONGEST,
            agent: concat!("cdn-broker-challenge-verifier/", env!("CARGO_PKG_VERSION")),
        };
        let outside = Outside {
            // Made anew, so that no answer is an old one.
            names: Names::new(self.dns_server().await?)?,
            trust: Trust::new(&self.roots)?,
            request: &request,
            expected: &expected,
        };
        let seen = join_all(domains.iter().map(|domain| outside.look(domain))).await;
        let domains = seen.into_iter().map(|facts| CheckedDomain {
            problem: first_problem(&facts, &expected),
            facts: facts.shortened(),
        });
        let checked = Checked {
            at: OffsetDateTime::now_utc(),
            distribution: expected.distribution.clone(),
            origin: expected.origin.clone(),
            redirect_to: expected.redirect_to.clone(),
            echo: asked.echo.clone(),
            domains: domains.collect(),
            of: serving.domains.len(),
            next: next.map(str::to_owned),
        };
        Ok(self.store.outside_checked(asked, Some(&checked)).await?)
    }

    /// The server that the settings name: its address may change. `None`: those of /etc/resolv.conf.
    async fn dns_server(&self) -> Result<Option<SocketAddr>, Fault> {
        let named = self.probe.dns_resolver.0.as_ref();
        let Some(server) = named.or(self.probe.dns_walk_resolver.0.as_ref()) else {
            return Ok(None);
        };
        let mut found = tokio::net::lookup_host(server).await.map_err(Fault::Server)?;
        let first = found.next();
        first
            .map(Some)
            .ok_or_else(|| Fault::Server(std::io::ErrorKind::NotFound.into()))
    }
}

/// Until something is asked for, or it is time to look.
async fn wait(feed: &mut Option<OutsideFeed>) {
    let Some(listening) = feed else {
        sleep(EVERY).await;
        return;
    };
    if let Ok(Err(_ended)) = timeout(EVERY, listening.asked()).await {
        *feed = None;
        sleep(PAUSE).await;
    }
}
