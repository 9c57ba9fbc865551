//! Notices among those of weeks: what is asked every few seconds, or for each delivery and each end of an operation, is answered by indexes.

use std::time::Duration;

use anyhow::ensure;
use store::Lease;
use store::operator::LetterFilter;
use uuid::Uuid;

use crate::plans::Years;

/// An address and an instance each, with a notice each minute. The newest 20 notices are not in letters yet, the next 20 letters wait, and 20
/// addresses are to be asked. Each instance has an operation, of which the newest 20 wait for their users.
const WEEKS: &str = "
    alter table recipients set (autovacuum_enabled = false);
    alter table instance_recipients set (autovacuum_enabled = false);
    alter table notices set (autovacuum_enabled = false);
    alter table letters set (autovacuum_enabled = false);
    alter table letter_notices set (autovacuum_enabled = false);
    alter table operations set (autovacuum_enabled = false);
    alter table steps set (autovacuum_enabled = false);
    insert into instances (id, tenant, service_id, plan_id, settings, request)
        select 'i' || i, 't' || i % 1000, 's', 'p', '{}', '{\"parameters\": {\"domains\": [\"a.example.com\"]}}' from generate_series(1, 40000) i;
    insert into recipients (id, tenant, address_digest, sealed_address, shortened, state, asked_at)
        select md5('r' || i)::uuid, 't' || i % 1000, decode(md5('a' || i), 'hex'), '\\x00', 'o…s@example.com', 'confirmed',
            now() - i * interval '10 minutes' from generate_series(1, 40000) i;
    insert into instance_recipients (instance_id, recipient_id, events)
        select 'i' || i, md5('r' || i)::uuid, '{todo,done,failed,trouble,domain}' from generate_series(1, 40000) i;
    insert into notices (id, key, instance_id, event, facts, born_at, collected_at)
        select md5('n' || i)::uuid, 'k' || i, 'i' || i, 'done', '{\"v\": 1, \"kind\": \"ended\", \"operation\": \"update\", \"failure\": null}',
            now() - i * interval '1 minute', case when i > 20 then now() - i * interval '1 minute' end from generate_series(1, 40000) i;
    insert into letters (id, recipient_id, kind, state, due_at, deadline_at, created_at, ended_at)
        select md5('l' || i)::uuid, md5('r' || i)::uuid, 'digest', case when i between 21 and 40 then 'waiting' else 'sent' end,
            now() - interval '1 hour', now() + interval '1 day', now() - i * interval '1 minute',
            case when i not between 21 and 40 then now() - i * interval '1 minute' end from generate_series(21, 40000) i;
    insert into letter_notices select md5('l' || i)::uuid, md5('n' || i)::uuid from generate_series(21, 40000) i;
    insert into operations (id, instance_id, kind, state, created_at, deadline_at, ended_at)
        select md5('o' || i)::uuid, 'i' || i, 'update', case when i > 20 then 'succeeded' else 'running' end, now() - i * interval '1 hour',
            now() + interval '5 days', case when i > 20 then now() end from generate_series(1, 40000) i;
    insert into steps (id, operation_id, kind, service, subject, round, state, due_at, deadline_at)
        select md5('s' || i)::uuid, md5('o' || i)::uuid, 'verify-challenge', 'challenge-verifier', 'a.example.com', 0,
            case when i > 20 then 'done' else 'waiting' end, now(), now() + interval '5 days' from generate_series(1, 40000) i;
    update recipients set state = 'asked', asked_at = null where id in (select md5('r' || i)::uuid from generate_series(41, 60) i)";

/// The tables have some 3,000 blocks together.
const MOST_BLOCKS: i64 = 500;

#[tokio::test]
async fn what_is_asked_of_notices_all_the_time_reads_no_table_as_a_whole() -> anyhow::Result<()> {
    let years = Years::with("notices", &[WEEKS, "analyze"]).await?;
    years
        .asked_within(MOST_BLOCKS, "what waits", async |store| store.notice_figures().await)
        .await?;
    let told = years
        .asked_within(MOST_BLOCKS, "whom an instance tells", async |store| {
            store.instance_recipients("i7").await
        })
        .await?;
    ensure!(told.len() == 1, "{told:?}");
    let filter = LetterFilter {
        instance: None,
        unsent: false,
        limit: 50,
    };
    let listed = years
        .asked_within(MOST_BLOCKS, "the newest letters", async |store| {
            store.letters(&filter).await
        })
        .await?;
    ensure!(listed.len() == 50, "{}", listed.len());
    // For the letters of a day of 20 organizations, of 40 addresses each; the second time there is nothing to do.
    let window = Duration::ZERO;
    let collected = years
        .asked_within(6 * MOST_BLOCKS, "collecting", async |store| {
            store.collect_notices(window, 100).await
        })
        .await?;
    ensure!(collected.notices.is_empty(), "done by the first one: {collected:?}");
    // Of 20 operations, each with its step; the second time there is nothing to tell.
    let reminded = years
        .asked_within(
            2 * MOST_BLOCKS,
            "what waits for users, and is not renewed",
            async |store| store.remind(Duration::from_secs(1_800)).await,
        )
        .await?;
    ensure!(reminded == 0, "done by the first one: {reminded}");
    let grace = Duration::from_secs(60);
    years
        .asked_within(MOST_BLOCKS, "the sweep", async |store| {
            store.sweep_letters(grace, 100).await
        })
        .await?;
    let waiting: Uuid = years.sql().query_one("select md5('l21')::uuid", &[]).await?.get(0);
    let leased = years
        .asked_within(MOST_BLOCKS, "a lease", async |store| {
            store.lease_letter(waiting, 0, grace).await
        })
        .await?;
    ensure!(matches!(leased, Lease::Stale), "the first one has it: {leased:?}");
    let made: i64 = years
        .sql()
        .query_one("select count(*) from letters where state = 'waiting'", &[])
        .await?
        .get(0);
    ensure!(made == 20 + 20 + 20, "{made} letters wait");
    let todo = "select count(*) from notices where event = 'todo'";
    let todo: i64 = years.sql().query_one(todo, &[]).await?.get(0);
    ensure!(todo == 20, "{todo} reminders");
    Ok(())
}
