//! The ACME client service: accounts, orders, challenges, certificates. Only this service holds account keys. One file
//! per step; see README.md.

mod account;
mod acme_args;
mod ca;
mod ca_settings;
mod certificate;
mod chain;
mod choice;
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

use dns_writer::Intervals;
use pipeline::{IssuerStep, Outcome};
use store::{Store, Task};
use telemetry::Telemetry;
use tokio::sync::Semaphore;
use worker::{Chore, Handler, HandlerError, Steps, Stop};

use crate::ca::{Ca, Cas};
use crate::chores::history::HistoryArgs;
use crate::chores::renewal::Planner;
use crate::settings::{Command, Settings};

struct Issuer {
    cas: Arc<Cas>,
    planner: Planner,
    history: HistoryArgs,
    publication: Intervals,
}

#[async_trait::async_trait]
impl Handler for Issuer {
    type Step = IssuerStep;

    async fn attempt(&self, step: Self::Step, task: &Task) -> Result<Outcome, Stop> {
        // An issued certificate is used, whatever the state of its order at the CA.
        if self.cas.store.certificate(task).await?.is_some() {
            return Ok(Outcome::DONE);
        }
        match step {
            IssuerStep::PlaceOrder => steps::place_order::attempt(&self.cas, task).await,
            IssuerStep::PublishChallenges => steps::publish_challenges::attempt(&self.cas, task).await,
            IssuerStep::AnswerChallenges => steps::answer_challenges::attempt(&self.cas, task).await,
            IssuerStep::AwaitValidation => steps::await_validation::attempt(&self.cas, task).await,
            IssuerStep::FinalizeOrder => steps::finalize_order::attempt(&self.cas, task).await,
        }
    }

    fn chores(&self) -> Vec<Chore> {
        let mut chores = vec![
            Chore::every(self.planner.interval()),
            Chore {
                name: chores::history::NAME,
                interval: self.history.interval(),
            },
        ];
        if let Some(intervals) = self.cas.delegation.as_ref().map(|_| self.publication) {
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
            chores::history::NAME => return Ok(chores::history::prune(&self.cas, &self.history).await?),
            chores::publication::NAME => return Ok(chores::publication::keep(&self.cas).await?),
            chores::publication::RECONCILE => return Ok(chores::publication::reconcile(&self.cas).await?),
            _ => {}
        }
        // A failure of one task must not block the others.
        let changed = chores::rollover::change_keys(&self.cas).await;
        let planned = self.planner.plan().await;
        let revoked = chores::revocation::revoke_due(&self.cas).await;
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
    let cas = settings.acme.cas(settings.delegation.is_set())?;
    if let Some(Command::Reseal) = settings.command {
        let store = Store::new(&settings.worker.database, "certificate-issuer reseal")?;
        reseal::run(&store, &settings.sealing.key_ring()?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let telemetry = Telemetry::init(&settings.worker.telemetry, "certificate-issuer")?;
    let store = Store::new(&settings.worker.database, "certificate-issuer")?;
    let publication = settings.delegation.intervals();
    let cas = Arc::new(Cas {
        all: cas.into_iter().map(Ca::new).collect::<Result<_, _>>()?,
        store: store.clone(),
        ring: settings.sealing.key_ring()?,
        delegation: settings.delegation.delegation().await?,
        key_type: settings.acme.certificate_key_type,
        fallback_after: settings.acme.acme_fallback_after.into(),
        placing: Semaphore::new(usize::from(settings.acme.acme_orders_at_once)),
    });
    let planner = Planner {
        cas: cas.clone(),
        args: settings.renewal,
        schedules: settings.schedules.clone(),
    };
    let issuer = Issuer {
        cas,
        planner,
        history: settings.history,
        publication,
    };
    let steps = Steps::new(issuer, &settings.worker, settings.schedules);
    worker::run(steps, store, settings.worker, shared, &telemetry, checks).await?;
    Ok(ExitCode::SUCCESS)
}
