//! The operator's page, at an address of its own: what runs, what waits for whom, what failed, and the instances behind each number, with
//! the actions of `cdnctl`. Whoever asks has a name and a password; whatever is done is recorded with that name.

mod action;
mod address;
mod args;
mod audit;
mod form;
mod instance;
mod lists;
mod login;
mod outcome;
mod overview;
mod people;
mod queues;
mod refusal;
mod routes;
mod search;
mod view;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use messaging::AmqpArgs;
use moka::future::Cache;
use page_keys::PageKeys;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub(crate) use self::args::OperatorArgs;
use self::login::FAILURES_A_MINUTE;
use self::overview::Overview;
use self::refusal::Refusal;
use crate::http::Limits;
use crate::osbapi::Broker;
use crate::osbapi::auth::Credentials;
use crate::page::limit::Limit;
use crate::settings::Settings;

/// The most pages that are read and rendered at a time: a quarter of DATABASE_POOL_SIZE's default, beside the half that status pages may use.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most connections: a few persons' browsers.
const CONNECTIONS: u32 = 64;

/// What the routes of the operator's page work with.
pub(crate) struct OperatorPage {
    broker: Arc<Broker>,
    people: Credentials,
    /// What signs its forms.
    keys: PageKeys,
    /// Failed logins, by client.
    failures: Limit,
    /// A permit for each page that may be read now.
    turns: Arc<Semaphore>,
    amqp: AmqpArgs,
    /// The overview, which is read for all who look.
    overview: Cache<(), Arc<Overview>>,
}

/// The operator's page.
///
/// # Errors
/// When the settings don't have what it needs.
pub fn operator_app(settings: &Settings, broker: &Arc<Broker>) -> anyhow::Result<Router> {
    let keys = settings.broker.pages.keys()?;
    let page = Arc::new(OperatorPage {
        broker: broker.clone(),
        people: settings.operator.credentials(),
        keys: keys.context("the operator's page needs PAGE_KEYS")?,
        failures: Limit::new(FAILURES_A_MINUTE),
        turns: Arc::new(Semaphore::new(AT_ONCE)),
        amqp: settings.amqp.clone(),
        overview: overview::cache(),
    });
    Ok(routes::app(page))
}

/// What one client of the operator's page may use: the settings of broker-api's public address, with fewer connections. No load balancer
/// writes a PROXY protocol header here.
pub fn operator_limits(public: &Limits) -> Limits {
    Limits {
        max_connections: public.max_connections.min(CONNECTIONS),
        connections_per_address: public.connections_per_address.min(CONNECTIONS),
        proxy_protocol: false,
        ..public.clone()
    }
}

impl OperatorPage {
    /// Waits for the turn to read.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        match timeout(PATIENCE, self.turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Refusal::Busy),
        }
    }
}
