//! The store's promises, on a database of its own where no worker interferes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser as _;
use pipeline::proof::dns_persist01::{AccountUris, Form};
use pipeline::proof::{Challenge, DelegatedDns01, Dns01, DnsPersist01, Method, Place};
use pipeline::reason::{
    Asked, Behind, BrokerReason, CaReason, Delegation, DnsProblem, Instead, Look, Memory, Reason, Seen, Spent, Spread,
    Txt, Way,
};
use pipeline::{InstanceSettings, OperationState, Outcome, Rejection, Schedules, StepKind, Verdict};
use store::operator::{Choice, NewOffer};
use store::{
    Authorization, Bounds, DatabaseArgs, Deprovision, NewInstance, Placed, Provision, PublishedValue, Recorded,
    Requester, Store, StoreError, Task, ToPublish, ZoneFeed,
};
use uuid::Uuid;

use crate::world::{PATIENCE, connect, domain, organization, until, world};

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

#[tokio::test]
async fn the_slower_of_two_deliveries_changes_nothing() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("slow")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let wake_ups = desk
        .record(task, Outcome::pending(CaReason::Issuing))
        .await?
        .expect("current");
    assert_eq!((wake_ups.len(), wake_ups[0].attempt), (1, 1));
    assert!(
        desk.record(task, Outcome::DONE).await?.is_none(),
        "the same attempt again"
    );
    assert!(desk.record(task, Outcome::failed("no", "no")).await?.is_none());
    assert!(
        desk.store.load_task(task.step, task.attempt).await?.is_none(),
        "its wake-up is stale"
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
    let place = async |url: &str| desk.store.set_order_url(task, order.id, &placed(url)).await;
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
async fn what_caa_records_may_call_the_ca_is_kept_with_its_order_and_unknown_for_one_from_before() -> anyhow::Result<()>
{
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("caa-identities")]).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let [wake_up] = wake_ups.as_slice() else {
        panic!("one domain to verify, not {wake_ups:?}")
    };
    let task = desk
        .store
        .load_task(wake_up.step, wake_up.attempt)
        .await?
        .expect("a current step");
    let challenge = desk.store.challenge(&task).await?.expect("an order");
    assert_eq!(challenge.caa_identities, ["ca.example"]);
    // As a certificate-issuer writes that knows nothing of it.
    let sql = connect(&desk.url).await?;
    sql.execute("update orders set caa_identities = null", &[]).await?;
    let challenge = desk.store.challenge(&task).await?.expect("an order");
    assert!(challenge.caa_identities.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_the_ca_offers_is_read_the_same_everywhere_and_from_programs_before_it_was_one_object()
-> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("set-once")]).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let [wake_up] = wake_ups.as_slice() else {
        panic!("one domain to verify, not {wake_ups:?}")
    };
    let loaded = desk.store.load_task(wake_up.step, wake_up.attempt).await?;
    let task = loaded.expect("a current step");
    let instance = &task.instance.id;
    let seen = async || {
        let challenge = desk.store.challenge(&task).await?.expect("an order");
        let challenges = challenge.authorization.challenges;
        let view = desk.store.last_operation(instance, None).await?.expect("an operation");
        assert_eq!(view.domains[0].challenges.as_ref(), Some(&challenges));
        let dossier = desk.store.dossier(instance).await?.expect("an instance");
        assert_eq!(dossier.challenges[0].challenges.as_ref(), Some(&challenges));
        let served = desk.store.serving(instance).await?.expect("an instance").challenges;
        assert_eq!(served[0].1, challenges.clone().outlasting());
        anyhow::Ok(challenges)
    };
    let written = seen().await?;
    assert_eq!(written.get(Method::DnsPersist01), Some(&set_once()));
    // A row from before the object, and one that such a program writes from what it has read.
    let sql = connect(&desk.url).await?;
    let before = "update authorizations set challenges = null";
    sql.execute(before, &[]).await?;
    assert_eq!(seen().await?, written);
    let again = "with old as (delete from authorizations returning *) \
                 insert into authorizations (order_id, domain, url, valid, issuer_domains, dns01_value, http01_token, \
                   http01_key_authorization, persist_form, persist_account_uris, persist_problem) \
                 select order_id, domain, url, valid, issuer_domains, dns01_value, http01_token, http01_key_authorization, \
                   persist_form, persist_account_uris, persist_problem from old";
    assert_eq!(sql.execute(again, &[]).await?, 1);
    let kept = "select challenges is not null from authorizations";
    assert!(sql.query_one(kept, &[]).await?.get::<_, bool>(0));
    assert_eq!(seen().await?, written);
    // Of a program from before there were forms.
    let before = "update authorizations set challenges = null, persist_form = null, persist_account_uris = null";
    sql.execute(before, &[]).await?;
    let of_url = Challenge::DnsPersist01(DnsPersist01 {
        form: Form::AccountUrl,
        issuer_domains: vec!["ca.example".into()],
        account_uris: "https://ca.example/acct/1".into(),
    });
    assert_eq!(seen().await?.get(Method::DnsPersist01), Some(&of_url));
    Ok(())
}

#[tokio::test]
async fn rings_that_were_never_published_are_published_again() -> anyhow::Result<()> {
    let desk = desk().await?;
    let domains = [domain("lost-a"), domain("lost-b"), domain("lost-c")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let wake_ups = desk.place_order(task, &[&domains[1]]).await?;
    assert_eq!(wake_ups.len(), 2, "an authorized domain needs no look");
    // The process died before it published: its message comes again, stale, and brings the same wake-ups.
    let mut again = desk.store.wake_ups_after(task.step).await?;
    let mut expected = wake_ups.clone();
    again.sort_by_key(|wake_up| wake_up.step);
    expected.sort_by_key(|wake_up| wake_up.step);
    assert_eq!(again, expected);
    let pending = desk.tasks(&wake_ups).await?;
    let later = desk
        .record(&pending[0], Outcome::pending(Look::default()))
        .await?
        .expect("current");
    let again = desk.store.wake_ups_after(pending[0].step).await?;
    assert_eq!((again.len(), again[0].attempt), (1, 1), "{later:?}");
    assert!(again[0].delay > Duration::from_secs(3), "not before it is due");

    // The sweep waits for its grace, but not for a wake-up whose publish failed.
    let grace = Duration::from_secs(3600);
    assert_eq!(desk.sweep(StepKind::VerifyChallenge, grace, 500).await?, vec![]);
    desk.store.not_published(&wake_ups[1..]).await?;
    let swept = desk.sweep(StepKind::VerifyChallenge, grace, 500).await?;
    assert_eq!((swept.len(), swept[0].step), (1, wake_ups[1].step));
    assert_eq!(desk.sweep(StepKind::VerifyChallenge, grace, 500).await?, vec![], "once");
    assert_eq!(
        desk.sweep(StepKind::VerifyChallenge, Duration::ZERO, 500).await?.len(),
        1,
        "overdue by its grace"
    );
    Ok(())
}

#[tokio::test]
async fn what_a_sweep_does_not_help_is_swept_ever_more_seldom_until_it_is_recorded() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("poison")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let grace = Duration::from_millis(400);
    let mut waits = Vec::new();
    // From before one sweep to after the next: however long a statement takes, no wait seems too short.
    let mut swept = Instant::now();
    for _ in 0..5 {
        let next = loop {
            let asked = Instant::now();
            if !desk.sweep(StepKind::PlaceOrder, grace, 500).await?.is_empty() {
                break asked;
            }
            assert!(swept.elapsed() < PATIENCE, "never swept");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        waits.push(swept.elapsed());
        swept = next;
    }
    assert!(waits[2] < grace * 2, "a wake-up can be lost now and then: {waits:?}");
    assert!(
        waits[3] > grace.mul_f64(1.8) && waits[4] > grace.mul_f64(3.6),
        "{waits:?}"
    );
    desk.record(task, Outcome::pending_for(CaReason::Issuing, Some(Duration::ZERO)))
        .await?
        .expect("current");
    let begun = Instant::now();
    while desk.sweep(StepKind::PlaceOrder, grace, 500).await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() < grace * 3, "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_sweep_takes_no_more_than_it_is_told_and_the_oldest_first() -> anyhow::Result<()> {
    let desk = desk().await?;
    for _ in 0..5 {
        desk.provision(&organization(), &[domain("many")]).await?;
    }
    let mut sizes = Vec::new();
    loop {
        let swept = desk.sweep(StepKind::PlaceOrder, Duration::ZERO, 2).await?;
        sizes.push(swept.len());
        if sizes.len() == 3 {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 2], "without a grace whatever is due is published");
    Ok(())
}

#[tokio::test]
async fn a_deprovision_supersedes_a_provision_at_any_moment() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tenant = organization();
    let name = domain("superseded");
    let tasks = desk.provision(&tenant, std::slice::from_ref(&name)).await?;
    let placing = of_kind(&tasks, StepKind::PlaceOrder);
    let instance = placing.instance.id.clone();
    let Deprovision::Accepted { operation, wake_ups } = desk
        .store
        .deprovision(&instance, &Requester::default(), &desk.schedules)
        .await?
    else {
        panic!("not accepted");
    };
    let again = desk
        .store
        .deprovision(&instance, &Requester::default(), &desk.schedules)
        .await?;
    assert!(matches!(again, Deprovision::Running { operation: same } if same == operation));

    // Whoever still works for the provision is told, at every door.
    assert!(desk.store.load_task(placing.step, placing.attempt).await?.is_none());
    assert!(matches!(
        desk.store.ensure_current(placing).await,
        Err(StoreError::Stale)
    ));
    assert!(desk.record(placing, Outcome::DONE).await?.is_none());
    assert!(matches!(desk.store.order(placing).await, Err(StoreError::Stale)));
    assert!(matches!(
        desk.store.intend_distribution(placing).await,
        Err(StoreError::Stale)
    ));
    // What was made in AWS meanwhile belongs to the instance all the same: the deprovision takes it away.
    desk.store.set_distribution(placing, "E1", "d1.example").await?;
    let old = desk
        .store
        .last_operation(&instance, Some(placing.operation))
        .await?
        .expect("still there");
    assert_eq!(old.state, OperationState::Superseded);

    // To its end, and the name is free again.
    let mut wake_ups = wake_ups;
    let mut kinds = Vec::new();
    while let [task] = desk.tasks(&wake_ups).await?.as_slice() {
        kinds.push(task.kind);
        assert_eq!(task.instance.distribution_id.as_deref(), Some("E1"));
        wake_ups = desk.record(task, Outcome::DONE).await?.expect("current");
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert!(matches!(
        desk.store
            .deprovision(&instance, &Requester::default(), &desk.schedules)
            .await?,
        Deprovision::Gone
    ));
    assert!(matches!(
        desk.store.set_distribution(placing, "E2", "d2.example").await,
        Err(StoreError::Stale)
    ));
    desk.provision(&tenant, &[name]).await?;
    Ok(())
}

/// Waits until another connection of the desk's database waits for a lock.
async fn somebody_waits_for_a_lock(desk: &Desk) -> anyhow::Result<()> {
    let client = connect(&desk.url).await?;
    until("somebody waits for a lock", async || {
        let query = "select exists(select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        Ok(client.query_one(query, &[]).await?.get(0))
    })
    .await
}

#[tokio::test]
async fn a_repeated_provision_that_waited_for_a_deprovision_is_told_of_it() -> anyhow::Result<()> {
    let desk = desk().await?;
    let new = desk.new_instance(&organization(), &[domain("waited")]);
    let (asked, schedules) = (Requester::default(), &desk.schedules);
    desk.store.provision(&new, &asked, Bounds::default(), schedules).await?;
    // A DELETE that has the lock, and has written its operation: all that it lacks is the commit.
    let mut client = connect(&desk.url).await?;
    let deleting = client.transaction().await?;
    deleting
        .execute("select 1 from instances where id = $1 for update", &[&new.id])
        .await?;
    deleting
        .execute(
            "update operations set state = 'superseded', ended_at = now() where instance_id = $1",
            &[&new.id],
        )
        .await?;
    deleting
        .execute(
            "insert into operations (id, instance_id, kind, deadline_at) values ($2, $1, 'deprovision', now() + interval '1 day')",
            &[&new.id, &Uuid::new_v4()],
        )
        .await?;
    let (again, committed) = tokio::join!(
        desk.store.provision(&new, &asked, Bounds::default(), schedules),
        async {
            somebody_waits_for_a_lock(&desk).await?;
            Ok::<(), anyhow::Error>(deleting.commit().await?)
        }
    );
    committed?;
    let again = again?;
    assert!(
        matches!(&again, Provision::Conflict { why } if why == "this instance is being deleted"),
        "{again:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_program_works_on_a_newer_schema_only_if_that_says_so() -> anyhow::Result<()> {
    let desk = desk().await?;
    let newer = |works_with: i32| {
        let sql = format!(
            "delete from schema_migrations where version = 99; insert into schema_migrations (version, works_with) values (99, {works_with})"
        );
        let desk = &desk;
        async move {
            connect(&desk.url)
                .await?
                .batch_execute(&sql)
                .await
                .map_err(anyhow::Error::from)
        }
    };
    newer(1).await?;
    desk.store.migrate().await?;
    desk.store.ping().await?;
    newer(99).await?;
    let refused = desk.store.migrate().await.expect_err("too new");
    assert!(refused.to_string().contains("upgrade this program"), "{refused}");
    assert!(desk.store.ping().await.is_err(), "not ready either");
    Ok(())
}

#[tokio::test]
async fn attempts_that_crash_in_a_row_make_a_step_rare() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("crashes")]).await?;
    let mut task = of_kind(&tasks, StepKind::PlaceOrder).clone();
    let mut delays = Vec::new();
    for crashed in [true, true, true, false] {
        let outcome = Outcome::pending(BrokerReason::Internal);
        let Recorded::Written(wake_ups) = desk.store.record(&task, &outcome, crashed, &desk.schedules).await? else {
            panic!("stale");
        };
        delays.push(wake_ups[0].delay);
        task = desk.tasks(&wake_ups).await?.remove(0);
    }
    let longest = desk.schedules.of(StepKind::PlaceOrder).max;
    assert!(delays[1] < longest / 2 && delays[2] == longest, "{delays:?}");
    assert_eq!(task.crashes, 0, "an attempt that ends by itself wipes the slate");
    Ok(())
}

#[tokio::test]
async fn a_domain_whose_looks_run_into_their_limit_is_looked_at_ever_more_seldom_until_one_does_not()
-> anyhow::Result<()> {
    let mut desk = desk().await?;
    desk.schedules.schedule_after_slow_look = "first=1h,factor=2,max=4h,jitter=0%".parse()?;
    let tasks = desk.provision(&organization(), &[domain("slow")]).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let mut task = of_kind(&desk.tasks(&wake_ups).await?, StepKind::VerifyChallenge).clone();
    let overran = BrokerReason::Overran {
        limit: Duration::from_secs(60),
    };
    let slow = || (Outcome::pending_slow(Look::default()), false);
    let quick = || (Outcome::pending(Look::default()), false);
    let broken_off = || (Outcome::pending(overran.clone()), true);
    let mut hours = Vec::new();
    for (outcome, crashed) in [slow(), slow(), slow(), slow(), broken_off(), quick(), slow()] {
        let Recorded::Written(wake_ups) = desk.store.record(&task, &outcome, crashed, &desk.schedules).await? else {
            panic!("stale");
        };
        hours.push(wake_ups[0].delay.as_secs() / 3600);
        task = desk.tasks(&wake_ups).await?.remove(0);
    }
    assert_eq!(hours, [1, 2, 4, 4, 4, 0, 1]);
    // An operator who knows that it is mended begins anew.
    desk.store.retry_now(&task.instance.id, false).await?;
    let again = desk.store.load_task(task.step, task.attempt).await?.expect("current");
    assert_eq!(again.slow_looks, 0);
    Ok(())
}

#[tokio::test]
async fn one_proved_domain_has_the_others_looked_at_unless_they_are_slow_and_none_twice_within_seconds()
-> anyhow::Result<()> {
    let desk = desk().await?;
    let [proved, waits, slow, just] = ["proved", "waits", "slow", "just"].map(domain);
    let names = [&proved, &waits, &slow, &just].map(Clone::clone);
    let tasks = desk.provision(&organization(), &names).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let looks = desk.tasks(&wake_ups).await?;
    let of = |name: &str| looks.iter().find(|task| task.subject == name).expect("a look").clone();
    let version = async || -> anyhow::Result<i64> {
        let polled = desk.store.polled(&looks[0].instance.id, None).await?.expect("there");
        Ok(polled.running_version.expect("runs"))
    };
    let mut seen = version().await?;
    for name in [&waits, &slow, &just] {
        let outcome = match *name == slow {
            true => Outcome::pending_slow(Look::default()),
            false => Outcome::pending(Look::default()),
        };
        desk.record(&of(name), outcome).await?.expect("current");
        let now = version().await?;
        assert!(now > seen, "each record is counted");
        seen = now;
    }
    connect(&desk.url)
        .await?
        .execute(
            "update steps set checked_at = checked_at - interval '10 seconds', rung_at = rung_at - interval '10 seconds' \
             where subject <> $1",
            &[&just],
        )
        .await?;
    let verified = Outcome::Done(Verdict::Verified(Method::Dns01));
    let woken = desk.record(&of(&proved), verified).await?.expect("current");
    let woken: HashMap<String, Duration> = desk
        .tasks(&woken)
        .await?
        .into_iter()
        .map(|task| (task.subject, task.early))
        .collect();
    assert_eq!(woken.len(), 2, "{woken:?}");
    assert_eq!(woken.get(&waits), Some(&Duration::ZERO), "due at once");
    let just = woken.get(&just).expect("woken, too");
    assert!(!just.is_zero() && *just <= Duration::from_secs(3), "{just:?}");
    assert!(version().await? > seen);
    // What is on its way already is not woken again.
    let again = desk.store.load_task(of(&slow).step, 1).await?.expect("current");
    let verified = Outcome::Done(Verdict::Verified(Method::Dns01));
    assert!(desk.record(&again, verified).await?.expect("current").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_look_whose_deadline_was_moved_while_it_was_recorded_is_not_given_up() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("moved")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let sql = connect(&desk.url).await?;
    // What holds the operation lets the record wait, and moves the deadline.
    let past = "update steps set deadline_at = now() - interval '1 hour' where id = $1";
    sql.execute(past, &[&task.step]).await?;
    let held = connect(&desk.url).await?;
    held.batch_execute("begin").await?;
    held.execute("select 1 from instances where id = $1 for update", &[&task.instance.id])
        .await?;
    let recording = desk.record(task, Outcome::pending(CaReason::Issuing));
    let moving = async {
        somebody_waits_for_a_lock(&desk).await?;
        let later = "update steps set deadline_at = now() + interval '1 hour' where id = $1";
        sql.execute(later, &[&task.step]).await?;
        held.batch_execute("commit").await?;
        anyhow::Ok(())
    };
    let (recorded, moved) = tokio::join!(recording, moving);
    moved?;
    let wake_ups = recorded?.expect("current");
    assert_eq!(wake_ups.len(), 1, "it is tried again");
    let polled = desk.store.polled(&task.instance.id, None).await?.expect("there");
    assert!(polled.running_version.is_some(), "its operation runs");
    Ok(())
}

#[tokio::test]
async fn a_step_that_is_put_off_is_due_then_and_not_taken_for_lost() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("put-off")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    assert!(desk.store.put_off(task, Duration::from_secs(100)).await?);
    let early = desk
        .store
        .load_task(task.step, task.attempt)
        .await?
        .expect("current")
        .early;
    assert!(early > Duration::from_secs(90), "{early:?}");
    let graces = [(StepKind::PlaceOrder, Duration::from_millis(1))];
    let swept = desk
        .store
        .sweep(pipeline::Service::CertificateIssuer, &graces, 1000)
        .await?;
    assert!(swept.iter().all(|wake_up| wake_up.step != task.step), "{swept:?}");
    desk.record(task, Outcome::pending(CaReason::Issuing)).await?;
    assert!(
        !desk.store.put_off(task, Duration::ZERO).await?,
        "another attempt is current"
    );
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

/// A look that found nothing, which a name server and a web server at this address answered.
fn absent(address: &str) -> Look {
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
    async fn in_vain(&self, task: &Task, look: Look) -> anyhow::Result<Task> {
        let wake_ups = self.record(task, Outcome::pending(look)).await?.context("current")?;
        Ok(self.tasks(&wake_ups).await?.remove(0))
    }

    /// A domain whose order is placed, to be looked at.
    async fn to_look_at(&self, label: &str) -> anyhow::Result<Task> {
        let tasks = self.provision(&organization(), &[domain(label)]).await?;
        let wake_ups = self.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
        Ok(of_kind(&self.tasks(&wake_ups).await?, StepKind::VerifyChallenge).clone())
    }

    /// What the last look at the domain saw.
    async fn before(&self, task: &Task) -> anyhow::Result<Option<Look>> {
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
    let shown = Look {
        memory: None,
        ..absent("192.0.2.2")
    };
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
    desk.store.retry_now(&task.instance.id, false).await?;
    let shown = Look {
        memory: None,
        ..absent("192.0.2.1")
    };
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

#[tokio::test]
async fn a_rejected_domain_rests_and_loses_its_proof_while_the_others_keep_theirs() -> anyhow::Result<()> {
    let desk = desk().await?;
    let domains = [domain("rests"), domain("stays")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let mut next = Vec::new();
    for task in desk.tasks(&wake_ups).await? {
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
        reason: Spent::NotIssued {
            said: "turned down\0".into(),
        },
        rejections: vec![Rejection {
            domain: domains[0].clone(),
            reason: "no TXT record\0".into(),
        }],
    };
    let wake_ups = desk
        .record(awaiting, Outcome::Done(spent))
        .await?
        .expect("a NUL from outside does no harm");
    let placing = &desk.tasks(&wake_ups).await?[0];
    assert_eq!((placing.kind, placing.round), (StepKind::PlaceOrder, 2));
    let wake_ups = desk.place_order(placing, &[&domains[1]]).await?;
    assert_eq!(wake_ups.len(), 1, "the other domain is valid at the CA");
    assert!(
        wake_ups[0].delay > Duration::from_secs(14 * 60),
        "at least 15 minutes less jitter: {:?}",
        wake_ups[0].delay
    );
    Ok(())
}

/// What an order comes to when the CA doesn't see what the verifier saw.
fn turned_down(domain: &str) -> Outcome {
    Outcome::Done(Verdict::OrderSpent {
        reason: Spent::TurnedDown { count: 1 },
        rejections: vec![Rejection {
            domain: domain.to_owned(),
            reason: "no TXT record".into(),
        }],
    })
}

#[tokio::test]
async fn a_renewal_whose_domain_rests_takes_no_place_of_its_tenant() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (tenant, domains) = (organization(), [domain("at-rest")]);
    let provisioning = desk.provision(&tenant, &domains).await?;
    connect(&desk.url)
        .await?
        .batch_execute(
            "update steps set state = 'cancelled', ended_at = now(); \
             update operations set state = 'succeeded', ended_at = now()",
        )
        .await?;
    let instance = &provisioning[0].instance.id;
    assert!(desk.store.renew(instance, &desk.schedules).await?);
    assert_eq!(desk.store.running_renewals().await?, [(tenant, 1)]);
    let wake_ups = desk.sweep(StepKind::PlaceOrder, Duration::ZERO, 10).await?;
    let placing = &desk.tasks(&wake_ups).await?[0];
    let wake_ups = desk.record(placing, turned_down(&domains[0])).await?.expect("current");
    let wake_ups = desk.place_order(&desk.tasks(&wake_ups).await?[0], &[]).await?;
    assert!(wake_ups[0].delay > Duration::from_secs(60), "{:?}", wake_ups[0].delay);
    assert_eq!(desk.store.running_renewals().await?, []);
    Ok(())
}

#[tokio::test]
async fn what_the_ca_said_of_a_domain_is_over_once_it_has_issued() -> anyhow::Result<()> {
    let desk = desk().await?;
    let domains = [domain("turned-down")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let placing = of_kind(&tasks, StepKind::PlaceOrder);
    let wake_ups = desk.record(placing, turned_down(&domains[0])).await?.expect("current");
    let sql = connect(&desk.url).await?;
    let held = "select count(*) from claims where domain = $1 and rejections = 1 and ca_said is not null and held_until > now()";
    let count = async |query: &str| anyhow::Ok(sql.query_one(query, &[&domains[0]]).await?.get::<_, i64>(0));
    assert_eq!(count(held).await?, 1);
    let mut wake_ups = desk
        .place_order(&desk.tasks(&wake_ups).await?[0], &[&domains[0]])
        .await?;
    for kind in [
        StepKind::AnswerChallenges,
        StepKind::AwaitValidation,
        StepKind::FinalizeOrder,
    ] {
        let task = &desk.tasks(&wake_ups).await?[0];
        assert_eq!(task.kind, kind);
        wake_ups = desk.record(task, Outcome::DONE).await?.expect("current");
    }
    let over =
        "select count(*) from claims where domain = $1 and rejections = 0 and ca_said is null and held_until is null";
    assert_eq!(count(over).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_failed_provision_gives_up_what_it_proved_and_can_be_removed() -> anyhow::Result<()> {
    let desk = desk().await?;
    let shared = domain("given-up");
    let domains = [shared.clone(), domain("never-proved")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let wake_ups = desk
        .place_order(of_kind(&tasks, StepKind::PlaceOrder), &[&shared])
        .await?;
    let other = desk.provision(&organization(), std::slice::from_ref(&shared)).await?;
    let others = desk.place_order(of_kind(&other, StepKind::PlaceOrder), &[]).await?;
    let waiting = &desk.tasks(&others).await?[0];
    let looking = &desk.tasks(&wake_ups).await?[0];
    let holder = desk.store.holder(waiting).await?.expect("the first has proved it");
    assert_eq!(holder.instance, looking.instance.id);
    desk.record(looking, Outcome::failed("no", "no"))
        .await?
        .expect("current");
    assert!(desk.store.holder(waiting).await?.is_none());
    let answer = desk
        .store
        .last_operation(&looking.instance.id, None)
        .await?
        .expect("an operation");
    let failure = answer.failure.unwrap_or_default();
    assert!(failure.starts_with("no. Delete this service"), "{failure}");
    let gone = desk
        .store
        .deprovision(&looking.instance.id, &Requester::default(), &desk.schedules)
        .await?;
    assert!(matches!(gone, Deprovision::Accepted { .. }));
    Ok(())
}

#[tokio::test]
async fn a_step_that_nobody_ends_is_given_up_after_its_deadline() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("nobody")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let service = task.kind.service();
    assert!(desk.store.past_deadline(service, Duration::ZERO).await?.is_empty());
    connect(&desk.url)
        .await?
        .execute(
            "update steps set deadline_at = now() - interval '1 hour' where id = $1",
            &[&task.step],
        )
        .await?;
    let past = desk.store.past_deadline(service, Duration::ZERO).await?;
    assert_eq!(past, [(task.step, 0)]);
    desk.store.give_up(task).await?;
    assert!(matches!(desk.store.give_up(task).await, Err(StoreError::Stale)), "once");
    let view = desk
        .store
        .last_operation(&task.instance.id, None)
        .await?
        .expect("there");
    assert_eq!(view.state, OperationState::Failed);
    assert!(view.failure.is_some_and(|text| text.contains("no attempt completed")));
    Ok(())
}

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
    assert!(desk.store.offer(offer).await?);
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
