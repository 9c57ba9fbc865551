//! The store's promises, on a database of its own where no worker interferes.

use std::time::Duration;

use clap::Parser as _;
use pipeline::instance::Cookies;
use pipeline::outcome::Method;
use pipeline::{Outcome, Rejection, Schedules, Service, Settings, StepKind, Verdict};
use store::{Authorization, DatabaseArgs, Deprovision, NewInstance, Provision, Recorded, Store, Task};
use uuid::Uuid;

use crate::world::{connect, domain, organization, world};

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    schedules: Schedules,
}

struct Desk {
    store: Store,
    schedules: Schedules,
}

/// A fresh database beside the stack's own.
async fn desk() -> anyhow::Result<Desk> {
    let url = &world().await.handle.endpoints().database_url;
    let name = format!("store_{}", Uuid::new_v4().simple());
    connect(url)
        .await?
        .batch_execute(&format!("create database {name}"))
        .await?;
    let (base, _) = url.rsplit_once('/').expect("a database in the address");
    let arguments = Arguments::parse_from(["test"]);
    let store = Store::new(&DatabaseArgs::at(&format!("{base}/{name}")), "test")?;
    // Whoever comes first migrates, the others find it done.
    let (first, second) = tokio::join!(store.migrate(), store.migrate());
    first?;
    second?;
    Ok(Desk {
        store,
        schedules: arguments.schedules,
    })
}

impl Desk {
    async fn provision(&self, tenant: &str, domains: &[String]) -> anyhow::Result<Vec<Task>> {
        let new = NewInstance {
            id: Uuid::new_v4().to_string(),
            tenant: tenant.to_string(),
            service_id: "service".into(),
            plan_id: "plan".into(),
            settings: Settings {
                origin: "origin.example".into(),
                path: String::new(),
                insecure_origin: false,
                forward_headers: vec![],
                forward_cookies: Cookies::All,
            },
            domains: domains.to_vec(),
            request: serde_json::json!({"domains": domains}),
        };
        let Provision::Accepted { rings, .. } = self.store.provision(&new, &self.schedules).await? else {
            anyhow::bail!("not accepted");
        };
        self.tasks(&rings).await
    }

    async fn tasks(&self, rings: &[pipeline::Ring]) -> anyhow::Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for ring in rings {
            tasks.push(
                self.store
                    .load_task(ring.step, ring.attempt)
                    .await?
                    .expect("a current step"),
            );
        }
        Ok(tasks)
    }

    async fn record(&self, task: &Task, outcome: Outcome) -> anyhow::Result<Option<Vec<pipeline::Ring>>> {
        Ok(match self.store.record(task, &outcome, &self.schedules).await? {
            Recorded::Written(rings) => Some(rings),
            Recorded::Stale => None,
        })
    }

    /// Does `place-order`: every domain gets an authorization, those named are valid already.
    async fn place_order(&self, task: &Task, valid: &[&String]) -> anyhow::Result<Vec<pipeline::Ring>> {
        let order = self.store.order(task).await?;
        let url = format!("https://ca.example/order/{}", order.id);
        self.store
            .set_order_url(task, order.id, &url, "https://ca.example/acct/1", None)
            .await?;
        let authorizations: Vec<Authorization> = task
            .instance
            .domains
            .iter()
            .map(|domain| Authorization {
                domain: domain.clone(),
                url: format!("https://ca.example/authz/{domain}"),
                valid: valid.contains(&domain),
                issuer_domains: Some(vec!["ca.example".into()]),
                dns01_value: Some("value".into()),
                http01_token: None,
                http01_key_authorization: None,
            })
            .collect();
        self.store.set_authorizations(task, order.id, &authorizations).await?;
        Ok(self.record(task, Outcome::DONE).await?.expect("current"))
    }
}

fn of_kind(tasks: &[Task], kind: StepKind) -> &Task {
    tasks.iter().find(|task| task.kind == kind).expect("a task of the kind")
}

#[tokio::test]
async fn the_slower_of_two_deliveries_changes_nothing() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("slow")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let rings = desk.record(task, Outcome::pending("the CA")).await?.expect("current");
    assert_eq!((rings.len(), rings[0].attempt), (1, 1));
    assert!(
        desk.record(task, Outcome::DONE).await?.is_none(),
        "the same attempt again"
    );
    assert!(desk.record(task, Outcome::failed("no", "no")).await?.is_none());
    assert!(
        desk.store.load_task(task.step, task.attempt).await?.is_none(),
        "its alarm is stale"
    );
    assert!(
        desk.store.ensure_current(task).await.is_err(),
        "a zombie must not write outside"
    );
    let next = desk.store.load_task(task.step, 1).await?.expect("the next attempt");
    assert!(desk.store.ensure_current(&next).await.is_ok());
    assert!(
        next.early > Duration::from_secs(3),
        "it is due by its schedule: {:?}",
        next.early
    );
    Ok(())
}

#[tokio::test]
async fn of_two_that_place_an_order_the_first_is_kept() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("two-orders")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let order = desk.store.order(task).await?;
    assert_eq!(desk.store.order(task).await?.id, order.id, "one intent");
    let place = |url: &'static str| {
        desk.store
            .set_order_url(task, order.id, url, "https://ca.example/acct/1", None)
    };
    place("https://ca.example/order/1").await?;
    place("https://ca.example/order/1").await?;
    assert!(
        place("https://ca.example/order/2").await.is_err(),
        "the second order's delivery stops here"
    );
    assert_eq!(
        desk.store.order(task).await?.url.as_deref(),
        Some("https://ca.example/order/1")
    );
    Ok(())
}

#[tokio::test]
async fn rings_that_were_never_published_are_rung_again() -> anyhow::Result<()> {
    let desk = desk().await?;
    let domains = [domain("lost-a"), domain("lost-b"), domain("lost-c")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let rings = desk.place_order(task, &[&domains[1]]).await?;
    assert_eq!(rings.len(), 2, "an authorized domain needs no look");
    // The process died before it published: its message comes again, stale, and brings the same rings.
    let mut again = desk.store.rings_after(task.step).await?;
    let mut expected = rings.clone();
    again.sort_by_key(|ring| ring.step);
    expected.sort_by_key(|ring| ring.step);
    assert_eq!(again, expected);
    let pending = desk.tasks(&rings).await?;
    let later = desk
        .record(&pending[0], Outcome::pending("nothing yet"))
        .await?
        .expect("current");
    let again = desk.store.rings_after(pending[0].step).await?;
    assert_eq!((again.len(), again[0].attempt), (1, 1), "{later:?}");
    assert!(again[0].delay > Duration::from_secs(3), "not before it is due");

    // The sweep waits for its grace, but not for a ring whose publish failed.
    let grace = Duration::from_secs(3600);
    assert_eq!(desk.store.sweep(Service::ChallengeVerifier, grace).await?, vec![]);
    desk.store.not_rung(&rings[1..]).await?;
    let swept = desk.store.sweep(Service::ChallengeVerifier, grace).await?;
    assert_eq!((swept.len(), swept[0].step), (1, rings[1].step));
    assert_eq!(
        desk.store.sweep(Service::ChallengeVerifier, grace).await?,
        vec![],
        "once"
    );
    assert_eq!(
        desk.store
            .sweep(Service::ChallengeVerifier, Duration::ZERO)
            .await?
            .len(),
        1,
        "overdue by its grace"
    );
    Ok(())
}

#[tokio::test]
async fn a_rejected_domain_rests_and_loses_its_proof_while_the_others_keep_theirs() -> anyhow::Result<()> {
    let desk = desk().await?;
    let domains = [domain("rests"), domain("stays")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let rings = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let mut next = Vec::new();
    for task in desk.tasks(&rings).await? {
        next = desk
            .record(&task, Outcome::Done(Verdict::Verified(Method::Dns01)))
            .await?
            .expect("current");
    }
    let answering = &desk.tasks(&next).await?[0];
    assert_eq!(answering.kind, StepKind::AnswerChallenges);
    let awaiting = desk.record(answering, Outcome::DONE).await?.expect("current");
    let awaiting = &desk.tasks(&awaiting).await?[0];
    let spent = Verdict::OrderSpent {
        reason: "turned down\0".into(),
        rejections: vec![Rejection {
            domain: domains[0].clone(),
            reason: "no TXT record\0".into(),
        }],
    };
    let rings = desk
        .record(awaiting, Outcome::Done(spent))
        .await?
        .expect("a NUL from outside does no harm");
    let placing = &desk.tasks(&rings).await?[0];
    assert_eq!((placing.kind, placing.round), (StepKind::PlaceOrder, 2));
    let rings = desk.place_order(placing, &[&domains[1]]).await?;
    assert_eq!(rings.len(), 1, "the other domain is valid at the CA");
    assert!(
        rings[0].delay > Duration::from_secs(14 * 60),
        "at least 15 minutes less jitter: {:?}",
        rings[0].delay
    );
    Ok(())
}

#[tokio::test]
async fn a_failed_provision_gives_up_what_it_proved_and_can_be_removed() -> anyhow::Result<()> {
    let desk = desk().await?;
    let shared = domain("given-up");
    let domains = [shared.clone(), domain("never-proved")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let rings = desk
        .place_order(of_kind(&tasks, StepKind::PlaceOrder), &[&shared])
        .await?;
    assert!(
        desk.provision(&organization(), std::slice::from_ref(&shared))
            .await
            .is_err(),
        "proved"
    );
    let looking = &desk.tasks(&rings).await?[0];
    desk.record(looking, Outcome::failed("no", "no"))
        .await?
        .expect("current");
    desk.provision(&organization(), std::slice::from_ref(&shared)).await?;
    let answer = desk
        .store
        .last_operation(&looking.instance.id, None)
        .await?
        .expect("an operation");
    assert_eq!(answer.failure.as_deref(), Some("no"));
    let gone = desk.store.deprovision(&looking.instance.id, &desk.schedules).await?;
    assert!(matches!(gone, Deprovision::Accepted { .. }));
    Ok(())
}
