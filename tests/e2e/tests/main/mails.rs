//! What tenants are told by mail, by a real mail server (Exim): an address confirms first, each thing is told once, whoever leaves is told nothing more, and
//! nothing is lost while RabbitMQ, PostgreSQL, the mail server and notifier are away. Exim runs as root or its own user only; elsewhere these tests
//! say that they were skipped.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use customer::Answer;
use customer::platform::answer;
use quoted_printable::ParseMode;
use reqwest::Method;
use serde_json::json;
use stack::{CrashPoints, Handle, MailEndpoint, Options, Signal, why_no_mail};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::page_link::Alone;
use crate::queue_wiped::wipe;
use crate::world::{Instance, PATIENCE, World, domain, organization, until};

const NOTIFIER: &str = "notifier-1";
const EXIM: &str = "exim";
/// A mail's subject, when it asks.
const ASKS: &str = "Please confirm";

/// Whether the test can't be run here; it says why.
fn skipped() -> bool {
    let why = why_no_mail();
    if let Some(why) = &why {
        println!("skipped: {why}");
    }
    why.is_some()
}

fn mail(stack: &Handle) -> anyhow::Result<&MailEndpoint> {
    stack.endpoints().mail.as_ref().context("no mail server")
}

/// An address that no other test has.
fn address(local: &str) -> String {
    format!("{local}@{}", domain("mail"))
}

/// The mails to an address whose subject begins so, as their reader sees them.
fn mails(stack: &Handle, address: &str, subject: &str) -> anyhow::Result<Vec<String>> {
    let (to, subject) = (format!("\nTo: {address}\n"), format!("\nSubject: {subject}"));
    let all = mail(stack)?.mails()?.into_iter();
    Ok(all
        .filter_map(|mail| quoted_printable::decode(mail, ParseMode::Robust).ok())
        .map(|mail| String::from_utf8_lossy(&mail).replace('\r', ""))
        .filter(|mail| mail.contains(&to) && mail.contains(&subject))
        .collect())
}

/// The mail, once there is one.
async fn arrived(stack: &Handle, address: &str, subject: &str) -> anyhow::Result<String> {
    until(&format!("a mail {subject:?} to {address}"), async || {
        Ok(!mails(stack, address, subject)?.is_empty())
    })
    .await?;
    mails(stack, address, subject)?.pop().context("a mail")
}

/// The path of the link in a mail that confirms (`c`) or leaves (`l`).
fn link(mail: &str, purpose: &str) -> anyhow::Result<String> {
    let tokens = mail.split("/notify/").skip(1).map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
        &rest[..end.unwrap_or(rest.len())]
    });
    let mut tokens = tokens.filter(|token| token.split('.').nth(1) == Some(purpose));
    let token = tokens
        .next()
        .with_context(|| format!("no link {purpose:?} in {mail}"))?;
    Ok(format!("/notify/{token}"))
}

fn message_id(mail: &str) -> Option<&str> {
    mail.lines().find(|line| line.starts_with("Message-ID: "))
}

async fn press(world: &World, path: &str, form: &'static str) -> anyhow::Result<Answer> {
    let request = world.platform.bare(Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    answer(request.body(form)).await
}

async fn count(sql: &Client, what: &str) -> anyhow::Result<i64> {
    Ok(sql
        .query_one(&format!("select count(*) from {what}"), &[])
        .await?
        .get(0))
}

/// Everything that was to be told is in letters, and all of them have ended.
async fn all_is_told(sql: &Client) -> anyhow::Result<()> {
    until("every notice collected, no letter waiting", async || {
        let waiting = count(sql, "letters where state in ('waiting', 'held')").await?;
        Ok(waiting == 0 && count(sql, "notices where collected_at is null").await? == 0)
    })
    .await
}

/// Creates an instance that tells this address; domains are proved by set-once records.
async fn asked(world: &World, address: &str) -> anyhow::Result<Instance> {
    let (id, name) = (Uuid::new_v4().to_string(), domain("told"));
    let parameters = json!({"domains": [name], "notify": {"mail": [address]}});
    let begun = Instant::now();
    let answer = world.platform.provision(&id, &organization(), parameters).await?;
    ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    ensure!(
        begun.elapsed() < Duration::from_secs(10),
        "a request waits for the mail server"
    );
    Ok(Instance {
        id,
        domains: vec![name],
    })
}

#[tokio::test]
async fn an_address_confirms_then_is_told_once_then_leaves() -> anyhow::Result<()> {
    if skipped() {
        return Ok(());
    }
    let world = World::own(Options::fast().with_mail().with_env("all", "RUST_LOG", "debug")).await?;
    let (stack, sql) = (&world.handle, world.sql().await?);
    let address = address("operators");
    let instance = asked(&world, &address).await?;
    let question = arrived(stack, &address, ASKS).await?;
    let confirm = link(&question, "c")?;

    // Programs that look at links confirm nothing.
    for _ in 0..2 {
        let page = answer(world.platform.bare(Method::GET, &confirm)).await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text);
    }
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    until("a letter that waits for the confirmation", async || {
        Ok(count(&sql, "letters where state = 'held'").await? == 1)
    })
    .await?;
    assert_eq!(count(&sql, "recipients where state = 'asked'").await?, 1);
    assert_eq!(
        mails(stack, &address, "")?.len(),
        1,
        "before the confirmation nothing but the question is sent"
    );

    let ready = format!("Ready: {}", instance.domains[0]);
    ensure!(
        press(&world, &confirm, "do=confirm").await?.status == 200,
        "not confirmed"
    );
    let mail = arrived(stack, &address, &ready).await?;
    for words in [
        "The service is ready.",
        "Auto-Submitted: auto-generated",
        "multipart/alternative",
        "text/html",
    ] {
        assert!(mail.contains(words), "{words}: {mail}");
    }

    // One notice of each operation, and one mail of each notice.
    let update = world.platform.update(&instance.id, json!({"path": "/told"})).await?;
    ensure!(update.status == 202, "{} {}", update.status, update.text);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let updated = arrived(stack, &address, "Updated: ").await?;
    all_is_told(&sql).await?;
    assert_eq!(mails(stack, &address, &ready)?.len(), 1);
    assert_eq!(mails(stack, &address, "Updated: ")?.len(), 1);
    assert_eq!(count(&sql, "letters where state = 'sent' and attempt = 1").await?, 3);

    // One click, as a mail program sends it: no page, no cookie, no question (RFC 8058 §3.2).
    let leave = link(&updated, "l")?;
    let left = press(&world, &leave, "List-Unsubscribe=One-Click").await?;
    ensure!(left.status == 200, "{} {}", left.status, left.text);
    world.delete(&instance).await?;
    all_is_told(&sql).await?;
    assert_eq!(mails(stack, &address, "")?.len(), 3, "mail after one click");
    nobody_reads_the_address(&world, &sql, &address).await
}

#[tokio::test]
async fn who_has_to_act_is_told_what_to_set_once() -> anyhow::Result<()> {
    if skipped() {
        return Ok(());
    }
    let options = Options::fast()
        .with_mail()
        .with_env(NOTIFIER, "NOTIFY_TODO_AFTER", "0s");
    let world = World::own(options).await?;
    let (stack, sql) = (&world.handle, world.sql().await?);
    let address = address("waits");
    let instance = asked(&world, &address).await?;
    let confirm = link(&arrived(stack, &address, ASKS).await?, "c")?;
    ensure!(
        press(&world, &confirm, "do=confirm").await?.status == 200,
        "not confirmed"
    );
    let name = &instance.domains[0];
    let waits = "Waiting for you:";
    let mail = arrived(stack, &address, waits).await?;
    let record = format!("_validation-persist.{name} TXT ");
    for words in ["1 of 1 domain needs a DNS record", &record, "If it is not done by "] {
        assert!(mail.contains(words), "{words}: {mail}");
    }
    let told = world.told(&instance).await?;
    world.set_persist(&told, name).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    arrived(stack, &address, "Ready: ").await?;
    all_is_told(&sql).await?;
    assert_eq!(mails(stack, &address, waits)?.len(), 1);
    Ok(())
}

/// Neither in the database nor in a log, whatever is logged; nor a link that acts for it.
async fn nobody_reads_the_address(world: &World, sql: &Client, address: &str) -> anyhow::Result<()> {
    for table in [
        "recipients",
        "letters",
        "notices",
        "instances",
        "operations",
        "steps",
        "audit_log",
    ] {
        for clue in [address, "/notify/"] {
            let found = count(sql, &format!("{table} t where strpos(t::text, '{clue}') > 0")).await?;
            assert_eq!(found, 0, "{clue} in {table}");
        }
    }
    for process in ["broker-api", NOTIFIER] {
        let process = world.handle.endpoints().process(process).context("a process")?;
        let log = std::fs::read_to_string(&process.log)?;
        for clue in [address, "/notify/k1."] {
            assert!(!log.contains(clue), "{clue} in the log of {}", process.name);
        }
    }
    Ok(())
}

/// A notifier with time limits of seconds: a lease is over after 32 s.
fn quick() -> Options {
    Options::fast()
        .with_mail()
        .with_env("all", "SWEEP_GRACE", "2s")
        .with_env("all", "SWEEP_INTERVAL", "500ms")
        .with_env(NOTIFIER, "SMTP_CONNECT_TIMEOUT", "2s")
        .with_env(NOTIFIER, "SMTP_COMMAND_TIMEOUT", "2s")
        .with_env(NOTIFIER, "SMTP_DATA_TIMEOUT", "6s")
}

/// An instance of another organization that tells this address: a question is to be sent.
async fn asks(alone: &Alone, address: &str) -> anyhow::Result<()> {
    let parameters = json!({"domains": [domain("asked")], "notify": {"mail": [address]}});
    let (id, begun) = (Uuid::new_v4().to_string(), Instant::now());
    let answer = alone.platform.provision(&id, &organization(), parameters).await?;
    ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    ensure!(
        begun.elapsed() < Duration::from_secs(10),
        "a request waits for the mail server"
    );
    Ok(())
}

#[tokio::test]
async fn no_mail_is_lost_while_others_are_away() -> anyhow::Result<()> {
    if skipped() {
        return Ok(());
    }
    let alone = Alone::with(quick()).await?;
    everything_is_away_and_each_is_sent_once(&alone).await?;
    postgresql_is_away_when_the_server_has_it(&alone).await?;
    the_sender_dies_when_the_server_may_have_it(&alone).await
}

async fn everything_is_away_and_each_is_sent_once(alone: &Alone) -> anyhow::Result<()> {
    let stack = &alone.stack;
    let addresses: Vec<String> = (0..5).map(|number| address(&format!("lost{number}"))).collect();
    stack.kill(EXIM, Signal::Kill).await?;
    for address in &addresses {
        asks(alone, address).await?;
    }
    let sql = alone.database().await?;
    until("each letter tried in vain", async || {
        Ok(count(&sql, "letters where state = 'waiting' and attempt > 1").await? == 5)
    })
    .await?;
    stack.kill(NOTIFIER, Signal::Kill).await?;
    wipe(&stack.endpoints().amqp_url).await?;
    stack.kill("postgres", Signal::Kill).await?;
    stack.begin_again(NOTIFIER).await?;
    stack.start_again(EXIM).await?;
    stack.start_again("postgres").await?;
    for address in &addresses {
        arrived(stack, address, ASKS).await?;
    }
    let sql = alone.database().await?;
    all_is_told(&sql).await?;
    for address in &addresses {
        assert_eq!(mails(stack, address, ASKS)?.len(), 1, "{address}");
    }
    assert_eq!(count(&sql, "letters where maybe_doubled").await?, 0);
    Ok(())
}

/// A letter that the server gets, and answers late.
async fn being_sent(alone: &Alone, address: &str) -> anyhow::Result<()> {
    mail(&alone.stack)?.answer_late(true)?;
    asks(alone, address).await?;
    let sql = alone.database().await?;
    until("a letter that is being sent", async || {
        Ok(count(&sql, "letters where state = 'waiting' and content is not null").await? == 1)
    })
    .await
}

async fn postgresql_is_away_when_the_server_has_it(alone: &Alone) -> anyhow::Result<()> {
    let (stack, address) = (&alone.stack, address("taken"));
    being_sent(alone, &address).await?;
    stack.kill("postgres", Signal::Kill).await?;
    let log = stack.endpoints().process(NOTIFIER).context("notifier")?.log.clone();
    until("a record that fails", async || {
        Ok(std::fs::read_to_string(&log)?.contains("not recorded; that is tried again"))
    })
    .await?;
    stack.start_again("postgres").await?;
    let sql = alone.database().await?;
    all_is_told(&sql).await?;
    arrived(stack, &address, ASKS).await?;
    assert_eq!(
        mails(stack, &address, ASKS)?.len(),
        1,
        "sent again though the server had it"
    );
    assert_eq!(count(&sql, "letters where maybe_doubled").await?, 0);
    Ok(())
}

async fn the_sender_dies_when_the_server_may_have_it(alone: &Alone) -> anyhow::Result<()> {
    let (stack, address) = (&alone.stack, address("doubled"));
    being_sent(alone, &address).await?;
    stack.kill(NOTIFIER, Signal::Kill).await?;
    mail(stack)?.answer_late(false)?;
    stack.start_again(NOTIFIER).await?;
    let sql = alone.database().await?;
    // Its lease has to be over: 32 s.
    all_is_told(&sql).await?;
    assert_eq!(count(&sql, "letters where state = 'sent' and maybe_doubled").await?, 1);
    arrived(stack, &address, ASKS).await?;
    let sent = mails(stack, &address, ASKS)?;
    assert!(sent.len() <= 2, "{} copies", sent.len());
    let ids: Vec<_> = sent.iter().map(|mail| message_id(mail)).collect();
    assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    Ok(())
}

#[tokio::test]
async fn a_refusal_for_good_gives_up_and_one_for_now_is_tried_again() -> anyhow::Result<()> {
    if skipped() {
        return Ok(());
    }
    let alone = Alone::with(quick()).await?;
    let stack = &alone.stack;
    let (nobody, later) = (address("nobody"), address("later"));
    asks(&alone, &nobody).await?;
    asks(&alone, &later).await?;
    let sql = alone.database().await?;
    let answers = "select l.state, coalesce(l.answer, ''), l.attempt from letters l join recipients r on r.id = l.recipient_id \
                   where r.shortened like $1";
    until("550 gives up, 451 waits", async || {
        let rows = sql.query(answers, &[&"n…y@%"]).await?;
        let given_up = rows.iter().any(|row| row.get::<_, &str>(0) == "given-up");
        let rows = sql.query(answers, &[&"l…r@%"]).await?;
        let waits = rows
            .iter()
            .any(|row| row.get::<_, &str>(0) == "waiting" && row.get::<_, i32>(2) > 2);
        Ok(given_up && waits)
    })
    .await?;
    let said: String = sql.query_one(answers, &[&"n…y@%"]).await?.get(1);
    assert!(
        said.starts_with("recipient: 550 5.1.1 <n…y@") && !said.contains("nobody"),
        "{said}"
    );
    mail(stack)?.take_later(true)?;
    arrived(stack, &later, ASKS).await?;
    all_is_told(&sql).await?;
    assert_eq!(mails(stack, &later, ASKS)?.len(), 1);
    assert!(mails(stack, &nobody, "")?.is_empty());
    Ok(())
}

/// Greets, and then says nothing more to anybody.
async fn silent() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(b"220 silent.example ESMTP\r\n").await?;
                // EHLO, and whatever else comes, until the other side has enough.
                let mut lines = BufReader::new(stream).lines();
                while lines.next_line().await?.is_some() {}
                std::io::Result::Ok(())
            });
        }
    });
    Ok(port)
}

#[tokio::test]
async fn a_server_that_falls_silent_holds_up_nothing() -> anyhow::Result<()> {
    if skipped() {
        return Ok(());
    }
    let url = format!("smtp://127.0.0.1:{}?tls=none", silent().await?);
    let options = Options::fast()
        .with_mail()
        .with_env(NOTIFIER, "SMTP_URL", &url)
        .with_env(NOTIFIER, "CONCURRENCY", "1")
        .with_env(NOTIFIER, "SMTP_CONNECT_TIMEOUT", "1s");
    let alone = Alone::with(options).await?;
    // With one hand, a letter that hangs would keep the others from being tried.
    for number in 0..3 {
        asks(&alone, &address(&format!("silent{number}"))).await?;
    }
    let sql = alone.database().await?;
    until("each letter given back to wait, and tried again", async || {
        let answered = "letters where answer = 'connect: no answer within 1 s' and attempt > 1";
        Ok(count(&sql, answered).await? == 3)
    })
    .await?;
    assert_eq!(
        count(&sql, "letters where maybe_doubled or state <> 'waiting'").await?,
        0
    );
    Ok(())
}

/// Where notifier dies, and how many copies of the mail there are afterwards.
const PLACES: [(&str, usize); 5] = [
    ("before-send", 1),
    ("before-data", 1),
    // The server has it, and nobody has written that down (RFC 1047).
    ("before-record", 2),
    ("before-publish", 1),
    ("before-ack", 1),
];

#[tokio::test]
async fn a_mail_is_doubled_only_where_its_sender_dies_with_the_servers_yes() -> anyhow::Result<()> {
    if skipped() {
        return Ok(());
    }
    let points = CrashPoints::new()?;
    let options = quick()
        .with_env(NOTIFIER, "CRASH_POINTS", &points.folder())
        // Longer than all deaths together take, so that no letter is tried again meanwhile: a lease of 56 s.
        .with_env(NOTIFIER, "SMTP_DATA_TIMEOUT", "30s");
    let alone = Alone::with(options).await?;
    let stack = &alone.stack;
    let mut letters = Vec::new();
    for (place, copies) in PLACES {
        let (point, address) = (format!("send-mail@{place}"), address(place));
        points.arm(&point, "abort")?;
        asks(&alone, &address).await?;
        until(&format!("notifier dies {place}"), async || {
            let endpoints = stack.endpoints_now().await?;
            Ok(endpoints.process(NOTIFIER).is_some_and(|process| process.pid.is_none()))
        })
        .await?;
        ensure!(points.hit(&point).is_some(), "it died elsewhere than {place}");
        stack.start_again(NOTIFIER).await?;
        letters.push((place, address, copies));
    }
    let sql = alone.database().await?;
    // The leases of those that were not recorded have to be over.
    all_is_told(&sql).await?;
    for (place, address, copies) in &letters {
        until(&format!("{copies} of the mail whose sender died {place}"), async || {
            Ok(mails(stack, address, ASKS)?.len() >= *copies)
        })
        .await?;
        let sent = mails(stack, address, ASKS)?;
        assert_eq!(sent.len(), *copies, "{place}");
        assert!(
            sent.iter().all(|mail| message_id(mail) == message_id(&sent[0])),
            "{place}: {sent:#?}"
        );
    }
    // From the content on nobody can say whether the server has it.
    assert_eq!(count(&sql, "letters where maybe_doubled").await?, 2);
    Ok(())
}
