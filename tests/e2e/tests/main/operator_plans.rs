//! The operator's page among 100,000 instances: a list reads a page of them by an index, the numbers read what waits and what failed, and whose
//! move it is, PostgreSQL judges as the status does.

use anyhow::ensure;
use pipeline::Reason;
use pipeline::proof::{Method, Place};
use pipeline::reason::{Behind, Delegation, DnsProblem, Instead, Look, Seen, Spread, Txt, Way, stored};
use store::operator::{Kind, List, Listing, Place as After, Wanted, WhoseMove};
use store::{DatabaseArgs, Store};

use crate::plans::Years;

/// A page has 50 rows, each of them with an operation, steps, domains and a certificate; the tables have 2,000 blocks and more each.
const MOST_BLOCKS: i64 = 1_000;
const PAGE: u16 = 50;

/// One instance each four minutes, of 100 organizations. Of the newest 300 each has an operation that runs, and in every other one the proof is
/// in place; the next 200 have failed within a day.
const MANY: &str = "
    alter table instances set (autovacuum_enabled = false);
    alter table operations set (autovacuum_enabled = false);
    alter table steps set (autovacuum_enabled = false);
    alter table claims set (autovacuum_enabled = false);
    alter table orders set (autovacuum_enabled = false);
    alter table certificates set (autovacuum_enabled = false);
    insert into instances (id, tenant, service_id, plan_id, settings, request, created_at)
        select md5('i' || i)::uuid::text, 't' || i % 100, 's', 'p', '{}',
            jsonb_build_object('parameters', jsonb_build_object('domains', jsonb_build_array('www.d' || i || '.example.com'))),
            now() - i * interval '4 minutes' from generate_series(1, 100000) i;
    insert into operations (id, instance_id, kind, state, cause, created_at, deadline_at, ended_at)
        select md5('o' || i)::uuid, md5('i' || i)::uuid::text, 'provision',
            case when i <= 300 then 'running' when i <= 500 then 'failed' else 'succeeded' end, case when i between 301 and 500 then 'it broke' end,
            now() - i * interval '4 minutes', now(),
            case when i between 301 and 500 then now() - (i - 300) * interval '4 minutes' when i > 500 then now() - i * interval '3 minutes' end
            from generate_series(1, 100000) i;
    insert into steps (id, operation_id, kind, service, subject, round, state, due_at, deadline_at, reason, rung_at)
        select md5('s' || i)::uuid, md5('o' || i)::uuid,
            case when i between 301 and 500 then 'place-order' else 'verify-challenge' end,
            case when i between 301 and 500 then 'certificate-issuer' else 'challenge-verifier' end,
            case when i between 301 and 500 then '' else 'www.d' || i || '.example.com' end, 1,
            case when i <= 300 then 'waiting' when i <= 500 then 'failed' else 'done' end, now(), now(),
            case when i between 301 and 500 then '{\"v\": 1, \"reason\": \"ca\", \"ca\": \"limits\", \"request\": \"place-order\", \"said\": \"no\"}'::jsonb
                when i % 2 = 0 then '{\"v\": 1, \"reason\": \"look\", \"in_place\": \"dns-01\", \"ways\": []}'
                else '{\"v\": 1, \"reason\": \"look\", \"in_place\": null, \"ways\": []}' end,
            now() from generate_series(1, 100000) i;
    insert into claims (instance_id, domain, tenant, proved)
        select md5('i' || i)::uuid::text, 'www.d' || i || '.example.com', 't' || i % 100, i > 500 from generate_series(1, 100000) i;
    insert into orders (id, operation_id, round, created_at)
        select md5('r' || i)::uuid, md5('o' || i)::uuid, 1, now() - i * interval '4 minutes' from generate_series(501, 100000) i;
    insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at, created_at)
        select md5('c' || i)::uuid, md5('i' || i)::uuid::text, md5('r' || i)::uuid, array['www.d' || i || '.example.com'], '',
            now() - interval '1 day', now() + (i % 90) * interval '1 day' + interval '1 hour', now() - interval '1 day', now() - interval '1 day'
            from generate_series(501, 100000) i";

async fn page(years: &Years, what: &str, list: List<'_>, after: Option<&After>) -> anyhow::Result<Listing> {
    years
        .asked_within(MOST_BLOCKS, what, async |store| store.listing(list, after, PAGE).await)
        .await
}

#[tokio::test]
async fn each_page_of_each_list_is_read_by_an_index() -> anyhow::Result<()> {
    let years = Years::with("operators", &[MANY, "analyze"]).await?;
    let limits = Kind {
        operation: "provision",
        step: Some("place-order"),
        why: "ca limits",
    };
    let running = |step, whose| List::Running { step, whose };
    let lists = [
        ("what runs", running(None, None)),
        ("what waits at a step", running(Some("verify-challenge"), None)),
        ("what waits for users", running(None, Some(WhoseMove::Users))),
        ("what waits for machines", running(None, Some(WhoseMove::Machines))),
        ("failures", List::Failed { only: None }),
        ("failures of a kind", List::Failed { only: Some(limits) }),
        (
            "certificates",
            List::Ending {
                from_days: None,
                below_days: None,
            },
        ),
        (
            "certificates that end soon",
            List::Ending {
                from_days: Some(7),
                below_days: Some(14),
            },
        ),
        ("everything below a name", List::Found(Wanted::Domain("example.com"))),
        ("an organization", List::Found(Wanted::Tenant("t7"))),
        ("the beginning of an id", List::Found(Wanted::Beginning("7"))),
    ];
    for (what, list) in lists {
        let first = page(&years, what, list, None).await?;
        ensure!(first.rows.len() == usize::from(PAGE), "{what}: {}", first.rows.len());
        let second = page(&years, &format!("{what}, the second page"), list, first.next.as_ref()).await?;
        ensure!(second.rows.len() == usize::from(PAGE), "{what}: {}", second.rows.len());
        let again = second
            .rows
            .iter()
            .filter(|row| first.rows.iter().any(|other| other.line.id == row.line.id));
        ensure!(again.count() == 0, "{what}: a row is on two pages");
    }

    let exactly = page(
        &years,
        "a name",
        List::Found(Wanted::Domain("www.d7.example.com")),
        None,
    )
    .await?;
    let notes: Vec<Option<&str>> = exactly.rows.iter().map(|row| row.note.as_deref()).collect();
    assert_eq!(notes, [Some("www.d7.example.com: asks")]);
    // Not what only ends alike.
    let alike = page(&years, "an ending", List::Found(Wanted::Domain("7.example.com")), None).await?;
    assert_eq!(alike.rows.len(), 0);
    let nothing = page(&years, "no trouble", List::InTrouble, None).await?;
    assert_eq!(nothing.rows.len(), 0);

    let progress = years
        .asked_within(MOST_BLOCKS, "what runs, counted", async |store| store.progress().await)
        .await?;
    assert_eq!((progress.running, progress.users, progress.machines()), (300, 150, 150));
    let steps: Vec<(&str, u64, u64)> = progress
        .steps
        .iter()
        .map(|step| {
            (
                step.kind.as_str(),
                step.operations,
                step.of_an_hour + step.of_a_day + step.older,
            )
        })
        .collect();
    assert_eq!(steps, [("verify-challenge", 300, 300)]);
    let failures = years
        .asked_within(MOST_BLOCKS, "failures, counted", async |store| {
            store.failures_of_the_day().await
        })
        .await?;
    let told: Vec<(&str, &str, u64)> = failures
        .iter()
        .map(|kind| (kind.step.as_deref().unwrap_or_default(), kind.why.as_str(), kind.count))
        .collect();
    assert_eq!(told, [("place-order", "ca limits", 200)]);
    postgresql_judges_as_the_status_does(&years).await
}

/// What may be seen of a domain.
fn looks() -> Vec<Look> {
    let absent = || DnsProblem::NoSuchName {
        server: "ns1.example.com".to_owned(),
    };
    let cname = |behind: bool| Spread {
        have: vec!["ns1.example.com".to_owned()],
        behind: behind
            .then(|| Behind {
                server: "ns2.example.com".to_owned(),
                instead: Instead::Denied(absent()),
                address: None,
            })
            .into_iter()
            .collect(),
        left_out: Vec::new(),
    };
    let delegated = |seen: Delegation| Look {
        ways: vec![Way {
            method: Method::DelegatedDns01,
            place: Place::Cname("_acme-challenge.www.example.com".to_owned()),
            seen: Seen::Delegation(seen),
        }],
        ..Look::default()
    };
    let leads = |behind: bool| Delegation::Leads {
        target: "x7k2.acme.example".to_owned(),
        cname: cname(behind),
        value: Box::new(Txt::Absent { problem: absent() }),
    };
    let missing = Delegation::Missing {
        target: "x7k2.acme.example".to_owned(),
        found: Box::new(Txt::Absent { problem: absent() }),
    };
    vec![
        Look::default(),
        Look {
            in_place: Some(Method::Dns01),
            ..Look::default()
        },
        Look {
            contested: true,
            slow: true,
            ..Look::default()
        },
        delegated(leads(false)),
        delegated(leads(true)),
        delegated(missing),
    ]
}

async fn postgresql_judges_as_the_status_does(years: &Years) -> anyhow::Result<()> {
    // None: nothing was seen yet.
    let mut reasons = vec![None];
    reasons.extend(looks().into_iter().map(Some));
    years
        .sql()
        .batch_execute("delete from steps where state = 'waiting'")
        .await?;
    let mut expected = Vec::new();
    for (number, look) in (1_i32..).zip(&reasons) {
        let waits = look
            .as_ref()
            .is_none_or(|look| look.ready().is_none() && !look.waits_for_the_broker());
        let reason = look
            .clone()
            .map(|look| stored::write(&Reason::from(look)))
            .transpose()?;
        let insert = "insert into steps (id, operation_id, kind, service, subject, round, state, due_at, deadline_at, reason) \
             select md5('j' || $1::integer)::uuid, md5('o' || $1)::uuid, 'verify-challenge', 'challenge-verifier', 'a.test', 2, 'waiting', now(), \
             now(), $2 returning (select o.instance_id from operations o where o.id = operation_id)";
        let row = years.sql().query_one(insert, &[&number, &reason]).await?;
        if waits {
            expected.push(row.get::<_, String>(0));
        }
    }
    let store = Store::new(&DatabaseArgs::at(years.url()), "judges")?;
    let list = List::Running {
        step: None,
        whose: Some(WhoseMove::Users),
    };
    let listing = store.listing(list, None, PAGE).await?;
    let mut found: Vec<String> = listing.rows.into_iter().map(|row| row.line.id).collect();
    found.sort();
    expected.sort();
    ensure!(expected.len() > 2 && expected.len() < reasons.len(), "{expected:?}");
    assert_eq!(found, expected);
    Ok(())
}
