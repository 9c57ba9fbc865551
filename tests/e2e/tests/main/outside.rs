//! "Check from outside" on the status page: challenge-verifier looks at the domains as a visitor would, and the page shows what it saw.
//! Forms are sent as browsers send them, without a script.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use customer::Answer;
use customer::platform::answer;
use page_keys::PageKeys;
use reqwest::redirect;
use serde_json::json;
use stack::{Options, Signal};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::live_page::Live;
use crate::world::{Instance, PATIENCE, World, domain, organization, until};

/// What a browser sends with a form of a page that has `Referrer-Policy: no-referrer`.
const FROM_THE_PAGE: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("origin", "null")];
const VERIFIER: &str = "challenge-verifier-1";
const BUTTON: &str = ">Check from outside</button>";

struct Scene {
    world: World,
    /// Follows no redirects.
    http: reqwest::Client,
    sql: Client,
}

/// A service, and its page.
struct Service {
    instance: Instance,
    link: String,
}

/// The row of its check.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    asked_at: String,
    attempts: i32,
    is_done: bool,
    result: Option<String>,
}

impl Service {
    fn domain(&self) -> &str {
        &self.instance.domains[0]
    }
}

impl Scene {
    async fn start(options: Options) -> anyhow::Result<Self> {
        let world = World::own(options).await?;
        Ok(Self {
            http: reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .pool_max_idle_per_host(0)
                .build()?,
            sql: world.sql().await?,
            world,
        })
    }

    /// A service that was asked for, and nothing is set for it yet.
    async fn asked_for(&self, label: &str) -> anyhow::Result<Service> {
        let (id, domains) = (Uuid::new_v4().to_string(), vec![domain(label)]);
        let parameters = json!({"domains": domains});
        let begun = self.world.platform.provision(&id, &organization(), parameters).await?;
        let link = begun.dashboard_url().context("no dashboard_url")?.to_owned();
        let instance = Instance { id, domains };
        Ok(Service { instance, link })
    }

    async fn becomes_ready(&self, service: &Service) -> anyhow::Result<()> {
        let told = self.world.told(&service.instance).await?;
        self.world.set_persist(&told, service.domain()).await?;
        self.world.platform.succeeded(&service.instance.id, PATIENCE).await?;
        Ok(())
    }

    async fn get(&self, url: &str) -> anyhow::Result<Answer> {
        answer(self.http.get(url)).await
    }

    async fn visit(&self, url: &str) -> anyhow::Result<String> {
        let page = self.get(url).await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text);
        Ok(page.text)
    }

    /// What a form on the page contains.
    fn token(&self, service: &Service) -> anyhow::Result<String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let keys = PageKeys::parse(&self.world.handle.endpoints().page_keys)?;
        Ok(keys.form_token(&service.instance.id, 1, i64::try_from(now.as_secs())?))
    }

    async fn send(&self, link: &str, headers: &[(&str, &str)], form: String) -> anyhow::Result<Answer> {
        let mut request = self
            .http
            .post(format!("{link}/outside"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    /// Presses the button: what came of it, and the page to which the browser goes.
    async fn press(&self, service: &Service, echo: &str) -> anyhow::Result<(String, String)> {
        let form = format!("echo={echo}&form={}", self.token(service)?);
        let answer = self.send(&service.link, &FROM_THE_PAGE, form).await?;
        ensure!(answer.status == 303, "{} {}", answer.status, answer.text);
        let to = answer.header("location").context("no location")?;
        let path = service.link.split_at(self.world.handle.endpoints().broker_url.len()).1;
        let outcome = to
            .strip_prefix(&format!("{path}?outside="))
            .and_then(|rest| rest.strip_suffix("#distribution"));
        let outcome = outcome.with_context(|| to.to_owned())?;
        let page = self.visit(&format!("{}?outside={outcome}", service.link)).await?;
        Ok((outcome.to_owned(), page))
    }

    async fn row(&self, service: &Service) -> anyhow::Result<Option<Row>> {
        let sql = "select asked_at::text, attempts, done_at is not null, result::text from outside_checks where instance_id = $1";
        let row = self.sql.query_opt(sql, &[&service.instance.id]).await?;
        Ok(row.map(|row| Row {
            asked_at: row.get(0),
            attempts: row.get(1),
            is_done: row.get(2),
            result: row.get(3),
        }))
    }

    async fn change(&self, service: &Service, set: &str) -> anyhow::Result<()> {
        let sql = format!("update outside_checks set {set} where instance_id = $1");
        let changed = self.sql.execute(&sql, &[&service.instance.id]).await?;
        ensure!(changed == 1, "{changed} rows");
        Ok(())
    }

    /// A minute goes by, as far as checks are concerned.
    async fn a_minute_later(&self, service: &Service) -> anyhow::Result<()> {
        self.change(service, "asked_at = asked_at - interval '1 minute'").await
    }

    /// The page, once the check that was asked for is done.
    async fn done(&self, service: &Service) -> anyhow::Result<String> {
        until("the check is done", async || {
            Ok(self.row(service).await?.is_some_and(|row| row.is_done))
        })
        .await?;
        self.visit(&service.link).await
    }
}

#[tokio::test]
async fn a_tenant_has_its_domains_looked_at_from_outside() -> anyhow::Result<()> {
    let scene = Scene::start(Options::fast()).await?;
    let service = scene.asked_for("outside").await?;
    there_is_nothing_to_look_at_yet(&scene, &service).await?;
    scene.becomes_ready(&service).await?;
    an_open_page_shows_what_was_seen(&scene, &service).await?;
    once_a_minute_is_often_enough(&scene, &service).await?;
    a_domain_that_leads_elsewhere_is_told(&scene, &service).await?;
    what_the_app_gets_is_seen_at_a_path_that_says_so(&scene, &service).await?;
    only_the_page_itself_can_ask(&scene, &service).await?;
    whoever_takes_it_may_die(&scene, &service).await
}

async fn there_is_nothing_to_look_at_yet(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    let page = scene.visit(&service.link).await?;
    assert!(!page.contains(BUTTON), "{page}");
    let (outcome, page) = scene.press(service, "").await?;
    assert_eq!(outcome, "nothing-there");
    assert!(
        page.contains("There is no distribution yet that could be checked"),
        "{page}"
    );
    assert_eq!(scene.row(service).await?, None);
    Ok(())
}

async fn an_open_page_shows_what_was_seen(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    let page = scene.visit(&service.link).await?;
    assert!(page.contains(BUTTON), "{page}");
    let mut live = Live::open(&service.link).await?;
    let (outcome, _) = scene.press(service, "").await?;
    assert_eq!(outcome, "asked");
    live.told("<p>It is served.</p>").await?;
    let page = scene.done(service).await?;
    for seen in [
        "<p>It is served.</p>",
        "<li>DNS: has the addresses of the distribution.</li>",
        "by Pebble",
        "<li>Answer: HTTP 200.</li>",
        "<li>Cache: ",
        ">Served</span>",
        "It can be asked for again from ",
    ] {
        assert!(page.contains(seen), "{seen}: {page}");
    }
    assert!(!page.contains(BUTTON), "{page}");
    let row = scene.row(service).await?.context("a row")?;
    assert_eq!(row.attempts, 1);
    Ok(())
}

async fn once_a_minute_is_often_enough(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    let before = scene.row(service).await?;
    let (outcome, page) = scene.press(service, "").await?;
    assert_eq!(outcome, "too-soon");
    assert!(
        page.contains("It is too soon for another check from outside."),
        "{page}"
    );
    let (outcome, _) = scene.press(service, "no-slash").await?;
    assert_eq!(outcome, "no-path");
    assert_eq!(scene.row(service).await?, before);
    Ok(())
}

async fn a_domain_that_leads_elsewhere_is_told(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    scene.world.dns.add_a(service.domain(), &["127.0.0.9"]).await?;
    scene.a_minute_later(service).await?;
    assert_eq!(scene.press(service, "").await?.0, "asked");
    let page = scene.done(service).await?;
    assert!(
        page.contains("<p>It points at 127.0.0.9: replace its A and AAAA records by a CNAME record, name "),
        "{page}"
    );
    assert!(page.contains(">Not as it should be</span>"), "{page}");
    scene.world.dns.clear_a(service.domain()).await
}

async fn what_the_app_gets_is_seen_at_a_path_that_says_so(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    scene.a_minute_later(service).await?;
    assert_eq!(scene.press(service, "%2Fheaders").await?.0, "asked");
    let page = scene.done(service).await?;
    let host = format!("<li>Host: your app gets {}.</li>", service.domain());
    assert!(page.contains(&host), "{page}");
    assert!(
        page.contains("<li>X-Forwarded-For: your app gets 127.0.0.1.</li>"),
        "{page}"
    );
    Ok(())
}

async fn only_the_page_itself_can_ask(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    scene.a_minute_later(service).await?;
    let before = scene.row(service).await?;
    let form = format!("form={}", scene.token(service)?);
    for headers in [
        &[][..],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site"), ("origin", "null")],
    ] {
        let refused = scene.send(&service.link, headers, form.clone()).await?;
        assert_eq!(refused.status, 403, "{headers:?}: {}", refused.text);
    }
    let keys = PageKeys::parse(&scene.world.handle.endpoints().page_keys)?;
    for token in [keys.token(&service.instance.id, 1), String::new()] {
        let refused = scene
            .send(&service.link, &FROM_THE_PAGE, format!("form={token}"))
            .await?;
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    let forged = scene.send(&format!("{}x", service.link), &FROM_THE_PAGE, form).await?;
    assert_eq!(forged.status, 404, "{}", forged.text);
    let nothing = scene.get(&format!("{}/outside", service.link)).await?;
    assert_eq!((nothing.status, nothing.text), (404, forged.text));
    assert_eq!(scene.row(service).await?, before);
    Ok(())
}

/// While nobody does checks the page says so; what somebody has taken who died is taken again.
async fn whoever_takes_it_may_die(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    let before = scene.row(service).await?.context("a row")?;
    scene.world.handle.kill(VERIFIER, Signal::Kill).await?;
    let (outcome, page) = scene.press(service, "").await?;
    assert_eq!(outcome, "asked");
    assert!(page.contains(": it begins in a moment."), "{page}");
    assert!(page.contains("The domains are looked at from outside."), "{page}");
    assert_eq!(scene.press(service, "").await?.0, "under-way");
    let row = scene.row(service).await?.context("a row")?;
    assert_eq!((row.is_done, row.attempts), (false, 0));
    assert_eq!(row.result, before.result, "what was seen before stays");

    scene
        .change(service, "asked_at = now() - interval '31 seconds'")
        .await?;
    let page = scene.visit(&service.link).await?;
    assert!(page.contains("no process of the broker has taken it yet"), "{page}");
    scene
        .change(service, "attempts = 1, taken_at = now() - interval '31 seconds'")
        .await?;
    let page = scene.visit(&service.link).await?;
    assert!(page.contains("They are looked at again."), "{page}");

    scene.world.handle.start_again(VERIFIER).await?;
    let page = scene.done(service).await?;
    assert!(page.contains("<p>It is served.</p>"), "{page}");
    let row = scene.row(service).await?.context("a row")?;
    assert_eq!(row.attempts, 2);
    assert_ne!(row.result, before.result);
    Ok(())
}

/// Names are tenants', and can lead anywhere: the check connects to nothing that isn't outside.
#[tokio::test]
async fn a_check_from_outside_connects_to_no_private_address() -> anyhow::Result<()> {
    let inside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = inside.local_addr()?.port().to_string();
    let options = Options::fast()
        .with_env("challenge-verifier", "ALLOW_PRIVATE_ADDRESSES", "false")
        .with_env("challenge-verifier", "HTTP01_TLS_PORT", &port);
    let scene = Scene::start(options).await?;
    let service = scene.asked_for("inside").await?;
    scene.becomes_ready(&service).await?;
    for addresses in [&["127.0.0.1"][..], &["127.0.0.1", "10.0.0.1", "169.254.169.254"]] {
        scene.world.dns.add_a(service.domain(), addresses).await?;
        assert_eq!(scene.press(&service, "").await?.0, "asked");
        let page = scene.done(&service).await?;
        assert!(
            page.contains("<li>TLS: not tried, since no address is one that can be connected to from outside.</li>"),
            "{page}"
        );
        scene.a_minute_later(&service).await?;
        scene.world.dns.clear_a(service.domain()).await?;
    }
    let connected = timeout(Duration::ZERO, inside.accept()).await;
    assert!(connected.is_err(), "{connected:?}");
    Ok(())
}
