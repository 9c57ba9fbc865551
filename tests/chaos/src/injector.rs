//! Injects and lifts faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use stack::{Command, Http, Peer, Signal};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::fault::{AwsFault, Fault, NAME_SERVER};
use crate::life::World;
use crate::rabbitmq;
use crate::schedule::Planned;

/// How long to wait for a restarted part before further faults may affect it.
const READY: Duration = Duration::from_secs(20);

/// Injects the faults of a schedule.
pub struct Injector {
    world: Arc<World>,
    /// One fault at a time per target.
    places: std::sync::Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
    aws: Mutex<BTreeSet<AwsFault>>,
}

impl Injector {
    /// An injector for this world.
    pub fn new(world: Arc<World>) -> Self {
        Self {
            world,
            places: std::sync::Mutex::default(),
            aws: Mutex::default(),
        }
    }

    /// Injects the faults in order, until `over`; then lifts all that are active and returns when all are lifted.
    pub async fn play(self: Arc<Self>, schedule: Vec<Planned>, over: CancellationToken) {
        let begun = Instant::now();
        let mut at_work = JoinSet::new();
        for planned in schedule {
            tokio::select! {
                () = over.cancelled() => break,
                () = sleep_until(begun + planned.at) => {}
            }
            at_work.spawn(Arc::clone(&self).one(planned, over.clone()));
        }
        while at_work.join_next().await.is_some() {}
    }

    async fn one(self: Arc<Self>, planned: Planned, over: CancellationToken) {
        let Planned { lasts, fault, .. } = planned;
        let facts = &self.world.facts;
        let Some(_place) = self.place(&fault) else {
            return facts.fault_failed(&fault, "something else was at work there");
        };
        let number = facts.fault_begins(&fault);
        let made = self.make(&fault).await;
        if let Err(error) = &made {
            facts.fault_failed(&fault, &format!("{error:#}"));
        }
        tokio::select! {
            () = over.cancelled() => {}
            () = sleep(lasts) => {}
        }
        // Also if it was only partly injected.
        if let Err(error) = self.lift(&fault).await {
            facts.fault_failed(&fault, &format!("lifting it: {error:#}"));
        }
        if fault.silences_the_broker() {
            // The fault is over when the broker itself is ready; the report contains how long that takes.
            let (lifted, weather) = (Instant::now(), facts.weather());
            self.up("broker-api", "readyz").await.ok();
            facts.broker_ready_after(lifted.elapsed(), weather);
        }
        facts.fault_is_over(number, &fault);
    }

    fn place(&self, fault: &Fault) -> Option<OwnedMutexGuard<()>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(fault.place()).or_default();
        Arc::clone(place).try_lock_owned().ok()
    }

    async fn make(&self, fault: &Fault) -> anyhow::Result<()> {
        let stack = &self.world.stack;
        match fault {
            Fault::Kill(process) => stack.kill(process, Signal::Kill).await,
            Fault::Freeze(process) => stack.kill(process, Signal::Stop).await,
            Fault::KillRabbitmq => stack.kill("rabbitmq", Signal::Kill).await,
            Fault::StopRabbitmq => stack.kill("rabbitmq", Signal::Term).await,
            Fault::WipeRabbitmq => {
                let parked = rabbitmq::wipe(&stack.endpoints().amqp_url).await?;
                self.world.facts.seen().parked += parked;
                Ok(())
            }
            Fault::KillPostgres => stack.kill("postgres", Signal::Quit).await,
            Fault::Cut(process, peer) => self.link(process, *peer, None, Some(true), None).await,
            Fault::Slow(process, peer, latency) => self.link(process, *peer, Some(*latency), None, None).await,
            Fault::BlackHole(process, peer) => self.link(process, *peer, None, None, Some(true)).await,
            Fault::Aws(fault) => {
                let mut now = self.aws.lock().await;
                now.insert(*fault);
                self.plant(&now).await
            }
            Fault::KillPebble => stack.kill("pebble", Signal::Kill).await,
            Fault::KillNameServer => stack.kill(NAME_SERVER, Signal::Kill).await,
            Fault::FreezeNameServer => stack.kill(NAME_SERVER, Signal::Stop).await,
            Fault::Servfail(draws) => {
                for name in self.names(draws) {
                    for name in with_records(&name) {
                        self.world.dns.set_servfail(&name).await?;
                    }
                }
                Ok(())
            }
        }
    }

    async fn lift(&self, fault: &Fault) -> anyhow::Result<()> {
        let stack = &self.world.stack;
        match fault {
            Fault::Kill(process) => {
                stack.begin_again(process).await?;
                // A process whose link is cut may take longer to be ready; that is not measured here.
                self.up(process, "healthz").await
            }
            Fault::Freeze(process) => stack.kill(process, Signal::Cont).await,
            Fault::KillRabbitmq | Fault::StopRabbitmq => {
                stack.begin_again("rabbitmq").await?;
                rabbitmq::ready(&stack.endpoints().amqp_url).await
            }
            Fault::WipeRabbitmq => Ok(()),
            Fault::KillPostgres => stack.start_again("postgres").await,
            Fault::Cut(process, peer) => self.link(process, *peer, None, Some(false), None).await,
            Fault::Slow(process, peer, _) => self.link(process, *peer, Some(0), None, None).await,
            Fault::BlackHole(process, peer) => self.link(process, *peer, None, None, Some(false)).await,
            Fault::Aws(fault) => {
                let mut now = self.aws.lock().await;
                now.remove(fault);
                self.plant(&now).await
            }
            Fault::KillPebble => stack.start_again("pebble").await,
            Fault::KillNameServer => stack.start_again(NAME_SERVER).await,
            Fault::FreezeNameServer => stack.kill(NAME_SERVER, Signal::Cont).await,
            // The affected names may have changed by now: clearing a name that isn't set does no harm.
            Fault::Servfail(_) => self.clear_servfail().await,
        }
    }

    async fn link(
        &self,
        process: &Option<String>,
        peer: Peer,
        latency_ms: Option<u64>,
        cut: Option<bool>,
        black_hole: Option<bool>,
    ) -> anyhow::Result<()> {
        let command = Command::Proxy {
            process: process.clone(),
            peer,
            latency_ms,
            cut,
            black_hole,
        };
        self.world.stack.command(command).await.map(drop)
    }

    /// Waits until a process's probe succeeds, up to a limit.
    async fn up(&self, process: &str, probe: &str) -> anyhow::Result<()> {
        let endpoints = self.world.stack.endpoints();
        let health = endpoints
            .process(process)
            .and_then(|process| process.health_url.clone());
        let url = format!("{}/{probe}", health.context("a process without a health URL")?);
        let http = Http::plain()?;
        let up = async {
            while !http.is_up(&url).await {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(READY, up).await.ok();
        Ok(())
    }

    fn names(&self, draws: &[u64]) -> Vec<String> {
        let domains = self.world.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<&String> = domains.iter().collect();
        let names: BTreeSet<String> = draws
            .iter()
            .filter_map(|draw| all.get(usize::try_from(draw.checked_rem(all.len() as u64)?).ok()?))
            .map(|name| (*name).clone())
            .collect();
        self.servfail().extend(names.iter().cloned());
        names.into_iter().collect()
    }

    fn servfail(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.world.servfail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn clear_servfail(&self) -> anyhow::Result<()> {
        let names = std::mem::take(&mut *self.servfail());
        for name in names {
            for name in with_records(&name) {
                self.world.dns.clear_servfail(&name).await?;
            }
        }
        Ok(())
    }

    /// Configures the current faults of aws-sim.
    async fn plant(&self, faults: &BTreeSet<AwsFault>) -> anyhow::Result<()> {
        let url = format!("{}/faults", self.world.stack.endpoints().aws_admin_url);
        let http = reqwest::Client::new();
        http.delete(&url).send().await?.error_for_status()?;
        for fault in faults.iter().flat_map(|fault| planted(*fault)) {
            http.post(&url).json(&fault).send().await?.error_for_status()?;
        }
        Ok(())
    }
}

/// A name and the names of its records.
fn with_records(name: &str) -> [String; 3] {
    [
        name.to_owned(),
        format!("_acme-challenge.{name}"),
        format!("_validation-persist.{name}"),
    ]
}

/// The throttling errors are those of docs/aws-rules.md, rule 10, and of intermediate proxies.
fn planted(fault: AwsFault) -> Vec<Value> {
    let refusal = |code: &str, status: u16, percent: u8, after_effect: bool| json!({"operation": "*", "code": code, "status": status, "percent": percent, "after_effect": after_effect});
    match fault {
        AwsFault::Throttled => vec![
            refusal("Throttling", 400, 8, false),
            refusal("ThrottlingException", 400, 6, false),
            refusal("TooManyRequestsException", 429, 3, false),
            refusal("SlowDown", 503, 3, false),
        ],
        AwsFault::FailsAfterTheWork => vec![
            refusal("InternalFailure", 500, 5, true),
            refusal("ServiceUnavailable", 503, 5, true),
        ],
        AwsFault::DropsAfterTheWork => {
            vec![json!({"operation": "*", "close": true, "percent": 5, "after_effect": true})]
        }
    }
}
