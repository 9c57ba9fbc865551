//! Other keys for the accounts at the CA (RFC 8555 §7.3.5): the account stays and so do the tenants' records, whoever dies in the middle,
//! and whatever is at work meanwhile ends well.

use anyhow::{Context as _, ensure};
use customer::status;
use secrecy::ExposeSecret as _;
use stack::{CrashPoints, Options, Signal};
use store::KeyRing;
use store::sealing::Place;

use crate::cdnctl::{Said, operate};
use crate::scrape::Scrape;
use crate::world::{Instance, PATIENCE, World, domain, organization, until};

const ISSUER: &str = "certificate-issuer-1";

/// The chore's turn comes often, and no certificate is due.
fn often() -> Options {
    Options::fast()
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "300ms")
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s")
}

/// The same, and its processes die and freeze as they are told.
fn with(points: &CrashPoints) -> Options {
    often().with_env("certificate-issuer", "CRASH_POINTS", &points.folder())
}

/// An account as it is in the database.
#[derive(Debug, Clone)]
struct Account {
    sealed_key: Vec<u8>,
    next_sealed_key: Option<Vec<u8>>,
    generation: i32,
    uri: Option<String>,
    wanted: bool,
    problem: Option<String>,
}

async fn account(world: &World, tenant: &str) -> anyhow::Result<Account> {
    let query = "select sealed_key, next_sealed_key, key_generation, account_uri, rollover_asked_at is not null, rollover_problem \
                 from acme_accounts where tenant = $1";
    let row = world.sql().await?.query_one(query, &[&tenant]).await?;
    Ok(Account {
        sealed_key: row.get(0),
        next_sealed_key: row.get(1),
        generation: row.get(2),
        uri: row.get(3),
        wanted: row.get(4),
        problem: row.get(5),
    })
}

fn ring(world: &World) -> anyhow::Result<KeyRing> {
    Ok(KeyRing::parse(&world.handle.endpoints().sealing_keys)?)
}

/// The private key itself.
fn opened(world: &World, tenant: &str, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
    let key = ring(world)?.open(&Place::account_key(tenant, directory(world)), sealed)?;
    Ok(key.expose_secret().clone())
}

/// The key that is to come.
fn opened_next(world: &World, tenant: &str, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
    let key = ring(world)?.open(&Place::next_account_key(tenant, directory(world)), sealed)?;
    Ok(key.expose_secret().clone())
}

fn directory(world: &World) -> &str {
    &world.handle.endpoints().acme_directory_url
}

async fn say(world: &World, args: &[&str]) -> anyhow::Result<Said> {
    operate(&world.handle, args).await
}

async fn ask(world: &World, tenant: &str) -> anyhow::Result<()> {
    let said = say(world, &["rollover", tenant, "--yes"]).await?;
    ensure!(said.code == Some(0), "{}{}", said.text, said.errors);
    Ok(())
}

async fn changed(world: &World, tenant: &str, generation: i32) -> anyhow::Result<Account> {
    let mut seen = account(world, tenant).await?;
    let changed = until("the key is changed", async || {
        seen = account(world, tenant).await?;
        Ok(seen.generation == generation && !seen.wanted)
    });
    let changed = changed.await;
    changed.with_context(|| format!("{tenant}: generation {}, {:?}", seen.generation, seen.problem))?;
    Ok(seen)
}

/// How its newest renewal is, and for what of the CA its first step waits, or has waited.
async fn renewal(world: &World, instance: &Instance) -> anyhow::Result<(String, String)> {
    let row = world
        .sql()
        .await?
        .query_one(
            "select o.state, coalesce(s.reason->>'ca', '') || coalesce(': ' || (s.reason->>'said'), '') from operations o join steps s on s.operation_id = o.id \
             where o.instance_id = $1 and o.kind = 'renew' and s.kind = 'place-order' order by o.created_at desc, s.round limit 1",
            &[&instance.id],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

async fn begin_renewal(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let said = say(world, &["renew", &instance.id]).await?;
    ensure!(said.code == Some(0), "{}", said.text);
    Ok(())
}

async fn renewed(world: &World, instance: &Instance) -> anyhow::Result<()> {
    until("the renewal is over", async || {
        let (state, waited_for) = renewal(world, instance).await?;
        ensure!(state != "failed", "{waited_for}");
        Ok(state == "succeeded")
    })
    .await
}

async fn renew(world: &World, instance: &Instance) -> anyhow::Result<()> {
    begin_renewal(world, instance).await?;
    renewed(world, instance).await
}

/// The value of the standing record that a new instance of the tenant would have to set.
async fn persist(world: &World, tenant: &str) -> anyhow::Result<String> {
    let instance = world.create_in(tenant, &[domain("asks")]).await?;
    let told = world.told(&instance).await?;
    world.delete(&instance).await?;
    status::persist_value(&told).context("a set-once record")
}

#[tokio::test]
async fn an_account_gets_another_key_and_stays_what_it_was() -> anyhow::Result<()> {
    let world = World::own(often()).await?;
    let tenant = organization();
    let instance = world.created(&tenant, &[domain("key")]).await?;
    let before = account(&world, &tenant).await?;
    let record = persist(&world, &tenant).await?;
    no_call_without_a_wish(&world).await?;

    // Somebody has to say yes.
    let asked = say(&world, &["rollover", &tenant]).await?;
    assert_eq!((asked.code, asked.text.as_str()), (Some(2), ""));
    assert!(
        asked.errors.contains("Changes the keys of 1 accounts"),
        "{}",
        asked.errors
    );
    assert!(
        asked.errors.contains("Records of dns-persist-01 hold"),
        "{}",
        asked.errors
    );
    assert!(!account(&world, &tenant).await?.wanted);
    made_with_the_key_is_told(&world, &tenant).await?;
    let unknown = say(&world, &["rollover", "org-unknown", "--yes"]).await?;
    assert_eq!(unknown.code, Some(1), "{}", unknown.text);
    assert!(unknown.text.contains("has no account at a CA"), "{}", unknown.text);

    ask(&world, &tenant).await?;
    let after = changed(&world, &tenant, 1).await?;
    assert_eq!(after.uri, before.uri);
    assert_ne!(after.sealed_key, before.sealed_key);
    assert_ne!(
        opened(&world, &tenant, &after.sealed_key)?,
        opened(&world, &tenant, &before.sealed_key)?
    );
    assert_eq!((after.next_sealed_key, after.problem), (None, None));
    let kept = "select earlier_thumbprints from acme_accounts where tenant = $1";
    let kept: Vec<String> = world.sql().await?.query_one(kept, &[&tenant]).await?.get(0);
    assert_eq!(kept.iter().map(String::len).collect::<Vec<_>>(), [43], "{kept:?}");
    let said = say(&world, &["accounts", "--tenant", &tenant, "--json"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text);
    let json = said.json()?;
    assert_eq!(json[0]["account_uri"].as_str(), after.uri.as_deref(), "{json}");
    assert!(
        json[0]["key_changed_at"].is_string() && json[0]["rollover_asked_at"].is_null(),
        "{json}"
    );
    assert!(say(&world, &["accounts"]).await?.text.contains(&tenant));

    // What the tenant has set once is what proves the next certificate.
    renew(&world, &instance).await?;
    world.serves(&instance).await?;
    assert_eq!(persist(&world, &tenant).await?, record);
    no_call_without_a_wish(&world).await?;

    the_old_key_is_refused(&world, &tenant, &instance, &before.sealed_key).await?;
    world.delete(&instance).await
}

/// No CA here follows draft -02 yet, so the database says that this one did.
async fn made_with_the_key_is_told(world: &World, tenant: &str) -> anyhow::Result<()> {
    let form = "update authorizations z set challenges = jsonb_set(z.challenges, '{offered,dns-persist-01,form}', to_jsonb($2::text)) \
                from orders r join acme_accounts a on a.account_uri = r.account_uri \
                where z.order_id = r.id and a.tenant = $1";
    let sql = world.sql().await?;
    ensure!(sql.execute(form, &[&tenant, &"hashed"]).await? > 0);
    let asked = say(world, &["rollover", tenant]).await?;
    ensure!(
        asked.errors.contains("made with the key at 1 of them (draft -02)"),
        "{}",
        asked.errors
    );
    sql.execute(form, &[&tenant, &"account-url"]).await?;
    Ok(())
}

/// Some turns of the chore, in which the CA is asked nothing.
async fn no_call_without_a_wish(world: &World) -> anyhow::Result<()> {
    let calls = async || {
        anyhow::Ok(
            Scrape::of(&world.handle)
                .await?
                .sum("outside_calls_total", &[("peer", "acme")]),
        )
    };
    let before = calls().await?;
    let (sql, mut turns) = (world.sql().await?, std::collections::BTreeSet::new());
    until("three turns of the chore", async || {
        let taken = "select taken_at::text from turns where name = 'chore of certificate-issuer'";
        turns.insert(sql.query_one(taken, &[]).await?.get::<_, String>(0));
        Ok(turns.len() > 3)
    })
    .await?;
    ensure!(calls().await? == before && before > 0.0, "{before} calls before");
    Ok(())
}

/// As after a dump is restored that is older than the change: the operator has to look into it, and no operation fails by it.
async fn the_old_key_is_refused(world: &World, tenant: &str, instance: &Instance, old: &[u8]) -> anyhow::Result<()> {
    let new = account(world, tenant).await?.sealed_key;
    let sql = world.sql().await?;
    let put =
        "update acme_accounts set sealed_key = $2, key_changed_at = null, rollover_tried_at = null where tenant = $1";
    sql.execute(put, &[&tenant, &old]).await?;
    begin_renewal(world, instance).await?;
    until("the CA doesn't know the old key", async || {
        let (state, waits_for) = renewal(world, instance).await?;
        ensure!(state == "running", "{state}: {waits_for}");
        Ok(waits_for == "key-unknown")
    })
    .await?;
    let log = &world.handle.endpoints().process(ISSUER).context("its log")?.log;
    let log = std::fs::read_to_string(log)?;
    assert!(log.contains("was a dump restored"), "{log}");
    sql.execute(put, &[&tenant, &new.as_slice()]).await?;
    renewed(world, instance).await
}

#[tokio::test]
async fn who_dies_after_the_ca_took_the_key_loses_nothing() -> anyhow::Result<()> {
    let points = CrashPoints::new()?;
    let world = World::own(with(&points)).await?;
    let tenant = organization();
    let instance = world.created(&tenant, &[domain("crash")]).await?;
    let before = account(&world, &tenant).await?;

    // Whoever takes the chore's next turn finds out.
    let dead = dies(&world, &points, &tenant).await?;
    assert_eq!((dead.generation, &dead.sealed_key), (0, &before.sealed_key));
    world.handle.start_again(ISSUER).await?;
    let after = changed(&world, &tenant, 1).await?;
    let next = dead.next_sealed_key.context("a next key")?;
    assert_eq!(after.uri, before.uri);
    assert_eq!(
        opened(&world, &tenant, &after.sealed_key)?,
        opened_next(&world, &tenant, &next)?
    );
    renew(&world, &instance).await?;

    // So does whoever needs the account first, though nobody wants the change any more.
    let dead = dies(&world, &points, &tenant).await?;
    let sql = world.sql().await?;
    let withdrawn = "update acme_accounts set rollover_asked_at = null where tenant = $1";
    sql.execute(withdrawn, &[&tenant]).await?;
    begin_renewal(&world, &instance).await?;
    world.handle.start_again(ISSUER).await?;
    renewed(&world, &instance).await?;
    let after = account(&world, &tenant).await?;
    assert_eq!((after.generation, &after.uri), (2, &before.uri));
    let next = dead.next_sealed_key.context("a next key")?;
    assert_eq!(
        opened(&world, &tenant, &after.sealed_key)?,
        opened_next(&world, &tenant, &next)?
    );
    assert_eq!(world.orders(&instance).await?, 3, "one order for each certificate");
    world.serves(&instance).await?;
    world.delete(&instance).await
}

/// The issuer dies when the CA has the new key and the database doesn't know it.
async fn dies(world: &World, points: &CrashPoints, tenant: &str) -> anyhow::Result<Account> {
    const POINT: &str = "rollover@before-promotion";
    points.arm(POINT, &format!("abort {tenant}"))?;
    ask(world, tenant).await?;
    until("it has died", async || {
        let processes = world.handle.endpoints_now().await?.processes;
        let issuer = processes.iter().find(|process| process.name == ISSUER);
        Ok(issuer.is_some_and(|issuer| issuer.pid.is_none()))
    })
    .await?;
    ensure!(points.hit(POINT).is_some(), "it died elsewhere");
    let account = account(world, tenant).await?;
    ensure!(account.wanted && account.next_sealed_key.is_some(), "{account:?}");
    Ok(account)
}

/// Lets the frozen process go on.
async fn thaw(world: &World, pid: u32) -> anyhow::Result<()> {
    let processes = world.handle.endpoints_now().await?.processes;
    let frozen = processes.iter().find(|process| process.pid == Some(pid));
    let name = &frozen.context("the frozen process is gone")?.name;
    world.handle.kill(name, Signal::Cont).await
}

/// A process has begun an attempt with the old key and freezes; when it wakes up the account has another.
#[tokio::test]
async fn an_attempt_that_began_with_the_old_key_is_made_again() -> anyhow::Result<()> {
    const POINT: &str = "place-order@call-2";
    let points = CrashPoints::new()?;
    // The third rejected nonce in a row is a fault of the CA's, and would be what the step waited for last.
    let options = with(&points).with_nonce_rejection(0);
    let world = World::own(options.with_replicas("certificate-issuer", 2)).await?;
    let tenant = organization();
    let instance = world.created(&tenant, &[domain("between")]).await?;
    points.arm(POINT, &format!("freeze {}", instance.id))?;
    begin_renewal(&world, &instance).await?;
    until("a process froze", async || Ok(points.hit(POINT).is_some())).await?;
    ask(&world, &tenant).await?;
    changed(&world, &tenant, 1).await?;
    thaw(&world, points.hit(POINT).context("a process")?).await?;
    renewed(&world, &instance).await?;
    let (_, waited_for) = renewal(&world, &instance).await?;
    assert_eq!(waited_for, "key-changing");
    world.serves(&instance).await?;
    world.delete(&instance).await
}

/// What a tenant is to set by dns-01 is made with the key.
#[tokio::test]
async fn what_an_order_wants_is_told_anew_for_the_new_key() -> anyhow::Result<()> {
    const POINT: &str = "answer-challenges@before-handler";
    let points = CrashPoints::new()?;
    let world = World::own(with(&points).with_replicas("certificate-issuer", 2)).await?;
    let tenant = organization();
    let waits = world.create_in(&tenant, &[domain("waits")]).await?;
    let old = wanted_by_dns01(&world, &waits).await?;
    // Of this one the old key's value is in place, and the CA is about to be told.
    let proved = world.create_in(&tenant, &[domain("proved")]).await?;
    let proved_by = wanted_by_dns01(&world, &proved).await?;
    points.arm(POINT, &format!("freeze {}", proved.id))?;
    set_dns01(&world, &proved, &proved_by).await?;
    until("a process froze", async || Ok(points.hit(POINT).is_some())).await?;

    ask(&world, &tenant).await?;
    changed(&world, &tenant, 1).await?;
    thaw(&world, points.hit(POINT).context("a process")?).await?;
    for (instance, old) in [(&waits, old), (&proved, proved_by)] {
        let another = |answer: &customer::Answer| {
            let new = status::dns01_value(answer.description(), &instance.domains[0]);
            new.is_some_and(|new| new != old)
        };
        let answer = world
            .platform
            .poll(&instance.id, PATIENCE, "another value", another)
            .await?;
        let told = answer.description();
        assert!(
            told.contains("the key of your organization's account at the CA was changed"),
            "{told}"
        );
        let new = status::dns01_value(told, &instance.domains[0]).context("a TXT value")?;
        set_dns01(&world, instance, &new).await?;
        world.platform.succeeded(&instance.id, PATIENCE).await?;
        world.serves(instance).await?;
        assert_eq!(world.orders(instance).await?, 2);
        let turned_down = "select count(*) from claims where instance_id = $1 and ca_said is not null";
        let row = world.sql().await?.query_one(turned_down, &[&instance.id]).await?;
        assert_eq!(row.get::<_, i64>(0), 0, "the CA rejected nothing");
        world.delete(instance).await?;
    }
    Ok(())
}

async fn wanted_by_dns01(world: &World, instance: &Instance) -> anyhow::Result<String> {
    let told = world.told(instance).await?;
    status::dns01_value(&told, &instance.domains[0]).context("a TXT value")
}

async fn set_dns01(world: &World, instance: &Instance, value: &str) -> anyhow::Result<()> {
    let record = format!("_acme-challenge.{}", instance.domains[0]);
    world.dns.set_txt(&record, value).await
}

#[tokio::test]
async fn what_goes_wrong_is_told_and_keeps_no_other_account() -> anyhow::Result<()> {
    let world = World::own(often()).await?;
    let (first, second) = (organization(), organization());
    let instances = [
        world.created(&first, &[domain("first")]).await?,
        world.created(&second, &[domain("second")]).await?,
    ];
    // The next key of the second is the first's: the CA says so, and another is made.
    let key = opened(&world, &first, &account(&world, &first).await?.sealed_key)?;
    let sealed = ring(&world)?.seal(&Place::next_account_key(&second, directory(&world)), &key)?;
    let sql = world.sql().await?;
    let put = "update acme_accounts set next_sealed_key = $2, next_key_at = clock_timestamp() where tenant = $1";
    sql.execute(put, &[&second, &sealed]).await?;
    ask(&world, &second).await?;
    let taken = changed(&world, &second, 1).await?.sealed_key;
    assert_ne!(opened(&world, &second, &taken)?, key);
    let log = &world.handle.endpoints().process(ISSUER).context("its log")?.log;
    let log = std::fs::read_to_string(log)?;
    assert!(log.contains("the CA has another account with the new key"), "{log}");

    // A CA of before is away.
    let elsewhere = "insert into acme_accounts (tenant, directory_url, sealed_key, account_uri) \
         select 'org-elsewhere', 'https://127.0.0.1:1/dir', sealed_key, account_uri || '-elsewhere' from acme_accounts where tenant = $1";
    sql.execute(elsewhere, &[&first]).await?;
    let said = say(&world, &["rollover", "--all", "--yes"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text);
    changed(&world, &first, 1).await?;
    changed(&world, &second, 2).await?;
    until("the other CA is reported as unavailable", async || {
        Ok(account(&world, "org-elsewhere").await?.problem.is_some())
    })
    .await?;
    let said = say(&world, &["accounts", "--tenant", "org-elsewhere"]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("the CA can't be reached"), "{}", said.text);
    let said = say(&world, &["doctor"]).await?;
    let told = said.text.lines().find(|line| line.contains("rollovers"));
    let told = told.context("the doctor looks at rollovers")?;
    assert!(
        told.contains("to be changed: 1 of 3; that of org-elsewhere: the CA can't be reached"),
        "{told}"
    );
    Scrape::until(&world.handle, "one waits", |scrape| {
        scrape.sum("accounts_to_roll_over", &[]) == 1.0
    })
    .await?;
    for instance in &instances {
        renew(&world, instance).await?;
        world.delete(instance).await?;
    }
    Ok(())
}
