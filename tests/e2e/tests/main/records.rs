//! The store's promises, on a database of its own where no worker interferes. They are in the modules below.

mod changes;
mod deliveries;
mod endings;
mod look_now;
mod looks;
mod migrating;
mod news;
mod notices;
mod open_pages;
mod other_versions;
mod outside;
mod own_zone;
mod pace;
mod rejections;
mod renew_by;
mod sweep;

use std::time::Duration;

use clap::Parser as _;
use pipeline::proof::dns_persist01::{AccountUris, Form};
use pipeline::proof::{Challenge, Dns01, DnsPersist01};
use pipeline::{InstanceSettings, Outcome, Schedules, StepKind};
use store::{
    Acting, Actor, Authorization, Bounds, DatabaseArgs, NewInstance, Placed, Provision, Recorded, Requester, Store,
    Task, Via,
};
use uuid::Uuid;

use crate::world::{connect, world};

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    schedules: Schedules,
}

pub(crate) struct Desk {
    pub(crate) store: Store,
    schedules: Schedules,
    pub(crate) url: String,
}

/// A fresh database beside the stack's own.
pub(crate) async fn desk() -> anyhow::Result<Desk> {
    let url = &world().await.handle.endpoints().database_url;
    let name = format!("store_{}", Uuid::new_v4().simple());
    connect(url)
        .await?
        .batch_execute(&format!("create database {name}"))
        .await?;
    let (base, _) = url.rsplit_once('/').expect("a database in the address");
    let url = format!("{base}/{name}");
    let arguments = Arguments::parse_from(["test"]);
    let store = Store::new(&DatabaseArgs::at(&url), "test")?;
    // Whoever comes first migrates, the others find it done.
    let (first, second) = tokio::join!(store.migrate(), store.migrate());
    first?;
    second?;
    Ok(Desk {
        store,
        schedules: arguments.schedules,
        url,
    })
}

fn placed(url: &str) -> Placed<'_> {
    Placed {
        url,
        account_uri: "https://ca.example/acct/1",
        directory_url: "https://ca.example/dir",
        fallback: false,
        replaces: None,
        expires_at: None,
    }
}

impl Desk {
    pub(crate) fn schedules(&self) -> &Schedules {
        &self.schedules
    }

    /// Changes in an operator's name.
    pub(crate) fn operator(&self) -> Acting<'_> {
        self.store.acting(Actor {
            who: "alice".to_owned(),
            via: Via::Cdnctl,
        })
    }

    pub(crate) fn new_instance(&self, tenant: &str, domains: &[String]) -> NewInstance {
        NewInstance {
            id: Uuid::new_v4().to_string(),
            tenant: tenant.to_string(),
            service_id: "service".into(),
            plan_id: "plan".into(),
            settings: InstanceSettings {
                origin: "origin.example".into(),
                ..InstanceSettings::default()
            },
            domains: domains.to_vec(),
            request: serde_json::json!({"parameters": {"domains": domains}}),
            notify: None,
        }
    }

    pub(crate) async fn provision(&self, tenant: &str, domains: &[String]) -> anyhow::Result<Vec<Task>> {
        let new = self.new_instance(tenant, domains);
        let Provision::Accepted { wake_ups, .. } = self
            .store
            .provision(&new, &Requester::default(), Bounds::default(), &self.schedules)
            .await?
        else {
            anyhow::bail!("not accepted");
        };
        self.tasks(&wake_ups).await
    }

    async fn sweep(&self, kind: StepKind, grace: Duration, most: u32) -> anyhow::Result<Vec<pipeline::WakeUp>> {
        Ok(self.store.sweep(kind.service(), &[(kind, grace)], most).await?)
    }

    pub(crate) async fn tasks(&self, wake_ups: &[pipeline::WakeUp]) -> anyhow::Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for wake_up in wake_ups {
            tasks.push(
                self.store
                    .load_task(wake_up.step, wake_up.attempt)
                    .await?
                    .expect("a current step"),
            );
        }
        Ok(tasks)
    }

    pub(crate) async fn record(&self, task: &Task, outcome: Outcome) -> anyhow::Result<Option<Vec<pipeline::WakeUp>>> {
        Ok(match self.store.record(task, &outcome, false, &self.schedules).await? {
            Recorded::Written(wake_ups) => Some(wake_ups),
            Recorded::Stale => None,
        })
    }

    /// Does `place-order`: every domain gets an authorization, those named are valid already.
    pub(crate) async fn place_order(&self, task: &Task, valid: &[&String]) -> anyhow::Result<Vec<pipeline::WakeUp>> {
        let dns01 = Challenge::Dns01(Dns01 { value: "value".into() });
        self.place(task, valid, &[set_once(), dns01]).await
    }

    /// The same, where the CA offers these challenges for each domain.
    async fn place(
        &self,
        task: &Task,
        valid: &[&String],
        challenges: &[Challenge],
    ) -> anyhow::Result<Vec<pipeline::WakeUp>> {
        let order = self.store.order(task).await?;
        let url = format!("https://ca.example/order/{}", order.id);
        self.store.set_order_url(task, order.id, &placed(&url)).await?;
        let authorizations: Vec<Authorization> = task
            .instance
            .domains
            .iter()
            .map(|domain| Authorization {
                domain: domain.clone(),
                url: format!("https://ca.example/authz/{domain}"),
                valid: valid.contains(&domain),
                challenges: challenges.iter().cloned().collect(),
            })
            .collect();
        let caa_identities = ["ca.example".to_owned()];
        self.store
            .set_authorizations(task, order.id, 0, &authorizations, &caa_identities)
            .await?;
        Ok(self.record(task, Outcome::DONE).await?.expect("current"))
    }
}

/// A record that is made with the account's key.
fn set_once() -> Challenge {
    let uris = ["new", "old"].map(|key| format!("https://ca.example/h/{key}"));
    Challenge::DnsPersist01(DnsPersist01 {
        form: Form::Hashed,
        issuer_domains: vec!["ca.example".into()],
        account_uris: AccountUris::new(uris.into()).expect("two"),
    })
}

pub(crate) fn of_kind(tasks: &[Task], kind: StepKind) -> &Task {
    tasks.iter().find(|task| task.kind == kind).expect("a task of the kind")
}
