//! The ACME client service: accounts, orders, challenges, certificates. Only this service holds account keys. One file
//! per step; see README.md.

mod account;
mod acme_args;
mod ca;
mod certificate;
mod chain;
mod chores;
mod client;
mod doctor;
#[cfg(test)]
mod fuzz;
mod limits;
mod promote_key;
mod reseal;
mod settings;
mod steps;
mod within_limits;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use dns_writer::Intervals;
use pipeline::{IssuerStep, Outcome};
use store::{Store, Task};
use telemetry::Telemetry;
use tokio::sync::Semaphore;
use worker::{Chore, Handler, HandlerError, Stop};

use crate::ca::Ca;
use crate::chores::renewal::Planner;
use crate::client::acme_client::AcmeClient;
use crate::client::directory::DirectoryCache;
use crate::settings::{Command, Settings};

struct Issuer {
    ca: Arc<Ca>,
    planner: Planner,
    publication: Intervals,
}

#[async_trait::async_trait]
impl Handler for Issuer {
    type Step = IssuerStep;

    async fn attempt(&self, step: Self::Step, task: &Task) -> Result<Outcome, Stop> {
        // An issued certificate is used, whatever the state of its order at the CA.
        if self.ca.store.certificate(task).await?.is_some() {
            return Ok(Outcome::DONE);
        }
        match step {
            IssuerStep::PlaceOrder => steps::place_order::attempt(&self.ca, task).await,
            IssuerStep::PublishChallenges => steps::publish_challenges::attempt(&self.ca, task).await,
            IssuerStep::AnswerChallenges => steps::answer_challenges::attempt(&self.ca, task).await,
            IssuerStep::AwaitValidation => steps::await_validation::attempt(&self.ca, task).await,
            IssuerStep::FinalizeOrder => steps::finalize_order::attempt(&self.ca, task).await,
        }
    }

    fn chores(&self) -> Vec<Chore> {
        let mut chores = vec![Chore::every(self.planner.interval())];
        if let Some(intervals) = self.ca.delegation.as_ref().map(|_| self.publication) {
            chores.push(Chore {
                name: chores::publication::NAME,
                interval: intervals.removal,
            });
            chores.push(Chore {
                name: chores::publication::RECONCILE,
                interval: intervals.reconciliation,
            });
        }
        chores.retain(|chore| !chore.interval.is_zero());
        chores
    }

    async fn chore(&self, name: &'static str) -> Result<(), HandlerError> {
        match name {
            chores::publication::NAME => return Ok(chores::publication::keep(&self.ca).await?),
            chores::publication::RECONCILE => return Ok(chores::publication::reconcile(&self.ca).await?),
            _ => {}
        }
        // A failure of one task must not block the others.
        let changed = chores::rollover::change_keys(&self.ca).await;
        let planned = self.planner.plan().await;
        let revoked = chores::revocation::revoke_due(&self.ca).await;
        self.planner.forget().await?;
        Ok(changed.and(planned).and(revoked)?)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (settings, shared) = worker::settings::<Settings>("certificate-issuer");
    if let Some(Command::Ready) = settings.command {
        return Ok(::doctor::ready(settings.worker.health_listen));
    }
    // One crypto provider for all TLS connections of the process; installing it fails only when one is installed
    // already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let checks = doctor::checks(&settings, &shared);
    if let Some(Command::Doctor) = settings.command {
        return Ok(::doctor::print(checks).await);
    }
    settings.acme.check()?;
    if let Some(Command::Reseal) = settings.command {
        let store = Store::new(&settings.worker.database, "certificate-issuer reseal")?;
        reseal::run(&store, &settings.sealing.key_ring()?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let telemetry = Telemetry::init(&settings.worker.telemetry, "certificate-issuer")?;
    let store = Store::new(&settings.worker.database, "certificate-issuer")?;
    let publication = settings.delegation.intervals();
    let ca = Arc::new(Ca {
        external: settings.acme.external_account()?,
        client: AcmeClient::new(settings.acme.ca_roots()).context("no connections to the CA can be made")?,
        directories: DirectoryCache::default(),
        store: store.clone(),
        ring: settings.sealing.key_ring()?,
        delegation: settings.delegation.delegation().await?,
        placing: Semaphore::new(usize::from(settings.acme.acme_orders_at_once)),
        settings: settings.acme,
    });
    let planner = Planner {
        ca: ca.clone(),
        args: settings.renewal,
        schedules: settings.worker.schedules.clone(),
    };
    worker::run(
        Issuer {
            ca,
            planner,
            publication,
        },
        store,
        settings.worker,
        shared,
        &telemetry,
        checks,
    )
    .await?;
    Ok(ExitCode::SUCCESS)
}
