//! What a look leaves to the next one, and whether it is news for who asks.

use anyhow::Context as _;
use pipeline::proof::{Method, Place};
use pipeline::reason::{Asked, CaReason, DnsProblem, Look, Memory, Reason, Seen, Txt, Way};
use pipeline::{Outcome, StepKind};
use store::Task;
use store::operator::Choice;

use super::{Desk, desk, of_kind};
use crate::world::{domain, organization};

/// A look that found nothing, which a name server and a web server at this address answered.
pub(super) fn absent(address: &str) -> Look {
    let address = address.parse().expect("an address");
    let name = "_acme-challenge.www.example.com".to_owned();
    let asked = Asked {
        apex: "example.com.".into(),
        servers: vec![address],
    };
    let problem = DnsProblem::NoSuchName {
        server: "ns1.example.com".into(),
    };
    Look {
        ways: vec![Way {
            method: Method::Dns01,
            place: Place::Txt(name.clone()),
            seen: Seen::Txt {
                alias: None,
                found: Txt::Absent { problem },
            },
        }],
        memory: Some(Memory {
            zones: [(name, asked)].into(),
            hosts: [("www.example.com".to_owned(), vec![address])].into(),
        }),
        ..Look::default()
    }
}

impl Desk {
    /// Records a look at the domain as one in vain: its next attempt.
    pub(super) async fn in_vain(&self, task: &Task, look: Look) -> anyhow::Result<Task> {
        let wake_ups = self.record(task, Outcome::pending(look)).await?.context("current")?;
        Ok(self.tasks(&wake_ups).await?.remove(0))
    }

    /// A domain whose order is placed, to be looked at.
    pub(super) async fn to_look_at(&self, label: &str) -> anyhow::Result<Task> {
        let tasks = self.provision(&organization(), &[domain(label)]).await?;
        let wake_ups = self.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
        Ok(of_kind(&self.tasks(&wake_ups).await?, StepKind::VerifyChallenge).clone())
    }

    /// What the last look at the domain saw.
    pub(super) async fn before(&self, task: &Task) -> anyhow::Result<Option<Look>> {
        Ok(self.store.challenge(task).await?.context("an order")?.before)
    }
}

#[tokio::test]
async fn what_a_look_remembers_is_no_news() -> anyhow::Result<()> {
    let desk = desk().await?;
    let task = desk.to_look_at("remembers").await?;
    let instance = task.instance.id.clone();
    let version = async || -> anyhow::Result<i64> {
        let polled = desk.store.polled(&instance, None).await?;
        polled.and_then(|polled| polled.running_version).context("no version")
    };
    assert_eq!(desk.before(&task).await?, None);
    let task = desk.in_vain(&task, absent("192.0.2.1")).await?;
    let told = version().await?;
    let task = desk.in_vain(&task, absent("192.0.2.2")).await?;
    assert_eq!(version().await?, told, "last_operation has nothing new to say");
    assert_eq!(
        desk.before(&task).await?,
        Some(absent("192.0.2.2")),
        "the next look has it"
    );

    // Nobody reads it but the next look.
    let shown = absent("192.0.2.2").without_memory();
    let reason = Some(Reason::from(shown.clone()));
    let view = desk.store.last_operation(&instance, None).await?.context("there")?;
    assert_eq!(view.domains[0].waiting_for, reason);
    let dossier = desk.store.dossier(&instance).await?.context("there")?;
    assert_eq!(dossier.challenges[0].seen, reason);
    let of_tenant = Choice {
        tenant: Some(task.instance.tenant.clone()),
        ..Choice::default()
    };
    let lines = desk.store.instance_lines(&of_tenant).await?;
    assert_eq!(lines[0].waiting_for, reason);

    // As a program writes that remembers nothing; then something else is seen.
    let task = desk.in_vain(&task, shown.clone()).await?;
    assert_eq!(version().await?, told);
    let other = Look { slow: true, ..shown };
    desk.in_vain(&task, other).await?;
    assert_eq!(version().await?, told + 1);
    Ok(())
}

#[tokio::test]
async fn a_retry_looks_at_everything() -> anyhow::Result<()> {
    let desk = desk().await?;
    let task = desk.to_look_at("looked-at-again").await?;
    let task = desk.in_vain(&task, absent("192.0.2.1")).await?;
    desk.operator().retry_now(&task.instance.id, false).await?;
    let shown = absent("192.0.2.1").without_memory();
    assert_eq!(desk.before(&task).await?, Some(shown));
    Ok(())
}

/// Of an attempt whose record failed: what is there instead of the proof has to be recorded.
#[tokio::test]
async fn once_the_proof_was_seen_everything_is_looked_at() -> anyhow::Result<()> {
    let desk = desk().await?;
    let task = desk.to_look_at("was-seen").await?;
    let task = desk.in_vain(&task, absent("192.0.2.1")).await?;
    assert_eq!(desk.before(&task).await?, Some(absent("192.0.2.1")));
    desk.store.seen_in_place_for(&task, true).await?;
    assert_eq!(desk.before(&task).await?, None);
    desk.store.seen_in_place_for(&task, false).await?;
    assert_eq!(desk.before(&task).await?, Some(absent("192.0.2.1")));
    Ok(())
}

/// last_operation sends its previous answer again while the version stays the same.
#[tokio::test]
async fn a_record_counts_in_the_version_when_it_tells_something_new() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("version")]).await?;
    let mut task = of_kind(&tasks, StepKind::PlaceOrder).clone();
    let version = async |task: &Task| -> anyhow::Result<i64> {
        let polled = desk.store.polled(&task.instance.id, Some(task.operation)).await?;
        polled.and_then(|polled| polled.running_version).context("no version")
    };
    let requested = version(&task).await?;
    for (reason, more) in [
        (CaReason::Issuing, 1),
        (CaReason::Issuing, 1),
        (CaReason::Validating, 2),
    ] {
        let wake_ups = desk.record(&task, Outcome::pending(reason)).await?.context("current")?;
        task = desk.tasks(&wake_ups).await?.remove(0);
        assert_eq!(version(&task).await?, requested + more);
    }
    Ok(())
}
