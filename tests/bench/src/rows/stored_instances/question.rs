//! What the services ask the database: platforms' requests, the engine, the planner, and what comes round by itself.

use std::time::Duration;

use anyhow::ensure;
use pipeline::{Service, StepKind};
use store::{OrphanKind, Owner, Store};

use super::database::Estate;

const HOUR: Duration = Duration::from_secs(3_600);
/// `HISTORY_RETENTION`, `STANDING_PROOF_INTERVAL` and `SWEEP_GRACE`, about as they ship.
const KEPT: Duration = Duration::from_secs(90 * 86_400);
const LOOKED_AT_EACH: Duration = Duration::from_secs(12 * 3_600);
const GRACE: Duration = Duration::from_secs(60);
/// At most so much in one run, as the services have it.
const A_TURN: u32 = 500;
/// The directory of the CA that has issued everything in `renewed.sql`.
const CA: &str = "https://ca.example/directory";

/// A question. None of them finds anything that is due, so that its answer is as long with any number of instances.
#[derive(Clone, Copy)]
pub(super) enum Question {
    Poll,
    PollAtRest,
    Status,
    StatusAtRest,
    Fetch,
    StepLoad,
    Challenge,
    Sweep,
    PastDeadline,
    Undecided,
    RenewalInfo,
    DueRenewals,
    RunningRenewals,
    Revocations,
    Rollovers,
    Standing,
    Distribution,
    Function,
    NoOrphans,
    Figures,
    Count,
    History,
}

impl Question {
    pub(super) const ALL: [Self; 22] = [
        Self::Poll,
        Self::PollAtRest,
        Self::Status,
        Self::StatusAtRest,
        Self::Fetch,
        Self::StepLoad,
        Self::Challenge,
        Self::Sweep,
        Self::PastDeadline,
        Self::Undecided,
        Self::RenewalInfo,
        Self::DueRenewals,
        Self::RunningRenewals,
        Self::Revocations,
        Self::Rollovers,
        Self::Standing,
        Self::Distribution,
        Self::Function,
        Self::NoOrphans,
        Self::Figures,
        Self::Count,
        Self::History,
    ];

    /// For the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Poll => "last_operation, unchanged",
            Self::PollAtRest => "last_operation at rest: which operation",
            Self::Status => "last_operation, changed",
            Self::StatusAtRest => "last_operation at rest",
            Self::Fetch => "fetch an instance",
            Self::StepLoad => "engine: load a step",
            Self::Challenge => "engine: load a look at a domain",
            Self::Sweep => "engine: sweep",
            Self::PastDeadline => "engine: steps past their deadline",
            Self::Undecided => "planner: undecided renewals",
            Self::RenewalInfo => "planner: renewal information due",
            Self::DueRenewals => "planner: due renewals",
            Self::RunningRenewals => "planner: running renewals",
            Self::Revocations => "issuer: revocations due",
            Self::Rollovers => "issuer: key changes wanted",
            Self::Standing => "verifier: standing proofs due",
            Self::Distribution => "reconciler: a distribution's owner",
            Self::Function => "reconciler: whether there are functions",
            Self::NoOrphans => "reconciler: all of them are owned",
            Self::Figures => "metrics",
            Self::Count => "metrics: certificates counted, once a minute for all",
            Self::History => "history: nothing is due",
        }
    }

    /// Whether one process asks it for all, and so seldom that it may take as long as there are instances.
    pub(super) fn may_grow(self) -> bool {
        matches!(self, Self::Count)
    }

    /// Asks it; `nth`: about another instance each time.
    ///
    /// # Errors
    /// Of the database, and when the answer is not that of an estate at rest.
    pub(super) async fn ask(self, estate: &Estate, nth: usize) -> anyhow::Result<()> {
        let as_expected = match self {
            Self::Poll | Self::PollAtRest | Self::Status | Self::StatusAtRest | Self::Fetch => {
                self.of_a_platform(estate, nth).await?
            }
            Self::StepLoad | Self::Challenge | Self::Sweep | Self::PastDeadline => {
                self.of_the_engine(estate, nth).await?
            }
            Self::Distribution | Self::Function | Self::NoOrphans => self.of_the_reconciler(estate, nth).await?,
            Self::Figures | Self::Count => {
                let at_most = if self.may_grow() { Duration::ZERO } else { HOUR };
                estate.store.count_certificates(at_most).await?;
                let certificates = estate.store.figures().await?.certificates;
                let all = certificates.map(|counted| counted.days_left.values().sum::<u64>());
                all == Some(u64::try_from(estate.count)?)
            }
            _ => self.of_a_chore(&estate.store).await?,
        };
        ensure!(as_expected, "{}: another answer", self.name());
        Ok(())
    }

    async fn of_a_platform(self, estate: &Estate, nth: usize) -> anyhow::Result<bool> {
        let (store, task, at_rest) = (&estate.store, estate.task(nth), estate.at_rest(nth));
        let (running, operation) = (&task.instance.id, Some(task.operation));
        Ok(match self {
            Self::Poll => {
                let polled = store.polled(running, operation).await?;
                polled.is_some_and(|polled| polled.running_version.is_some())
            }
            Self::PollAtRest => {
                let polled = store.polled(&at_rest, None).await?;
                polled.is_some_and(|polled| polled.running_version.is_none())
            }
            Self::Status => store.last_operation(running, operation).await?.is_some(),
            Self::StatusAtRest => store.last_operation(&at_rest, None).await?.is_some(),
            _ => store.instance(&at_rest).await?.is_some(),
        })
    }

    async fn of_the_engine(self, estate: &Estate, nth: usize) -> anyhow::Result<bool> {
        let (store, task) = (&estate.store, estate.task(nth));
        let service = Service::ChallengeVerifier;
        Ok(match self {
            Self::StepLoad => store.load_task(task.step, task.attempt).await?.is_some(),
            Self::Challenge => store.challenge(task).await?.is_some(),
            Self::Sweep => {
                let graces = [(StepKind::VerifyChallenge, GRACE)];
                store.sweep(service, &graces, A_TURN).await?.is_empty()
            }
            _ => store.past_deadline(service, HOUR).await?.is_empty(),
        })
    }

    async fn of_the_reconciler(self, estate: &Estate, nth: usize) -> anyhow::Result<bool> {
        let store = &estate.store;
        Ok(match self {
            Self::Distribution => {
                store.is_instances_distribution(estate.distribution(nth)).await?
                    && store.owner_of_distribution(&estate.at_rest(nth)).await? == Owner::Lives
            }
            Self::Function => !store.any_function().await?,
            _ => {
                store
                    .no_orphans(OrphanKind::Distribution, &estate.distributions)
                    .await?;
                true
            }
        })
    }

    async fn of_a_chore(self, store: &Store) -> anyhow::Result<bool> {
        Ok(match self {
            Self::Undecided => store.undecided_renewals().await?.is_empty(),
            Self::RenewalInfo => store.renewal_infos_due(CA, true, A_TURN).await?.is_empty(),
            Self::DueRenewals => store.due_renewals().await?.is_empty(),
            // Those that run wait for domains.
            Self::RunningRenewals => store.running_renewals().await?.is_empty(),
            Self::Revocations => store.revocations_due(A_TURN).await?.is_empty(),
            Self::Rollovers => store.wanted_rollovers().await?.is_empty(),
            Self::Standing => store.standing_proofs_due(LOOKED_AT_EACH, A_TURN).await?.is_empty(),
            _ => store.prune_history(KEPT).await?.is_empty(),
        })
    }
}
