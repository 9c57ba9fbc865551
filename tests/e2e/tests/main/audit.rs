//! The audit log has each change that an operator makes, with who made it, and keeps it.

use std::time::Duration;

use anyhow::ensure;
use pipeline::revocation::RevocationReason;
use reqwest::Url;
use secrecy::SecretBox;
use serde_json::json;
use store::operator::{Cancelled, NewOffer, RenewNow};
use store::{Actor, AuditEntry, AuditFilter, DatabaseArgs, KeyRing, OnParked, ParkedMessage, Store, Via};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::records::{Desk, desk};
use crate::world::{connect, domain, organization, world};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const DIRECTORY: &str = "https://ca.example/dir";
const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const OFFERED: &str = "E1ABCDEF2GHIJK";

/// Gives the instance, which is being made, a certificate in use and its domains.
const SERVES: [&str; 5] = [
    "insert into orders (id, operation_id, round) select gen_random_uuid(), id, 0 from operations where instance_id = $1",
    "insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at) \
     select gen_random_uuid(), o.instance_id, r.id, array['a.example.com'], '', now(), now() + interval '61 days', now() \
     from orders r join operations o on o.id = r.operation_id where o.instance_id = $1",
    "update claims set proved = true, proved_at = now(), seen_at = now() where instance_id = $1",
    "update steps set state = 'cancelled', ended_at = now() \
     where operation_id in (select id from operations where instance_id = $1)",
    "update operations set state = 'succeeded', ended_at = now() where instance_id = $1",
];

/// What was done, to which instance, and to what else.
type Done<'e> = (&'e str, Option<&'e str>, Option<&'e str>);

/// All entries, the oldest first.
async fn entries(store: &Store) -> anyhow::Result<Vec<AuditEntry>> {
    let filter = AuditFilter {
        limit: 1_000,
        ..AuditFilter::default()
    };
    let mut entries = store.audit(&filter).await?;
    entries.reverse();
    Ok(entries)
}

fn done(entries: &[AuditEntry]) -> Vec<Done<'_>> {
    entries
        .iter()
        .map(|entry| {
            (
                entry.action.as_str(),
                entry.instance.as_deref(),
                entry.subject.as_deref(),
            )
        })
        .collect()
}

/// An instance that is being made, and its operation.
async fn begun(desk: &Desk, domains: &[String]) -> anyhow::Result<(String, Uuid)> {
    let task = desk.provision(&organization(), domains).await?.remove(0);
    Ok((task.instance.id, task.operation))
}

async fn nothing_is_done(desk: &Desk, instance: &str, operation: Uuid, name: &str) -> anyhow::Result<()> {
    let operator = desk.operator();
    assert!(operator.retry_now("no-such", false).await?.is_empty());
    let cancelled = operator.cancel(instance, Uuid::new_v4(), "x", HOUR).await?;
    assert_eq!(cancelled, Cancelled::NothingRuns);
    let cancelled = operator.cancel("no-such", operation, "x", HOUR).await?;
    assert_eq!(cancelled, Cancelled::Unknown);
    assert!(!operator.release(instance, name).await?);
    let renewed = operator.renew_now(instance, desk.schedules()).await?;
    assert_eq!(renewed, RenewNow::AtWork("provision".into()));
    assert_eq!(operator.renew_all_soon().await?, 0);
    assert_eq!(operator.distrust_keys(Some("no-such"), None).await?, 0);
    assert!(operator.ask_for_rollovers(None).await?.is_empty());
    assert!(!operator.withdraw_offer(OFFERED).await?);
    operator.reset_log_level().await?;
    assert!(operator.new_page_link("no-such", HOUR).await?.is_none());
    assert!(operator.revoke_page_link("no-such").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn each_change_has_an_entry_and_what_changes_nothing_has_none() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (first, second) = ([domain("audited")], [domain("serves")]);
    let (instance, provision) = begun(&desk, &first).await?;
    nothing_is_done(&desk, &instance, provision, &first[0]).await?;
    assert_eq!(entries(&desk.store).await?, []);

    let operator = desk.operator();
    assert!(!operator.retry_now(&instance, false).await?.is_empty());
    assert!(operator.new_page_link(&instance, HOUR).await?.is_some());
    // The second time it is revoked already.
    operator.revoke_page_link(&instance).await?;
    operator.revoke_page_link(&instance).await?;
    operator.cancel(&instance, provision, "its zone is gone.", HOUR).await?;
    // Nothing runs any more.
    operator.retry_now(&instance, false).await?;

    operator.set_log_level("info,store=debug", HOUR).await?;
    operator.reset_log_level().await?;
    operator.reset_log_level().await?;
    let offer = NewOffer {
        distribution: OFFERED,
        domain: "d111111abcdef8.cloudfront.net",
        tenant: "org-1",
        aliases: &first,
        delegation_zone: None,
        lasts: HOUR,
    };
    assert!(operator.offer(offer).await?);
    assert!(operator.withdraw_offer(OFFERED).await?);
    let key = SecretBox::new(Box::new(b"key".to_vec()));
    desk.store
        .account(&KeyRing::parse(KEYS)?, "org-1", DIRECTORY, &key)
        .await?;
    desk.store
        .set_account_uri("org-1", DIRECTORY, Some("https://ca.example/acct/1"))
        .await?;
    let tenants = ["org-1".to_owned(), "org-2".to_owned()];
    assert_eq!(operator.ask_for_rollovers(Some(&tenants)).await?.len(), 1);

    let (serving, _) = begun(&desk, &second).await?;
    for change in SERVES {
        ensure!(sql.execute(change, &[&serving]).await? > 0, "{change}");
    }
    assert_eq!(operator.renew_all_soon().await?, 1);
    assert_eq!(operator.renew_all_soon().await?, 0, "it is due");
    assert_eq!(operator.renew_now(&serving, desk.schedules()).await?, RenewNow::Begun);
    let renewal = running(&sql, &serving).await?;
    let given_up = operator.cancel(&serving, renewal, "not tonight", HOUR).await?;
    assert!(matches!(given_up, Cancelled::Renewal { .. }), "{given_up:?}");
    let reason = Some(RevocationReason::KeyCompromise);
    assert_eq!(operator.distrust_keys(Some(&serving), reason).await?, 1);
    assert!(operator.release(&serving, &second[0]).await?);

    let entries = entries(&desk.store).await?;
    let (here, there) = (Some(instance.as_str()), Some(serving.as_str()));
    assert_eq!(
        done(&entries),
        [
            ("retry", here, None),
            ("new-link", here, None),
            ("revoke-link", here, None),
            ("cancel", here, None),
            ("set-log-level", None, Some("info,store=debug")),
            ("reset-log-level", None, Some("info,store=debug")),
            ("offer", None, Some(OFFERED)),
            ("withdraw-offer", None, Some(OFFERED)),
            ("rollover", None, Some("org-1, org-2")),
            ("renew-all", None, None),
            ("renew", there, None),
            ("cancel", there, None),
            ("distrust-keys", there, None),
            ("release", there, Some(second[0].as_str())),
        ]
    );
    let role: String = sql.query_one("select session_user::text", &[]).await?.get(0);
    for entry in &entries {
        let by = (entry.who.as_str(), entry.via.as_str(), &entry.db_role);
        assert_eq!(by, ("alice", "cdnctl", &role), "{entry:?}");
        let operation = match (entry.action.as_str(), entry.instance.as_deref() == here) {
            ("retry" | "cancel", true) => Some(provision),
            ("renew" | "cancel", false) => Some(renewal),
            _ => None,
        };
        assert_eq!(entry.operation, operation, "{entry:?}");
    }
    assert_eq!(
        entries[3].details,
        json!({"kind": "provision", "why": "its zone is gone"})
    );
    assert_eq!(
        entries[12].details,
        json!({"instances": 1, "revoke": RevocationReason::KeyCompromise.as_str()})
    );
    Ok(())
}

async fn running(sql: &Client, instance: &str) -> anyhow::Result<Uuid> {
    let running = "select id from operations where instance_id = $1 and state = 'running'";
    Ok(sql.query_one(running, &[&instance]).await?.get(0))
}

#[tokio::test]
async fn what_can_not_be_recorded_is_not_done() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (instance, provision) = begun(&desk, &[domain("unrecorded")]).await?;
    sql.batch_execute("alter table audit_log add constraint nobody check (who <> 'alice')")
        .await?;
    let operator = desk.operator();
    operator
        .cancel(&instance, provision, "x", HOUR)
        .await
        .expect_err("refused");
    assert_eq!(running(&sql, &instance).await?, provision);
    operator.new_page_link(&instance, HOUR).await.expect_err("refused");
    assert_eq!(desk.store.page_link(&instance).await?, None);
    operator.set_log_level("debug", HOUR).await.expect_err("refused");
    assert_eq!(desk.store.log_level().await?, None);
    let message = ParkedMessage {
        id: "79b9ea7a",
        service: None,
        reason: "not a wake-up",
        step: None,
    };
    operator
        .intend(OnParked::Drop, &[message])
        .await
        .expect_err("refused: nothing may be dropped");

    sql.batch_execute("alter table audit_log drop constraint nobody")
        .await?;
    operator.cancel(&instance, provision, "x", HOUR).await?;
    assert_eq!(
        done(&entries(&desk.store).await?),
        [("cancel", Some(instance.as_str()), None)]
    );
    Ok(())
}

#[tokio::test]
async fn an_entry_outlives_its_instance_and_nobody_changes_it() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (instance, provision) = begun(&desk, &[domain("forgotten")]).await?;
    desk.operator().cancel(&instance, provision, "x", HOUR).await?;
    sql.batch_execute(
        "update operations set ended_at = now() - interval '100 days'; \
         update instances set deleted_at = now() - interval '100 days'",
    )
    .await?;
    let pruned = desk.store.prune_history(90 * DAY).await?;
    assert_eq!(pruned.rows.get("instances"), Some(&1), "{pruned}");
    let before = entries(&desk.store).await?;
    assert_eq!(done(&before), [("cancel", Some(instance.as_str()), None)]);

    let owner = "select tableowner = session_user from pg_tables where tablename = 'audit_log'";
    assert!(sql.query_one(owner, &[]).await?.get::<_, bool>(0), "the owner tries");
    for change in [
        "update audit_log set who = 'mallory'",
        "delete from audit_log",
        "truncate audit_log",
    ] {
        let refused = sql.batch_execute(change).await.expect_err(change);
        let said = refused.as_db_error().map(|error| error.message().to_owned());
        assert_eq!(
            said.as_deref(),
            Some("entries of audit_log are neither changed nor deleted"),
            "{change}"
        );
    }
    assert_eq!(entries(&desk.store).await?, before);

    // As docs/operators/audit.md has it.
    sql.batch_execute(
        "begin; alter table audit_log disable trigger audit_log_stays; delete from audit_log; \
         alter table audit_log enable trigger audit_log_stays; commit",
    )
    .await?;
    assert_eq!(entries(&desk.store).await?, []);
    desk.operator().set_log_level("debug", HOUR).await?;
    sql.batch_execute("delete from audit_log")
        .await
        .expect_err("refused again");
    Ok(())
}

#[tokio::test]
async fn entries_are_read_in_pages_by_instance_and_by_age() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    sql.batch_execute(
        "insert into audit_log (at, who, via, action, instance_id) \
         select now() - i * interval '1 day', 'bob', 'cdnctl', 'renew', 'i' || i % 2 from generate_series(5, 1, -1) i",
    )
    .await?;
    let read = async |filter: AuditFilter<'_>| -> anyhow::Result<Vec<i64>> {
        let entries = desk.store.audit(&filter).await?;
        Ok(entries.iter().map(|entry| entry.id).collect())
    };
    let page = |before| AuditFilter {
        before,
        limit: 2,
        ..AuditFilter::default()
    };
    assert_eq!(read(page(None)).await?, [5, 4]);
    assert_eq!(read(page(Some(4))).await?, [3, 2]);
    assert_eq!(read(page(Some(2))).await?, [1]);
    let of_instance = |before| AuditFilter {
        instance: Some("i1"),
        ..page(before)
    };
    // The days 5, 3 and 1 ago.
    assert_eq!(read(of_instance(None)).await?, [5, 3]);
    assert_eq!(read(of_instance(Some(3))).await?, [1]);
    let young = AuditFilter {
        since: Some(DAY * 5 / 2),
        limit: 100,
        ..AuditFilter::default()
    };
    assert_eq!(read(young).await?, [5, 4]);
    let young = AuditFilter {
        instance: Some("i1"),
        ..young
    };
    assert_eq!(read(young).await?, [5]);
    Ok(())
}

/// A person with a role of his own in PostgreSQL is known by that, whatever he calls himself.
#[tokio::test]
async fn the_role_that_postgresql_let_in_stands_beside_the_name() -> anyhow::Result<()> {
    let desk = desk().await?;
    let own = Url::parse(&desk.url)?;
    let role = format!("person_{}", Uuid::new_v4().simple());
    let admin = connect(&world().await.handle.endpoints().database_admin_url).await?;
    admin
        .batch_execute(&format!(
            "create role {role} login password 'x' in role {}",
            own.username()
        ))
        .await?;
    let mut url = own;
    url.set_username(&role).expect("a user");
    url.set_password(Some("x")).expect("a password");
    let theirs = Store::new(&DatabaseArgs::at(url.as_str()), "cdnctl")?;
    let actor = Actor {
        who: "somebody else".to_owned(),
        via: Via::OperatorPage,
    };
    theirs.acting(actor).set_log_level("debug", HOUR).await?;
    let entries = entries(&desk.store).await?;
    let by: Vec<_> = entries
        .iter()
        .map(|entry| (entry.who.as_str(), entry.via.as_str(), entry.db_role.as_str()))
        .collect();
    assert_eq!(by, [("somebody else", "operator-page", role.as_str())]);
    admin.batch_execute(&format!("drop role {role}")).await?;
    Ok(())
}
