//! The operator's page in front of a whole broker: an instance is found by its domain, what it waits for is read, and what is done to it is
//! recorded with the person's name. Nobody looks twice at a domain by itself here.

use anyhow::{Context as _, ensure};
use customer::Answer;
use customer::platform::answer;
use reqwest::{Method, redirect};
use stack::Options;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::world::{Instance, PATIENCE, World, domain, organization, until};

/// What a browser sends with a form of the page.
const FROM_THE_PAGE: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("origin", "null")];

/// Each row of the tables that an operator's action changes.
const ALL: &str = "select md5(string_agg(line, ',' order by line)) from ( \
    select 'instances' || t::text as line from instances t union all select 'operations' || t::text from operations t \
    union all select 'steps' || t::text from steps t union all select 'claims' || t::text from claims t \
    union all select 'certificates' || t::text from certificates t union all select 'links' || t::text from page_links t \
    union all select 'audit' || t::text from audit_log t) lines";

struct Desk {
    world: World,
    /// Follows no redirects.
    http: reqwest::Client,
    sql: Client,
}

impl Desk {
    async fn start() -> anyhow::Result<Self> {
        let schedule = "first=1h,max=1h,jitter=0%,deadline=7d,limit=15s";
        let world = World::own(Options::fast().with_env("all", "SCHEDULE_VERIFY_CHALLENGE", schedule)).await?;
        Ok(Self {
            http: reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .pool_max_idle_per_host(0)
                .build()?,
            sql: world.sql().await?,
            world,
        })
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let e = self.world.handle.endpoints();
        self.http
            .request(method, format!("{}{path}", e.operator_url))
            .basic_auth(&e.operator_name, Some(&e.operator_password))
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let page = answer(self.request(Method::GET, path)).await?;
        ensure!(page.status == 200, "{path}: {} {}", page.status, page.text);
        Ok(page.text)
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)], form: String) -> anyhow::Result<Answer> {
        let mut request = self
            .request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    /// The form of the page that asks: what it sends.
    async fn asked(&self, path: &str) -> anyhow::Result<String> {
        let page = self.get(path).await?;
        let value = |name: &str| {
            let begin = format!("name=\"{name}\" value=\"");
            let rest = page.split(&begin).nth(1).with_context(|| page.clone())?;
            anyhow::Ok(rest.split('"').next().unwrap_or_default().to_owned())
        };
        Ok(format!("form={}&subject={}", value("form")?, value("subject")?))
    }

    /// Asks for an action and confirms it: what came of it.
    async fn does(&self, instance: &Instance, action: &str, more: &str) -> anyhow::Result<String> {
        let (path, query) = match action.split_once('?') {
            Some((action, query)) => (format!("/instances/{}/{action}", instance.id), format!("?{query}")),
            None => (format!("/instances/{}/{action}", instance.id), String::new()),
        };
        let form = self.asked(&format!("{path}{query}")).await?;
        let answer = self.send(&path, &FROM_THE_PAGE, format!("{form}{more}")).await?;
        ensure!(answer.status == 303, "{path}: {} {}", answer.status, answer.text);
        let to = answer.header("location").context("no location")?;
        let told = to.split_once("?told=").with_context(|| to.to_owned())?.1;
        Ok(told.to_owned())
    }

    async fn state(&self) -> anyhow::Result<String> {
        Ok(self.sql.query_one(ALL, &[]).await?.get(0))
    }
}

#[tokio::test]
async fn an_operator_finds_an_instance_and_acts_under_their_name() -> anyhow::Result<()> {
    let desk = Desk::start().await?;
    let org = organization();
    let waiting = desk.world.create_in(&org, &[domain("found")]).await?;
    let told = desk.world.told(&waiting).await?;

    it_is_found(&desk, &waiting, &org).await?;
    reading_changes_nothing(&desk, &waiting, &org).await?;
    only_the_page_itself_can_act(&desk, &waiting).await?;

    // The record is set, and nobody would look for an hour.
    desk.world.set_persist(&told, &waiting.domains[0]).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let last = desk.world.platform.last_operation(&waiting.id).await?;
        if last.state() == "succeeded" {
            break;
        }
        ensure!(
            last.state() == "in progress" && Instant::now() < deadline,
            "{}",
            last.text
        );
        // Between two steps nothing waits for a moment, when it is done.
        let came = desk.does(&waiting, "retry", "").await?;
        ensure!(["retried", "nothing-waits"].contains(&came.as_str()), "{came}");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }

    a_link_is_replaced(&desk, &waiting).await?;
    assert_eq!(desk.does(&waiting, "renew", "").await?, "renewal-begun");
    let came = desk
        .does(&waiting, &format!("release?subject={}", waiting.domains[0]), "")
        .await?;
    assert_eq!(came, "released");
    let page = desk.get(&format!("/instances/{}", waiting.id)).await?;
    assert!(!page.contains("/release?"), "{page}");

    one_that_runs_is_cancelled(&desk).await?;
    everything_is_in_the_audit_log(&desk, &waiting).await
}

async fn it_is_found(desk: &Desk, instance: &Instance, org: &str) -> anyhow::Result<()> {
    let name = instance.domains[0].as_str();
    let link = format!("<a href=\"/instances/{}\">", instance.id);
    let (_, parent) = name.split_once('.').context("a name below another")?;
    for sought in [name, parent, &format!("*.{parent}"), &instance.id[..8], org] {
        let found = desk.get(&format!("/search?q={sought}")).await?;
        assert!(found.contains(&link), "{sought}: {found}");
    }
    let other = desk.get(&format!("/search?q=x{name}")).await?;
    assert!(!other.contains(&link) && other.contains("Nothing found"), "{other}");
    // It is counted within 10 s, which is how old the numbers may be.
    until("the overview counts it", async || {
        Ok(desk.get("/").await?.contains("/running?step=verify-challenge"))
    })
    .await?;
    for list in ["/running", "/running?whose=users", "/running?step=verify-challenge"] {
        let page = desk.get(list).await?;
        assert!(page.contains(&link), "{list}: {page}");
    }
    let machines = desk.get("/running?whose=machines").await?;
    assert!(!machines.contains(&link), "{machines}");
    let page = desk.get(&format!("/instances/{}", instance.id)).await?;
    for words in [name, org, "verify-challenge", "nothing found yet", "Retry what waits"] {
        assert!(page.contains(words), "no {words} in {page}");
    }
    Ok(())
}

async fn reading_changes_nothing(desk: &Desk, instance: &Instance, org: &str) -> anyhow::Result<()> {
    let before = desk.state().await?;
    let place = format!("/instances/{}", instance.id);
    let all = ["retry", "renew", "cancel", "new-link"].map(|action| format!("{place}/{action}"));
    let search = format!("/search?q={org}");
    for path in ["/", "/failed", "/certificates", "/trouble", "/audit", &search, &place] {
        desk.get(path).await?;
    }
    for path in &all {
        desk.get(path).await?;
    }
    // What can't be done is said on the instance's page.
    let release = answer(desk.request(Method::GET, &format!("{place}/release?subject=elsewhere.test"))).await?;
    assert_eq!(
        (release.status, release.header("location")),
        (303, Some(format!("{place}?told=not-held").as_str()))
    );
    for (method, path, status) in [
        (Method::GET, "/instances/nobody".to_owned(), 404),
        (Method::GET, "/instances/nobody/retry".to_owned(), 404),
        (Method::GET, format!("{place}/reboot"), 404),
        (Method::GET, format!("{place}%00"), 404),
        (Method::GET, "/running?step=reboot-the-moon".to_owned(), 404),
        (Method::POST, place.clone(), 405),
    ] {
        let refused = answer(desk.request(method, &path)).await?;
        assert_eq!(refused.status, status, "{path}: {}", refused.text);
    }
    assert_eq!(desk.state().await?, before);
    Ok(())
}

async fn only_the_page_itself_can_act(desk: &Desk, instance: &Instance) -> anyhow::Result<()> {
    let before = desk.state().await?;
    let path = format!("/instances/{}/cancel", instance.id);
    let form = format!("{}&why=no", desk.asked(&path).await?);
    for headers in [
        &[][..],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site"), ("origin", "null")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
    ] {
        let refused = desk.send(&path, headers, form.clone()).await?;
        assert_eq!(refused.status, 403, "{headers:?}: {}", refused.text);
    }
    let of_retry = desk.asked(&format!("/instances/{}/retry", instance.id)).await?;
    let (token, _) = form.split_once("&subject=").context("a form")?;
    for (what, form) in [
        ("another action's", format!("{of_retry}&why=no")),
        (
            "of another operation",
            format!("{token}&subject=00000000-0000-0000-0000-000000000001&why=no"),
        ),
        ("no token", "form=&subject=&why=no".to_owned()),
        ("no form", String::new()),
    ] {
        let refused = desk.send(&path, &FROM_THE_PAGE, form).await?;
        assert_eq!(refused.status, 403, "{what}: {}", refused.text);
    }
    let e = desk.world.handle.endpoints();
    let platform = desk
        .http
        .get(format!("{}/", e.operator_url))
        .basic_auth(&e.broker_username, Some(&e.broker_password));
    assert_eq!(answer(platform).await?.status, 401, "the platform is no operator");
    // A reason is needed, and the operation goes on without one.
    assert_eq!(desk.does(instance, "cancel", "&why=+").await?, "no-reason");
    assert_eq!(desk.state().await?, before);
    Ok(())
}

async fn a_link_is_replaced(desk: &Desk, instance: &Instance) -> anyhow::Result<()> {
    let link = async || {
        let page = desk.get(&format!("/instances/{}", instance.id)).await?;
        let begin = format!("<a href=\"{}/i/", desk.world.handle.endpoints().broker_url);
        let rest = page.split(&begin).nth(1).with_context(|| page.clone())?;
        let path = rest.split('"').next().unwrap_or_default();
        anyhow::Ok(format!("{}/i/{path}", desk.world.handle.endpoints().broker_url))
    };
    let old = link().await?;
    assert_eq!(desk.does(instance, "new-link", "").await?, "new-link");
    let new = link().await?;
    assert_eq!(answer(desk.http.get(&old)).await?.status, 404);
    assert_eq!(answer(desk.http.get(&new)).await?.status, 200);
    Ok(())
}

async fn one_that_runs_is_cancelled(desk: &Desk) -> anyhow::Result<()> {
    let instance = desk.world.create(&[domain("cancelled")]).await?;
    desk.world.told(&instance).await?;
    assert_eq!(desk.does(&instance, "cancel", "&why=not+tonight").await?, "cancelled");
    let last = desk.world.platform.last_operation(&instance.id).await?;
    assert_eq!(last.state(), "failed");
    assert!(
        last.description().contains("Cancelled by the operator: not tonight."),
        "{}",
        last.text
    );
    let link = format!("<a href=\"/instances/{}\">", instance.id);
    for list in [
        "/failed",
        "/failed?operation=provision&why=cancelled%20by%20the%20operator",
    ] {
        let page = desk.get(list).await?;
        assert!(
            page.contains(&link) && page.contains("cancelled by the operator"),
            "{list}: {page}"
        );
    }
    let others = desk
        .get("/failed?operation=update&why=cancelled%20by%20the%20operator")
        .await?;
    assert!(!others.contains(&link), "{others}");
    Ok(())
}

async fn everything_is_in_the_audit_log(desk: &Desk, instance: &Instance) -> anyhow::Result<()> {
    let who = &desk.world.handle.endpoints().operator_name;
    let log = desk.get("/audit").await?;
    let page = desk.get(&format!("/instances/{}", instance.id)).await?;
    for (where_, text) in [("the log", &log), ("the instance", &page)] {
        let entries = text.matches(&format!(">{who}</td>")).count();
        ensure!(
            entries >= 4,
            "{where_}: {entries} entries of retry, new link, release and renew in {text}"
        );
    }
    let row = desk
        .sql
        .query_one(
            "select count(*), count(*) filter (where who = $1) from audit_log",
            &[who],
        )
        .await?;
    let (all, theirs): (i64, i64) = (row.get(0), row.get(1));
    // And the cancellation.
    assert!(all >= 5 && all == theirs, "{theirs} of {all}");
    Ok(())
}
