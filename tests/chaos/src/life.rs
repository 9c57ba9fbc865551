//! One instance's life, as Cloud Controller and its tenant conduct it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use customer::{Browser, Platform};
use serde_json::json;
use stack::{Dns, Handle};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::controller::{Controller, Said, Taken};
use crate::facts::{End, Facts, Kind};
use crate::jobs::{Change, Course, Job, Way};
use crate::setup;
use crate::tenant::Tenant;

/// The state that all lives share.
pub struct World {
    /// The stack.
    pub stack: Arc<Handle>,
    /// Where tenants set their records.
    pub dns: Dns,
    /// Cloud Controller.
    pub controller: Controller,
    /// The observations.
    pub facts: Arc<Facts>,
    /// Domains of operations in progress: SERVFAIL can affect these.
    pub domains: Mutex<BTreeSet<String>>,
    /// Domains that SERVFAIL currently affects.
    pub servfail: Mutex<BTreeSet<String>>,
    /// Limits concurrent visits of websites: the edge and its origin are one process each.
    pub visits: Semaphore,
}

/// The number of concurrent visits.
const VISITORS: usize = 16;

impl World {
    /// A platform that uses the stack's broker and polls an operation every `poll_every`; aws-sim's faults follow from
    /// the seed.
    ///
    /// # Errors
    /// When aws-sim does not accept its settings.
    pub async fn begin(stack: Arc<Handle>, poll_every: Duration, seed: u64) -> anyhow::Result<Self> {
        let endpoints = stack.endpoints();
        let facts = Arc::new(Facts::default());
        // The platform's client installs the crypto provider that all other clients need.
        let platform = Platform::new(
            &endpoints.broker_url,
            &endpoints.broker_username,
            &endpoints.broker_password,
        )?;
        setup::prepare_aws(&endpoints.aws_admin_url, seed).await?;
        Ok(Self {
            dns: stack.dns()?,
            stack,
            controller: Controller::new(platform, Arc::clone(&facts), poll_every),
            facts,
            domains: Mutex::default(),
            servfail: Mutex::default(),
            visits: Semaphore::new(VISITORS),
        })
    }

    /// Runs a life; the results are recorded in the facts.
    pub async fn live(&self, job: &Job) {
        self.at_work(job, true);
        let provision = self.facts.asked(&job.id, Kind::Provision);
        match self.controller.provision(job).await {
            Taken::Refused(why) => self.facts.ended(provision, End::Refused(why)),
            Taken::Already => self.facts.ended(provision, End::Succeeded),
            Taken::Busy => self
                .facts
                .ended(provision, End::Refused("another operation runs".into())),
            Taken::Accepted(operation) => {
                if self.follow(job, provision, &operation).await {
                    self.change(job).await;
                }
            }
        }
        self.at_work(job, false);
        if let Course::Remove(after) = job.course {
            sleep(after).await;
            self.remove(&job.id, Kind::Deprovision).await;
        }
    }

    fn at_work(&self, job: &Job, yes: bool) {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        // An instance that has a domain without a visible proof could rightly lose it.
        let alone = job.domains.iter().filter(|(_, way)| *way != Way::PersistBeside);
        for (domain, _) in alone {
            if yes {
                domains.insert(domain.clone());
            } else {
                domains.remove(domain);
            }
        }
    }

    /// Updates an existing instance, as its life requires, and visits it after that.
    async fn change(&self, job: &Job) {
        let changed = job.changed();
        let parameters = match &job.change {
            None => return,
            Some(Change::Settings { default_ttl }) => json!({ "default_ttl": default_ttl }),
            Some(Change::Domain(..)) => {
                json!({"domains": changed.domains.iter().map(|(domain, _)| domain).collect::<Vec<_>>()})
            }
        };
        self.at_work(&changed, true);
        let update = self.facts.asked(&job.id, Kind::Update);
        let end = loop {
            match self.controller.update(&job.id, &parameters).await {
                Taken::Refused(why) => break End::Refused(why),
                Taken::Already => break End::Succeeded,
                Taken::Busy => sleep(Duration::from_secs(1)).await,
                Taken::Accepted(operation) => break self.follow_change(&changed, &operation).await,
            }
        };
        let done = end == End::Succeeded;
        self.facts.ended(update, end);
        if done {
            self.served(&changed).await;
        }
        self.at_work(&changed, false);
    }

    async fn follow_change(&self, changed: &Job, operation: &str) -> End {
        let mut tenant = Tenant::new(changed);
        loop {
            match self.controller.poll(&changed.id, operation).await {
                Said::InProgress(description) => self.obey(&mut tenant, &changed.id, &description).await,
                Said::Succeeded => return End::Succeeded,
                Said::Failed(description) => return End::Failed(description),
                Said::Gone => return End::Failed("the instance is gone (410)".into()),
                Said::Nothing => {}
            }
        }
    }

    async fn obey(&self, tenant: &mut Tenant<'_>, instance: &str, description: &str) {
        if let Err(error) = tenant.obey(description, &self.dns, &self.stack).await {
            let trouble = format!("{instance}: the tenant: {error:#}");
            self.facts.seen().troubles.push(trouble);
        }
    }

    /// Polls a provision until it ends; removes the instance early if its course says so. Returns whether the instance
    /// can be used.
    async fn follow(&self, job: &Job, provision: usize, operation: &str) -> bool {
        let mut tenant = Tenant::new(job);
        let mut made = false;
        let mut cancel = match job.course {
            Course::Cancel(after) => Some((Instant::now() + after, None)),
            _ => None,
        };
        loop {
            if let Some((at, number)) = &mut cancel
                && Instant::now() >= *at
            {
                let number = *number.get_or_insert_with(|| self.facts.asked(&job.id, Kind::Cancel));
                match self.controller.deprovision(&job.id).await {
                    Taken::Busy => {}
                    Taken::Refused(why) => {
                        self.facts.ended(number, End::Refused(why));
                        cancel = None;
                    }
                    taken => {
                        self.facts.ended(provision, End::Superseded);
                        self.removed(&job.id, number, taken).await;
                        return false;
                    }
                }
            }
            match self.controller.poll(&job.id, operation).await {
                Said::InProgress(description) => self.obey(&mut tenant, &job.id, &description).await,
                Said::Succeeded => {
                    self.facts.ended(provision, End::Succeeded);
                    self.served(job).await;
                    made = true;
                    break;
                }
                Said::Failed(description) => {
                    self.facts.ended(provision, End::Failed(description));
                    break;
                }
                Said::Gone => {
                    self.facts
                        .ended(provision, End::Failed("the instance is gone (410)".into()));
                    break;
                }
                Said::Nothing => {}
            }
        }
        // It ended before it could be cancelled.
        if let Some((_, number)) = cancel {
            let number = number.unwrap_or_else(|| self.facts.asked(&job.id, Kind::Cancel));
            let taken = self.controller.deprovision(&job.id).await;
            self.removed(&job.id, number, taken).await;
            return false;
        }
        made
    }

    /// Removes an instance.
    pub async fn remove(&self, instance: &str, kind: Kind) {
        let number = self.facts.asked(instance, kind);
        let taken = self.controller.deprovision(instance).await;
        self.removed(instance, number, taken).await;
    }

    /// Follows a removal that was requested.
    pub(crate) async fn removed(&self, instance: &str, number: usize, mut taken: Taken) {
        loop {
            match taken {
                Taken::Accepted(operation) => {
                    return self
                        .facts
                        .ended(number, self.follow_removal(instance, &operation).await);
                }
                Taken::Already => return self.facts.ended(number, End::Succeeded),
                Taken::Refused(why) => return self.facts.ended(number, End::Refused(why)),
                Taken::Busy => {
                    sleep(Duration::from_secs(1)).await;
                    taken = self.controller.deprovision(instance).await;
                }
            }
        }
    }

    async fn follow_removal(&self, instance: &str, operation: &str) -> End {
        loop {
            match self.controller.poll(instance, operation).await {
                Said::Succeeded | Said::Gone => return End::Succeeded,
                Said::Failed(description) => return End::Failed(description),
                Said::InProgress(_) | Said::Nothing => {}
            }
        }
    }

    /// Checks that an instance that succeeded is served by HTTPS, for every domain.
    async fn served(&self, job: &Job) {
        self.facts.seen().delegated.extend(job.delegated().map(str::to_owned));
        let endpoints = self.stack.endpoints();
        let _visit = self.visits.acquire().await;
        let visits = async {
            let browser = Browser::new(&endpoints.pebble_roots_pem, endpoints.edge_http, endpoints.edge_https)?;
            for (domain, _) in &job.domains {
                let visit = browser.https(domain, "/").await?;
                anyhow::ensure!(visit.status == 200, "https://{domain} answers {}", visit.status);
                anyhow::ensure!(
                    visit.names.len() == job.domains.len(),
                    "https://{domain} has a certificate for {:?}",
                    visit.names
                );
            }
            anyhow::Ok(())
        };
        if let Err(error) = visits.await {
            self.facts
                .seen()
                .not_served
                .push((job.id.clone(), format!("{error:#}")));
        }
    }
}
