//! Between whole looks one server is asked for each record: what that saves, and that nothing is seen later for it. Counted in
//! looks, not in time.

use anyhow::Context as _;
use customer::status;
use stack::Options;
use tokio_postgres::Client;

use crate::delegation::challenge_name;
use crate::scrape::Scrape;
use crate::world::{Instance, World, domain, until, world};

/// At least two whole looks are among so many.
const LOOKS: i32 = 40;

/// Looks that follow one another at once, and time for a busy DNS server: one that is late makes a look whole.
fn options() -> Options {
    Options::fast()
        .with_env(
            "challenge-verifier",
            "SCHEDULE_VERIFY_CHALLENGE",
            "first=200ms,factor=1,max=200ms,deadline=1h,limit=15s",
        )
        .with_env("challenge-verifier", "DNS_TIMEOUT", "5s")
        .with_env("challenge-verifier", "HTTP_TIMEOUT", "5s")
}

/// How many looks at a domain were recorded as in vain, and whether it is proved.
async fn looks(sql: &Client, instance: &Instance, domain: &str) -> anyhow::Result<(i32, bool)> {
    let query = "select s.attempt, s.state = 'done' from steps s join operations o on o.id = s.operation_id \
                 where o.instance_id = $1 and s.kind = 'verify-challenge' and s.subject = $2";
    let row = sql.query_opt(query, &[&instance.id, &domain]).await?;
    Ok(row.map_or((0, false), |row| (row.get(0), row.get(1))))
}

async fn looked_at(sql: &Client, instance: &Instance, domain: &str, times: i32) -> anyhow::Result<()> {
    until(&format!("{domain} is looked at {times} times"), async || {
        Ok(looks(sql, instance, domain).await?.0 >= times)
    })
    .await
}

#[tokio::test]
async fn a_domain_that_nobody_sets_costs_few_questions_and_each_way_is_seen_at_the_next_look() -> anyhow::Result<()> {
    let world = World::own(options()).await?;
    let sql = world.sql().await?;
    few_questions(&world, &sql).await?;
    each_way_at_the_next_look(&world, &sql).await
}

/// All that were asked about the domain's own names; a whole look asks 5 there.
async fn few_questions(world: &World, sql: &Client) -> anyhow::Result<()> {
    let instance = world.create(&[domain("nobody")]).await?;
    let name = &instance.domains[0];
    looked_at(sql, &instance, name, LOOKS).await?;
    let (looks, _) = looks(sql, &instance, name).await?;
    let mut questions = 0;
    for label in ["", "_validation-persist.", "_acme-challenge."] {
        questions += world.dns.history(&format!("{label}{name}")).await?.len();
    }
    let looks = usize::try_from(looks)?;
    anyhow::ensure!(
        (2 * looks..=3 * looks).contains(&questions),
        "{questions} questions in {looks} looks"
    );
    let scrape = Scrape::of(&world.handle).await?;
    let of_depth = |depth| scrape.sum("domain_looks_total", &[("depth", depth)]);
    anyhow::ensure!(
        of_depth("glance") > 3.0 * (of_depth("whole") + of_depth("both")),
        "{scrape}"
    );
    Ok(())
}

async fn each_way_at_the_next_look(world: &World, sql: &Client) -> anyhow::Result<()> {
    let [persist, dns01, cname, redirect, moves] = ["persist", "dns01", "cname", "redirect", "moves"].map(domain);
    world.dns.add_a(&redirect, &[&world.origin()]).await?;
    let domains = [&persist, &dns01, &cname, &redirect, &moves].map(String::clone);
    let instance = world.create(&domains).await?;
    let told = world.told(&instance).await?;
    let value = |domain: &str| status::dns01_value(&told, domain).context("a TXT value in the status");
    let to = status::redirect_target(&told).context("a redirect in the status")?;
    // Only the old web server redirects it, where the domain doesn't lead yet.
    world.handle.redirect(&moves, Some(&to)).await?;
    for domain in &domains {
        looked_at(sql, &instance, domain, 3).await?;
    }

    world.set_persist(&told, &persist).await?;
    proved_within(1, sql, &instance, &persist).await?;
    world.dns.set_txt(&challenge_name(&dns01), &value(&dns01)?).await?;
    proved_within(1, sql, &instance, &dns01).await?;
    let target = format!("target.{cname}");
    world.dns.set_txt(&target, &value(&cname)?).await?;
    world.dns.set_cname(&challenge_name(&cname), &target).await?;
    proved_within(1, sql, &instance, &cname).await?;
    world.handle.redirect(&redirect, Some(&to)).await?;
    proved_within(1, sql, &instance, &redirect).await?;
    // A name is resolved again at every fourth look.
    world.dns.add_a(&moves, &[&world.origin()]).await?;
    proved_within(4, sql, &instance, &moves).await
}

/// What was set just now is seen by the look that is going on, or so many looks later.
async fn proved_within(later: i32, sql: &Client, instance: &Instance, domain: &str) -> anyhow::Result<()> {
    let (set_at, _) = looks(sql, instance, domain).await?;
    until(&format!("{domain} is proved"), async || {
        Ok(looks(sql, instance, domain).await?.1)
    })
    .await?;
    let (proved_at, _) = looks(sql, instance, domain).await?;
    anyhow::ensure!(
        proved_at <= set_at + later,
        "{domain} was set at look {set_at}, and proved at look {proved_at}"
    );
    Ok(())
}

#[tokio::test]
async fn caa_that_comes_later_is_told() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.create(&[domain("caa-later")]).await?;
    let name = &instance.domains[0];
    let told = world.told(&instance).await?;
    assert!(!told.contains("allows only"), "{told}");
    world.dns.add_caa(name, &[("issue", "other-ca.example")]).await?;
    world
        .says(&instance, &format!("CAA {name} allows only \"other-ca.example\""))
        .await?;
    Ok(())
}
