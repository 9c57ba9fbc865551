//! The broker's own zone: whose a name in it is, and which values are there for which order.

use std::time::Duration;

use pipeline::proof::{Challenge, DelegatedDns01, Method, Place};
use pipeline::reason::{Behind, Delegation, DnsProblem, Instead, Look, Seen, Spread, Txt, Way};
use pipeline::{Outcome, StepKind, Verdict};
use store::operator::NewOffer;
use store::{DatabaseArgs, Deprovision, PublishedValue, Requester, Task, ToPublish, ZoneFeed};

use super::{Desk, desk};
use crate::world::{PATIENCE, domain};

/// A probe that saw the tenant's CNAME at these name servers and not at those, and waits for the broker.
fn unpublished(behind: &[&str]) -> Look {
    let behind = behind.iter().map(|server| Behind {
        server: (*server).into(),
        instead: Instead::Denied(DnsProblem::NoSuchName {
            server: (*server).into(),
        }),
        address: None,
    });
    let seen = Delegation::Leads {
        target: "x7k2.acme.example".into(),
        cname: Spread {
            have: vec!["ns1.example.com".into()],
            behind: behind.collect(),
            ..Spread::default()
        },
        value: Box::new(Txt::Absent {
            problem: DnsProblem::NoSuchName {
                server: "ns.acme.example".into(),
            },
        }),
    };
    Look {
        ways: vec![Way {
            method: Method::DelegatedDns01,
            place: Place::Cname("_acme-challenge.www.example.com".into()),
            seen: Seen::Delegation(seen),
        }],
        ..Look::default()
    }
}

impl Desk {
    /// Places an order for instances whose domains are delegated, all with the same value, as a CA does that returns the
    /// same pending order again.
    async fn place_delegated(&self, task: &Task) -> anyhow::Result<Vec<Task>> {
        let delegated = Challenge::DelegatedDns01(DelegatedDns01 {
            target: "x7k2.acme.example".into(),
            value: "same".into(),
            only_by_cname: false,
        });
        self.tasks(&self.place(task, &[], &[delegated]).await?).await
    }
}

#[tokio::test]
async fn published_values_wake_one_of_the_probes_that_wait_for_them_and_no_order_loses_another_ones()
-> anyhow::Result<()> {
    let desk = desk().await?;
    let [waits, follows, behind, absent] = ["a-waits", "b-follows", "c-behind", "d-absent"].map(domain);
    let first = desk
        .provision(
            "org-1",
            &[waits.clone(), follows.clone(), behind.clone(), absent.clone()],
        )
        .await?
        .remove(0);
    let tasks = desk.place_delegated(&first).await?;
    let of = |tasks: &[Task], kind: StepKind, subject: &str| {
        let found = tasks.iter().find(|task| task.kind == kind && task.subject == subject);
        found.cloned().expect("a step")
    };
    let publish = of(&tasks, StepKind::PublishChallenges, "");
    for (subject, look) in [
        (&waits, unpublished(&[])),
        (&follows, unpublished(&[])),
        (&behind, unpublished(&["ns2.example.com"])),
        (&absent, Look::default()),
    ] {
        let task = of(&tasks, StepKind::VerifyChallenge, subject);
        desk.record(&task, Outcome::pending_for(look, Some(Duration::from_secs(600))))
            .await?;
    }

    let value = PublishedValue {
        name: "x7k2.acme.example".into(),
        value: "same".into(),
    };
    let wanted = ToPublish::Values(vec![value.clone()]);
    assert_eq!(desk.store.values_to_publish(&publish).await?, wanted);
    assert_eq!(
        desk.store.values_to_publish(&publish).await?,
        wanted,
        "until it is written"
    );
    desk.store
        .set_published(&publish, std::slice::from_ref(&value), Some("change-1"))
        .await?;
    assert_eq!(
        desk.store.values_to_publish(&publish).await?,
        ToPublish::Values(Vec::new())
    );
    assert_eq!(desk.store.changes_to_await(&publish).await?, ["change-1"]);
    desk.store.set_synced("change-1").await?;
    assert_eq!(desk.store.changes_to_await(&publish).await?, Vec::<String>::new());
    assert_eq!(desk.store.values_to_withdraw(10).await?, [], "its order runs");
    let wake_ups = desk.record(&publish, Outcome::DONE).await?.expect("current");
    let woken = desk.tasks(&wake_ups).await?;
    let mut subjects: Vec<(&str, u64)> = woken
        .iter()
        .zip(&wake_ups)
        .map(|(task, wake_up)| (task.subject.as_str(), wake_up.delay.as_secs()))
        .collect();
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        [(waits.as_str(), 0), (follows.as_str(), 5), (behind.as_str(), 5)],
        "those that saw their CNAMEs: one whose CNAME is everywhere at once"
    );

    // The first one's value is everywhere: the other's is looked for with it, and both are recorded together.
    let now = woken.into_iter().find(|task| task.subject == waits).expect("woken");
    let published = desk.store.published(&now).await?.expect("written");
    assert!(published.everywhere && !published.follows);
    let others = desk.store.waiting_for_values(&now).await?;
    let others: Vec<String> = others.into_iter().map(|other| other.domain).collect();
    assert_eq!(others, [follows.as_str()]);
    let follower = desk
        .tasks(&wake_ups)
        .await?
        .into_iter()
        .find(|task| task.subject == follows)
        .expect("waits");
    assert!(desk.store.published(&follower).await?.expect("written").follows);
    let verdict = Verdict::VerifiedTogether {
        method: Method::DelegatedDns01,
        others,
    };
    desk.record(&now, Outcome::Done(verdict.clone()))
        .await?
        .expect("current");
    assert!(
        desk.record(&follower, Outcome::Done(verdict)).await?.is_none(),
        "it was faster"
    );
    let verified = desk.store.verified(&publish).await?;
    let by: Vec<(&str, Option<Method>)> = verified.iter().map(|(one, by)| (one.domain.as_str(), *by)).collect();
    assert_eq!(
        by,
        [
            (waits.as_str(), Some(Method::DelegatedDns01)),
            (follows.as_str(), Some(Method::DelegatedDns01)),
            (behind.as_str(), None),
            (absent.as_str(), None),
        ]
    );

    // A second order has the same value: it stays when the first one ends.
    let second = desk.provision("org-1", &[domain("second")]).await?.remove(0);
    let tasks = desk.place_delegated(&second).await?;
    let publish = of(&tasks, StepKind::PublishChallenges, "");
    assert_eq!(desk.store.values_to_publish(&publish).await?, wanted);
    let Deprovision::Accepted { .. } = desk
        .store
        .deprovision(&first.instance.id, &Requester::default(), desk.schedules())
        .await?
    else {
        anyhow::bail!("not accepted")
    };
    assert_eq!(
        desk.store.values_to_withdraw(10).await?,
        [],
        "the second order needs it"
    );

    // Once nobody needs it, it is removed; until that is done nobody writes it.
    let Deprovision::Accepted { .. } = desk
        .store
        .deprovision(&second.instance.id, &Requester::default(), desk.schedules())
        .await?
    else {
        anyhow::bail!("not accepted")
    };
    assert_eq!(desk.store.values_to_withdraw(10).await?, std::slice::from_ref(&value));
    let third = desk.provision("org-1", &[domain("third")]).await?.remove(0);
    let tasks = desk.place_delegated(&third).await?;
    let publish = of(&tasks, StepKind::PublishChallenges, "");
    assert_eq!(desk.store.values_to_publish(&publish).await?, ToPublish::BeingRemoved);
    desk.store.forget_withdrawn(std::slice::from_ref(&value)).await?;
    assert_eq!(desk.store.values_to_publish(&publish).await?, wanted);
    Ok(())
}

#[tokio::test]
async fn a_tenants_target_stays_and_is_never_anothers() -> anyhow::Result<()> {
    let desk = desk().await?;
    let names = [
        "a.example.com".to_owned(),
        "*.a.example.com".to_owned(),
        "b.example.com".to_owned(),
    ];
    let targets = async |tenant: &str, zone: &str| desk.store.delegation_targets(tenant, zone, &names).await;
    let first = targets("org-1", "acme.example").await?;
    assert_eq!(first[&names[0]], first[&names[1]], "a wildcard shares its parent's");
    assert_ne!(first[&names[0]], first[&names[2]]);
    assert!(
        first[&names[0]].ends_with(".acme.example") && first[&names[0]].len() > 32,
        "{first:?}"
    );
    assert_eq!(targets("org-1", "acme.example").await?, first);
    let (other, elsewhere) = tokio::try_join!(targets("org-2", "acme.example"), targets("org-1", "else.example"))?;
    assert!(
        other
            .values()
            .all(|target| !first.values().any(|known| known == target))
    );
    assert!(elsewhere.values().all(|target| target.ends_with(".else.example")));
    assert_eq!(desk.store.delegation_zones().await?, ["acme.example", "else.example"]);
    Ok(())
}

#[tokio::test]
async fn an_inherited_name_is_served_at_once_and_is_none_that_an_order_offered() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (zone, names) = ("acme.example", [domain("inherited")]);
    // It is replaced, since it has never served.
    desk.store.delegation_targets("org-1", zone, &names).await?;
    let mut feed = ZoneFeed::connect(&DatabaseArgs::at(&desk.url), "test").await?;
    feed.served(zone).await?;
    let offer = NewOffer {
        distribution: "E1ABCDEF2GHIJK",
        domain: "d111111abcdef8.cloudfront.net",
        tenant: "org-1",
        aliases: &names,
        delegation_zone: Some(zone),
        lasts: Duration::from_secs(3600),
    };
    assert!(desk.operator().offer(offer).await?);
    let task = desk.provision("org-1", &names).await?.remove(0);
    tokio::time::timeout(PATIENCE, feed.changed()).await??;
    let served: Vec<String> = feed
        .served(zone)
        .await?
        .names
        .into_iter()
        .map(|name| name.name)
        .collect();
    assert_eq!(served, [format!("_acme-challenge.{}", names[0])]);

    assert!(!desk.store.has_offered_delegation(zone).await?);
    desk.place_delegated(&task).await?;
    assert!(desk.store.has_offered_delegation(zone).await?);
    assert!(!desk.store.has_offered_delegation("else.example").await?);
    Ok(())
}
