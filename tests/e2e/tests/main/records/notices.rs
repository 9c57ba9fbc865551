//! Notices: born with what they tell of, told to those who want it and have confirmed, each letter by one process at a time.

mod lasting;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use notices::{Address, Event, Facts, Link, NoticeKeys, Notify, Purpose};
use pipeline::proof::Method;
use pipeline::{Outcome, StepKind, Verdict};
use secrecy::ExposeSecret as _;
use store::{
    Bounds, Changes, Deprovision, Lease, LeasedLetter, LetterKind, LetterWakeUp, NewInstance, NoticeRing, NotifyChange,
    Provision, RecipientState, Requester, StoreError, Subscribers, Task, Update,
};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Desk, desk, of_kind};
use crate::world::{connect, domain, organization};

const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const ROTATED: &str = "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=,k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const LEASE: Duration = Duration::from_secs(900);
const GRACE: Duration = Duration::from_secs(60);
const AT_ONCE: Duration = Duration::ZERO;
const PER_TENANT: u32 = 100;

fn ring(keys: &str) -> anyhow::Result<NoticeRing> {
    Ok(NoticeRing::new(NoticeKeys::parse(keys)?)?)
}

fn notify(addresses: &[&str], events: &[Event]) -> anyhow::Result<Notify> {
    let mail = addresses.iter().map(|local| Address::new(local, "example.com"));
    Ok(Notify {
        mail: mail.collect::<Option<_>>().context("an address")?,
        events: events.iter().copied().collect(),
    })
}

fn subscribers(addresses: &[&str], events: &[Event]) -> anyhow::Result<Subscribers> {
    Ok(ring(KEYS)?.subscribers(&notify(addresses, events)?)?)
}

impl Desk {
    /// An instance that tells these.
    async fn telling(&self, tenant: &str, to: Subscribers) -> anyhow::Result<(NewInstance, Vec<Task>)> {
        let mut new = self.new_instance(tenant, &[domain("told")]);
        new.notify = Some(to);
        let Provision::Accepted { wake_ups, .. } = self.provision_of(&new).await? else {
            anyhow::bail!("not accepted");
        };
        Ok((new, self.tasks(&wake_ups).await?))
    }

    async fn provision_of(&self, new: &NewInstance) -> anyhow::Result<Provision> {
        let requester = Requester::default();
        Ok(self
            .store
            .provision(new, &requester, Bounds::default(), self.schedules())
            .await?)
    }

    /// Its provision fails.
    async fn fails(&self, tasks: &[Task]) -> anyhow::Result<()> {
        let task = of_kind(tasks, StepKind::PlaceOrder);
        let recorded = self.record(task, Outcome::failed("The CA refuses", "cause-77")).await?;
        ensure!(recorded.is_some(), "stale");
        Ok(())
    }

    /// A letter that is published now, and nothing else is.
    async fn next_letter(&self) -> anyhow::Result<LetterWakeUp> {
        let mut swept = self.store.sweep_letters(GRACE, 10).await?;
        ensure!(swept.len() == 1, "{swept:?}");
        Ok(swept.remove(0))
    }

    async fn leased(&self, wake_up: &LetterWakeUp) -> anyhow::Result<LeasedLetter> {
        match self.store.lease_letter(wake_up.letter, wake_up.attempt, LEASE).await? {
            Lease::Leased(letter) => Ok(*letter),
            other => anyhow::bail!("{other:?}"),
        }
    }

    async fn collect(&self) -> anyhow::Result<store::Collected> {
        Ok(self.store.collect_notices(AT_ONCE, PER_TENANT).await?)
    }

    /// Asks the one address that waits to be asked, which confirms.
    async fn confirmed(&self) -> anyhow::Result<LeasedLetter> {
        ensure!(self.collect().await?.asked == 1, "one is asked");
        let asked = self.leased(&self.next_letter().await?).await?;
        self.store.letter_sent(&asked, "250 OK").await?;
        let opened = self.store.confirm_notices(&link(&asked, Purpose::Confirm)).await?;
        ensure!(opened.is_some_and(|opened| opened.state == RecipientState::Confirmed));
        Ok(asked)
    }

    /// A digest of one failure to a confirmed address, not leased yet.
    async fn digest(&self) -> anyhow::Result<LetterWakeUp> {
        let (_, tasks) = self
            .telling(&organization(), subscribers(&["operators"], &Event::DEFAULT)?)
            .await?;
        self.confirmed().await?;
        self.fails(&tasks).await?;
        self.collect().await?;
        self.next_letter().await
    }
}

fn link(letter: &LeasedLetter, purpose: Purpose) -> Link {
    Link {
        purpose,
        recipient: letter.recipient,
        generation: letter.generation,
    }
}

/// What the letters are, in the order in which they were made.
async fn letters(sql: &Client) -> anyhow::Result<Vec<(String, String)>> {
    let rows = sql
        .query("select kind, state from letters order by created_at, id", &[])
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

async fn count(sql: &Client, query: &str) -> anyhow::Result<i64> {
    Ok(sql.query_one(query, &[]).await?.get(0))
}

#[tokio::test]
async fn a_notice_is_born_with_what_it_tells_of_if_somebody_is_told() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    // Nobody is told.
    desk.fails(&desk.provision(&organization(), &[domain("untold")]).await?)
        .await?;
    // Of something else only.
    let (_, other) = desk
        .telling(&organization(), subscribers(&["ops"], &[Event::Done])?)
        .await?;
    desk.fails(&other).await?;
    assert_eq!(count(&sql, "select count(*) from notices").await?, 0);

    let (failed, tasks) = desk
        .telling(&organization(), subscribers(&["ops"], &Event::DEFAULT)?)
        .await?;
    // What can't be written with it is not done either.
    sql.batch_execute("alter table notices add constraint nobody check (event <> 'failed')")
        .await?;
    assert!(desk.fails(&tasks).await.is_err());
    let running = "select count(*) from operations where state = 'running'";
    assert_eq!(count(&sql, running).await?, 1);
    sql.batch_execute("alter table notices drop constraint nobody").await?;
    desk.fails(&tasks).await?;
    // It is deleted at once, and told all the same.
    let gone = desk
        .store
        .deprovision(&failed.id, &Requester::default(), desk.schedules())
        .await?;
    let Deprovision::Accepted { mut wake_ups, .. } = gone else {
        panic!("not accepted");
    };
    while let [task] = desk.tasks(&wake_ups).await?.as_slice() {
        wake_ups = desk.record(task, Outcome::DONE).await?.context("current")?;
    }
    let rows = sql
        .query("select event, facts from notices order by born_at", &[])
        .await?;
    let born: Vec<(String, Facts)> = rows
        .iter()
        .map(|row| Ok((row.get(0), Facts::from_stored(row.get(1))?)))
        .collect::<anyhow::Result<_>>()?;
    let [
        (first, Facts::Ended { operation, failure }),
        (
            last,
            Facts::Ended {
                operation: removal,
                failure: None,
            },
        ),
    ] = born.as_slice()
    else {
        panic!("{born:?}");
    };
    assert_eq!((first.as_str(), operation.as_str()), ("failed", "provision"));
    assert_eq!((last.as_str(), removal.as_str()), ("done", "deprovision"));
    let failure = failure.as_deref().unwrap_or_default();
    assert!(
        failure.starts_with("The CA refuses. ") && !failure.contains("cause-77"),
        "{failure}"
    );
    Ok(())
}

#[tokio::test]
async fn who_loses_a_domain_is_told() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let proved = || Outcome::Done(Verdict::Verified(Method::Dns01));
    let (holder, tasks) = desk
        .telling(&organization(), subscribers(&["ops"], &[Event::Domain])?)
        .await?;
    desk.confirmed().await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    desk.record(&desk.tasks(&wake_ups).await?.remove(0), proved()).await?;
    // It stands for nothing: no certificate, and nothing runs.
    sql.execute(
        "update operations set state = 'succeeded', ended_at = now() where instance_id = $1",
        &[&holder.id],
    )
    .await?;
    let other = desk.provision(&organization(), &holder.domains).await?;
    let wake_ups = desk.place_order(of_kind(&other, StepKind::PlaceOrder), &[]).await?;
    desk.record(&desk.tasks(&wake_ups).await?.remove(0), proved()).await?;
    let row = sql
        .query_one("select instance_id, event, facts from notices", &[])
        .await?;
    let (instance, event): (String, String) = (row.get(0), row.get(1));
    assert_eq!((instance, event.as_str()), (holder.id.clone(), "domain"));
    let left = Facts::Left {
        domain: holder.domains[0].clone(),
    };
    assert_eq!(Facts::from_stored(row.get(2))?, left);

    // It is no news when the domain is back: the letter is moot.
    assert_eq!(desk.collect().await?.notices.get(&Event::Domain), Some(&1));
    let letter = desk.next_letter().await?;
    sql.batch_execute("update claims set proved = false").await?;
    sql.execute("update claims set proved = true where instance_id = $1", &[&holder.id])
        .await?;
    let leased = desk.store.lease_letter(letter.letter, letter.attempt, LEASE).await?;
    assert!(matches!(leased, Lease::Moot), "{leased:?}");
    Ok(())
}

#[tokio::test]
async fn an_address_is_asked_once_and_told_everything_when_it_has_confirmed() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let tenant = organization();
    let to = subscribers(&["operators"], &Event::DEFAULT)?;
    let (one, tasks) = desk.telling(&tenant, to.clone()).await?;
    // The same address, written by another key and in capitals.
    let again = ring(ROTATED)?.subscribers(&notify(&["OPERATORS"], &[Event::Failed])?)?;
    let (two, others) = desk.telling(&tenant, again).await?;
    assert_eq!(desk.collect().await?.asked, 1);
    assert_eq!(desk.collect().await?.asked, 0);
    let wake_up = desk.next_letter().await?;
    assert!(
        desk.store.sweep_letters(GRACE, 10).await?.is_empty(),
        "it was published"
    );
    let asked = desk.leased(&wake_up).await?;
    assert_eq!((asked.kind, asked.tries), (LetterKind::Confirmation, 0));
    assert_eq!(asked.instances, [one.id.clone(), two.id.clone()]);
    assert_eq!(ring(ROTATED)?.address(&asked)?.expose_secret(), "operators@example.com");
    assert!(!format!("{asked:?}").contains("operators@"));
    desk.store.letter_sent(&asked, "250 OK").await?;

    // Nothing else is sent before it confirms.
    desk.fails(&tasks).await?;
    desk.collect().await?;
    desk.fails(&others).await?;
    desk.collect().await?;
    assert!(desk.store.sweep_letters(AT_ONCE, 10).await?.is_empty());
    let expected: [(String, String); 2] =
        [("confirmation", "sent"), ("digest", "held")].map(|(kind, state)| (kind.into(), state.into()));
    assert_eq!(letters(&sql).await?, expected);
    // A link of another purpose or generation confirms nothing.
    let good = link(&asked, Purpose::Confirm);
    for bad in [
        link(&asked, Purpose::Leave),
        Link { generation: 2, ..good },
        Link {
            recipient: Uuid::new_v4(),
            ..good
        },
    ] {
        assert!(desk.store.confirm_notices(&bad).await?.is_none(), "{bad:?}");
    }
    let opened = desk.store.notice_link(&good).await?.context("good")?;
    assert_eq!(opened.state, RecipientState::Asked, "reading it changes nothing");
    assert!(desk.store.sweep_letters(AT_ONCE, 10).await?.is_empty());
    assert!(desk.store.confirm_notices(&good).await?.is_some());

    let digest = desk.leased(&desk.next_letter().await?).await?;
    assert_eq!(digest.kind, LetterKind::Digest);
    let told: Vec<_> = digest.told.iter().map(|told| (&*told.instance, told.event)).collect();
    assert_eq!(
        told,
        [(&*one.id, Event::Failed), (&*two.id, Event::Failed)],
        "one letter for both"
    );
    assert_eq!(digest.told[0].domains, one.domains);
    desk.store.letter_sent(&digest, "250 OK").await?;
    assert!(desk.store.sweep_letters(AT_ONCE, 10).await?.is_empty());
    let figures = desk.store.notice_figures().await?;
    assert_eq!(figures.waiting, 0);
    no_address_is_stored(&sql).await?;

    // A link of 8 days ago is no longer good to confirm; the way out is.
    sql.batch_execute("update recipients set asked_at = now() - interval '8 days'")
        .await?;
    assert!(desk.store.notice_link(&good).await?.is_none());
    assert!(desk.store.notice_link(&link(&asked, Purpose::Leave)).await?.is_some());
    Ok(())
}

/// Neither the address nor its name is anywhere in plain text.
async fn no_address_is_stored(sql: &Client) -> anyhow::Result<()> {
    let everything = "select coalesce(string_agg(line, E'\\n'), '') from ( \
        select r::text as line from recipients r union all select l::text from letters l union all select n::text from notices n \
        union all select i::text from instances i union all select o::text from operations o) lines";
    let text: String = sql.query_one(everything, &[]).await?.get(0);
    ensure!(text.contains("o…s@example.com"), "{text}");
    ensure!(!text.to_lowercase().contains("operators"), "{text}");
    // bytea is written in hexadecimal digits.
    let bytes: String = "operators".bytes().map(|byte| format!("{byte:02x}")).collect();
    ensure!(!text.contains(&bytes), "{text}");
    Ok(())
}

#[tokio::test]
async fn nobody_is_asked_more_often_than_the_limits_say() -> anyhow::Result<()> {
    let desk = desk().await?;
    // 21 addresses of one tenant.
    let tenant = organization();
    for at in 0..21 {
        desk.telling(&tenant, subscribers(&[&format!("many{at}")], &Event::DEFAULT)?)
            .await?;
    }
    assert_eq!(desk.collect().await?.asked, 20);
    // One address of 4 tenants.
    for _ in 0..4 {
        desk.telling(&organization(), subscribers(&["one"], &Event::DEFAULT)?)
            .await?;
    }
    assert_eq!(desk.collect().await?.asked, 3);
    assert_eq!(desk.collect().await?.asked, 0);
    // They are asked when it is their turn.
    connect(&desk.url)
        .await?
        .batch_execute("update recipients set asked_at = now() - interval '25 hours' where asked_at is not null")
        .await?;
    assert_eq!(desk.collect().await?.asked, 2);
    Ok(())
}

#[tokio::test]
async fn a_tenants_notices_wait_for_each_other_and_for_the_next_day_and_none_is_lost() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let tenant = organization();
    let to = subscribers(&["operators"], &Event::DEFAULT)?;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(desk.telling(&tenant, to.clone()).await?.1);
    }
    desk.confirmed().await?;
    desk.fails(&tasks[0]).await?;
    let hour = Duration::from_secs(3_600);
    assert!(
        desk.store.collect_notices(hour, 1).await?.notices.is_empty(),
        "too young"
    );
    let collected = desk.store.collect_notices(AT_ONCE, 1).await?;
    assert_eq!(collected.notices.get(&Event::Failed), Some(&1));
    // One letter a day.
    desk.fails(&tasks[1]).await?;
    desk.fails(&tasks[2]).await?;
    assert!(desk.store.collect_notices(AT_ONCE, 1).await?.notices.is_empty());
    sql.batch_execute("update letters set created_at = now() - interval '25 hours'")
        .await?;
    let collected = desk.store.collect_notices(AT_ONCE, 1).await?;
    assert_eq!(collected.notices.get(&Event::Failed), Some(&2));
    let kept = "select count(*) from letter_notices";
    assert_eq!(count(&sql, kept).await?, 3);
    let digests = "select count(*) from letters where kind = 'digest'";
    assert_eq!(count(&sql, digests).await?, 2);
    Ok(())
}

#[tokio::test]
async fn what_nobody_has_collected_for_7_days_is_no_news() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let tenant = organization();
    let to = subscribers(&["operators"], &Event::DEFAULT)?;
    let (_, old) = desk.telling(&tenant, to.clone()).await?;
    let (new, fresh) = desk.telling(&tenant, to).await?;
    desk.confirmed().await?;
    desk.fails(&old).await?;
    sql.batch_execute("update notices set born_at = now() - interval '8 days'")
        .await?;
    desk.fails(&fresh).await?;
    let collected = desk.collect().await?;
    assert_eq!(
        collected.notices.get(&Event::Failed),
        Some(&2),
        "neither waits any more"
    );
    let digest = desk.leased(&desk.next_letter().await?).await?;
    let told: Vec<&str> = digest.told.iter().map(|told| &*told.instance).collect();
    assert_eq!(told, [&*new.id]);
    Ok(())
}

#[tokio::test]
async fn one_process_has_a_letter_until_it_has_recorded_or_its_lease_is_over() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let wake_up = desk.digest().await?;
    let lease = async || desk.store.lease_letter(wake_up.letter, wake_up.attempt, LEASE).await;
    let (one, other) = tokio::try_join!(lease(), lease())?;
    let (letter, other) = match (one, other) {
        (Lease::Leased(letter), other) | (other, Lease::Leased(letter)) => (letter, other),
        neither => panic!("{neither:?}"),
    };
    assert!(matches!(other, Lease::Stale), "{other:?}");
    assert!(desk.store.sweep_letters(AT_ONCE, 10).await?.is_empty(), "it is leased");
    desk.store.keep_content(&letter, "what is sent").await?;

    // Its process dies: the next one sends the same, and it may be the second time.
    sql.batch_execute(
        "update letters set due_at = now() - interval '1 hour', leased_until = now() - interval '1 hour', \
         rung_at = now() - interval '1 hour' where kind = 'digest'",
    )
    .await?;
    let again = desk.leased(&desk.next_letter().await?).await?;
    assert_eq!((again.attempt, again.tries), (2, 1));
    assert_eq!(again.content.as_deref(), Some("what is sent"));
    assert!(again.told.is_empty());
    let doubled = "select count(*) from letters where maybe_doubled";
    assert_eq!(count(&sql, doubled).await?, 1);
    // The one before is told, at every door.
    let stale = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Stale)), "{result:?}");
    stale(desk.store.keep_content(&letter, "other").await);
    stale(desk.store.letter_sent(&letter, "250 OK").await);
    stale(desk.store.letter_given_up(&letter, "550", true).await);
    let late = desk.store.letter_waits(&letter, GRACE, "450", false).await;
    stale(late.map(drop));

    // It waits: not before its time, and by its own attempt.
    let later = desk.store.letter_waits(&again, GRACE, "450 later", false).await?;
    let later = later.context("it waits")?;
    assert_eq!((later.attempt, later.delay), (2, GRACE));
    let early = desk.store.lease_letter(later.letter, 2, LEASE).await?;
    assert!(matches!(early, Lease::Stale), "{early:?}");
    desk.store.letters_not_published(std::slice::from_ref(&later)).await?;
    assert!(desk.store.sweep_letters(GRACE, 10).await?.is_empty(), "not due");
    sql.batch_execute("update letters set due_at = now() where kind = 'digest'")
        .await?;
    let third = desk.leased(&desk.next_letter().await?).await?;
    desk.store.letter_sent(&third, "250 OK").await?;
    stale(desk.store.letter_sent(&third, "250 OK").await);
    let content = "select count(*) from letters where content is not null";
    assert_eq!(count(&sql, content).await?, 0, "kept until it was sent");
    Ok(())
}

#[tokio::test]
async fn what_is_done_is_not_said_of_domains_that_were_asked_for_since() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let wake_up = desk.digest().await?;
    // An update has come since.
    sql.batch_execute(
        "update operations set kind = 'update', state = 'running', ended_at = null, \
           target = '{\"request\": {\"parameters\": {\"domains\": [\"later.example.com\"]}}}'",
    )
    .await?;
    for (event, is_later) in [("failed", true), ("done", false)] {
        sql.execute("update notices set event = $1", &[&event]).await?;
        sql.batch_execute("update letters set leased_until = null").await?;
        let attempt: i32 = sql
            .query_one("select attempt from letters where id = $1", &[&wake_up.letter])
            .await?
            .get(0);
        let letter = desk.store.lease_letter(wake_up.letter, attempt, LEASE).await?;
        let Lease::Leased(letter) = letter else {
            panic!("not leased");
        };
        let is_said = letter.told[0].domains == ["later.example.com"];
        assert_eq!(is_said, is_later, "{event}: {:?}", letter.told[0].domains);
    }
    Ok(())
}

#[tokio::test]
async fn a_letter_is_given_up_when_its_time_is_over() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let letter = desk.leased(&desk.digest().await?).await?;
    let days = Duration::from_secs(5 * 86_400);
    assert!(desk.store.letter_waits(&letter, days, "450", true).await?.is_none());
    let ended = "select count(*) from letters where state = 'given-up' and answer = '450'";
    assert_eq!(count(&sql, ended).await?, 1);

    // One that nobody ever took.
    let (_, tasks) = desk
        .telling(&organization(), subscribers(&["web"], &Event::DEFAULT)?)
        .await?;
    desk.confirmed().await?;
    desk.fails(&tasks).await?;
    desk.collect().await?;
    sql.batch_execute("update letters set deadline_at = now() - interval '1 second' where state = 'waiting'")
        .await?;
    assert_eq!(desk.collect().await?.given_up, 1);
    assert!(desk.store.sweep_letters(AT_ONCE, 10).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn who_leaves_gets_no_more_and_who_is_refused_three_times_neither() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let wake_up = desk.digest().await?;
    let letter = desk.leased(&wake_up).await?;
    desk.store.letter_waits(&letter, GRACE, "450", false).await?;
    let out = link(&letter, Purpose::Leave);
    for _ in 0..2 {
        let left = desk.store.leave_notices(&out).await?.context("a way out")?;
        assert_eq!((left.state, left.is_suppressed), (RecipientState::Unsubscribed, false));
    }
    assert!(
        desk.store
            .confirm_notices(&link(&letter, Purpose::Confirm))
            .await?
            .is_none()
    );
    let moot = "select count(*) from letters where kind = 'digest' and state = 'moot' and content is null";
    assert_eq!(count(&sql, moot).await?, 1);
    let sealed = "select count(*) from recipients where sealed_address is not null";
    assert_eq!(count(&sql, sealed).await?, 0);

    // Refused for good.
    let tenant = organization();
    let to = subscribers(&["gone"], &Event::DEFAULT)?;
    let (_, mut tasks) = desk.telling(&tenant, to.clone()).await?;
    desk.confirmed().await?;
    for refusals in 1..=3 {
        desk.fails(&tasks).await?;
        desk.collect().await?;
        let digest = desk.leased(&desk.next_letter().await?).await?;
        desk.store.letter_given_up(&digest, "550 no such user", true).await?;
        let refused = "select count(*) from recipients where state = 'refused'";
        assert_eq!(count(&sql, refused).await?, i64::from(refusals == 3));
        tasks = desk.telling(&tenant, to.clone()).await?.1;
    }
    Ok(())
}

#[tokio::test]
async fn a_mistyped_address_is_told_by_its_first_refusal() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (new, _) = desk
        .telling(&organization(), subscribers(&["mistyped"], &Event::DEFAULT)?)
        .await?;
    let state = async || anyhow::Ok(desk.store.instance_recipients(&new.id).await?.remove(0).state);
    assert_eq!(desk.collect().await?.asked, 1);
    let asked = desk.leased(&desk.next_letter().await?).await?;
    desk.store.letter_given_up(&asked, "550 no such user", true).await?;
    assert_eq!(state().await?, RecipientState::Refused, "nobody asks it a second time");
    assert_eq!(desk.collect().await?.asked, 0);

    // Unless the operator knows better.
    let retried = desk.operator().retry_letter(asked.id).await?;
    assert_eq!(retried.as_deref(), Some("m…d@example.com"));
    assert_eq!(state().await?, RecipientState::Asked);
    let again = desk.leased(&desk.next_letter().await?).await?;
    desk.store.letter_sent(&again, "250 OK").await?;
    let opened = desk.store.confirm_notices(&link(&again, Purpose::Confirm)).await?;
    assert!(opened.is_some());
    Ok(())
}

#[tokio::test]
async fn who_is_asked_late_has_7_days_to_answer_all_the_same() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    desk.telling(&organization(), subscribers(&["operators"], &Event::DEFAULT)?)
        .await?;
    assert_eq!(desk.collect().await?.asked, 1);
    // The mail server was away since.
    sql.batch_execute("update recipients set asked_at = now() - interval '3 days 23 hours'")
        .await?;
    let asked = desk.leased(&desk.next_letter().await?).await?;
    desk.store.letter_sent(&asked, "250 OK").await?;
    sql.batch_execute("update recipients set asked_at = asked_at - interval '6 days 23 hours'")
        .await?;
    desk.store.prune_notices().await?;
    let opened = desk.store.confirm_notices(&link(&asked, Purpose::Confirm)).await?;
    let state = opened.context("it has been asked for less than 7 days")?.state;
    assert_eq!(state, RecipientState::Confirmed);
    Ok(())
}

#[tokio::test]
async fn who_leaves_one_instance_is_told_of_the_others() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tenant = organization();
    let to = subscribers(&["operators"], &Event::DEFAULT)?;
    let (one, ones) = desk.telling(&tenant, to.clone()).await?;
    let (other, others) = desk.telling(&tenant, to.clone()).await?;
    let asked = desk.confirmed().await?;
    desk.fails(&ones).await?;
    desk.fails(&others).await?;
    desk.collect().await?;
    let out = link(&asked, Purpose::Leave);
    let confirm = link(&asked, Purpose::Confirm);
    assert!(desk.store.leave_notices_of(&confirm, &one.id).await?.is_none());
    let left = desk.store.leave_notices_of(&out, &one.id).await?.context("a way out")?;
    assert_eq!(
        (left.state, left.instances),
        (RecipientState::Confirmed, vec![other.id.clone()])
    );
    let digest = desk.leased(&desk.next_letter().await?).await?;
    let told: Vec<&str> = digest.told.iter().map(|told| &*told.instance).collect();
    assert_eq!(told, [&*other.id], "what was not written yet is left out");
    desk.store.letter_sent(&digest, "250 OK").await?;

    // The tenant sees it, and can't change it by naming the address again.
    let state = async || anyhow::Ok(desk.store.instance_recipients(&one.id).await?.remove(0).state);
    assert_eq!(state().await?, RecipientState::Unsubscribed);
    assert!(
        matches!(desk.provision_of(&one).await?, Provision::Conflict { .. }),
        "it has failed"
    );
    let gone = desk
        .store
        .deprovision(&one.id, &Requester::default(), desk.schedules())
        .await?;
    let Deprovision::Accepted { mut wake_ups, .. } = gone else {
        panic!("not accepted");
    };
    while let [task] = desk.tasks(&wake_ups).await?.as_slice() {
        wake_ups = desk.record(task, Outcome::DONE).await?.context("current")?;
    }
    assert!(desk.collect().await?.notices.is_empty(), "nobody is told");

    // Nor by leaving it out first.
    let sql = connect(&desk.url).await?;
    let (third, _) = desk.telling(&tenant, to.clone()).await?;
    for left in [&other, &third] {
        assert!(desk.store.leave_notices_of(&out, &left.id).await?.is_some());
    }
    sql.execute(
        "update operations set state = 'succeeded', ended_at = now() where instance_id = $1",
        &[&third.id],
    )
    .await?;
    for (named, told) in [(None, 0), (Some(to), 1)] {
        let changes = notify_alone(&third, named);
        let updated = desk
            .store
            .update(&changes, &Requester::default(), Bounds::default(), desk.schedules())
            .await?;
        assert!(matches!(updated, Update::Unchanged), "{updated:?}");
        let states = desk.store.instance_recipients(&third.id).await?;
        let states: Vec<RecipientState> = states.into_iter().map(|one| one.state).collect();
        assert_eq!(states, vec![RecipientState::Unsubscribed; told]);
    }
    // No instance tells it anything, so nobody needs the address.
    desk.store.prune_notices().await?;
    let sealed = "select count(*) from recipients where sealed_address is not null";
    assert_eq!(count(&sql, sealed).await?, 0);
    Ok(())
}

/// An update that says only who is told.
fn notify_alone(new: &NewInstance, to: Option<Subscribers>) -> Changes {
    Changes {
        id: new.id.clone(),
        base: new.request.clone(),
        request: new.request.clone(),
        settings: new.settings.clone(),
        domains: new.domains.clone(),
        look_again: false,
        notify: Some(NotifyChange { to, alone: true }),
    }
}

#[tokio::test]
async fn who_wants_nothing_from_anybody_is_not_even_asked() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    desk.telling(&organization(), subscribers(&["operators"], &Event::DEFAULT)?)
        .await?;
    let (_, tasks) = desk
        .telling(&organization(), subscribers(&["operators"], &Event::DEFAULT)?)
        .await?;
    assert_eq!(desk.collect().await?.asked, 2);
    let swept = desk.store.sweep_letters(GRACE, 10).await?;
    let asked = desk.leased(&swept[0]).await?;
    // From the question itself.
    let never = desk.store.suppress_notices(&link(&asked, Purpose::Confirm)).await?;
    assert!(never.is_some_and(|never| never.is_suppressed));
    // The other organization's, too.
    let leased = desk
        .store
        .lease_letter(swept[1].letter, swept[1].attempt, LEASE)
        .await?;
    assert!(matches!(leased, Lease::Stale), "{leased:?}");
    desk.fails(&tasks).await?;
    desk.collect().await?;
    assert!(desk.store.sweep_letters(AT_ONCE, 10).await?.is_empty());
    // Later, by others, by another key.
    let again = ring(ROTATED)?.subscribers(&notify(&["operators"], &Event::DEFAULT)?)?;
    desk.telling(&organization(), again).await?;
    sql.batch_execute("update recipients set asked_at = now() - interval '30 days' where asked_at is not null")
        .await?;
    assert_eq!(desk.collect().await?.asked, 0);
    desk.store.prune_notices().await?;
    let sealed = "select count(*) from recipients where sealed_address is not null";
    assert_eq!(count(&sql, sealed).await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_update_says_who_is_told_without_an_operation() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (new, _) = desk
        .telling(&organization(), subscribers(&["ops", "web"], &Event::DEFAULT)?)
        .await?;
    let told = async || desk.store.instance_recipients(&new.id).await;
    assert_eq!(told().await?.len(), 2);
    // The same request is the same, another one is not.
    assert!(matches!(desk.provision_of(&new).await?, Provision::Running { .. }));
    for other in [
        None,
        Some(subscribers(&["ops"], &Event::DEFAULT)?),
        Some(subscribers(&["ops", "web"], &[Event::Done])?),
    ] {
        let mut changed = new.clone();
        changed.notify = other;
        match desk.provision_of(&changed).await? {
            Provision::Conflict { why } => assert!(why.ends_with("what differs: parameters.notify"), "{why}"),
            answer => panic!("{answer:?}"),
        }
    }
    // By another key it is still the same.
    let mut rotated = new.clone();
    rotated.notify = Some(ring(ROTATED)?.subscribers(&notify(&["OPS", "web"], &Event::DEFAULT)?)?);
    assert!(matches!(desk.provision_of(&rotated).await?, Provision::Running { .. }));

    sql.execute(
        "update operations set state = 'succeeded', ended_at = now() where instance_id = $1",
        &[&new.id],
    )
    .await?;
    let update = async |to: Option<Subscribers>| {
        desk.store
            .update(
                &notify_alone(&new, to),
                &Requester::default(),
                Bounds::default(),
                desk.schedules(),
            )
            .await
    };
    let to = subscribers(&["web", "root"], &[Event::Failed])?;
    for _ in 0..2 {
        assert!(matches!(update(Some(to.clone())).await?, Update::Unchanged));
    }
    let now: Vec<(String, Vec<String>)> = told()
        .await?
        .into_iter()
        .map(|one| (one.shortened, one.events))
        .collect();
    let failed = vec!["failed".to_owned()];
    assert_eq!(
        now,
        [
            ("r…t@example.com".to_owned(), failed.clone()),
            ("w…@example.com".to_owned(), failed)
        ]
    );
    assert!(matches!(update(None).await?, Update::Unchanged));
    assert!(told().await?.is_empty());
    assert_eq!(count(&sql, "select count(*) from operations").await?, 1);
    Ok(())
}

#[tokio::test]
async fn another_key_seals_what_an_older_one_has_sealed() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let tenant = organization();
    desk.telling(&tenant, subscribers(&["operators"], &Event::DEFAULT)?)
        .await?;
    let old = ring(KEYS)?;
    assert_eq!(desk.store.reseal_addresses(&old).await?.resealed, 0, "it is the first");
    let rotated = ring(ROTATED)?;
    let done = desk.store.reseal_addresses(&rotated).await?;
    assert_eq!((done.resealed, done.unopened), (1, 0));
    assert_eq!(desk.store.reseal_addresses(&rotated).await?.resealed, 0, "once");

    // The old key is taken out: the address is found and written to.
    let (newest, _) = ROTATED.split_once(',').context("two keys")?;
    let new = ring(newest)?;
    let again = new.subscribers(&notify(&["operators"], &Event::DEFAULT)?)?;
    desk.telling(&tenant, again).await?;
    assert_eq!(count(&sql, "select count(*) from recipients").await?, 1);
    assert_eq!(desk.collect().await?.asked, 1);
    let asked = desk.leased(&desk.next_letter().await?).await?;
    assert_eq!(new.address(&asked)?.expose_secret(), "operators@example.com");
    // Who has only the old one is told how many.
    let done = desk.store.reseal_addresses(&old).await?;
    assert_eq!((done.resealed, done.unopened), (0, 1));
    Ok(())
}

#[tokio::test]
async fn what_nobody_needs_is_pruned() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let wake_up = desk.digest().await?;
    let letter = desk.leased(&wake_up).await?;
    desk.store.letter_sent(&letter, "250 OK").await?;
    assert_eq!(desk.store.prune_notices().await?, 0, "all of it is needed");
    // Its instance is removed: the address goes at once, the row when it may be asked again.
    sql.batch_execute("update instances set deleted_at = now() - interval '2 days'")
        .await?;
    desk.store.prune_notices().await?;
    let known = "select count(*) from recipients";
    let sealed = "select count(*) from recipients where sealed_address is not null";
    assert_eq!((count(&sql, known).await?, count(&sql, sealed).await?), (1, 0));
    sql.batch_execute(
        "update letters set ended_at = now() - interval '31 days'; \
         update notices set collected_at = now() - interval '31 days'; \
         update recipients set asked_at = now() - interval '8 days'",
    )
    .await?;
    desk.store.prune_notices().await?;
    for table in [
        "recipients",
        "instance_recipients",
        "letters",
        "letter_notices",
        "notices",
    ] {
        assert_eq!(
            count(&sql, &format!("select count(*) from {table}")).await?,
            0,
            "{table}"
        );
    }
    Ok(())
}
