//! Sign-in with the platform to status pages: a broker-api of the test's own, whose platforms have a Cloud Controller (a table) and an OpenID
//! provider (a real one), and browsers of several users.

mod browser;
mod cloud_controller;
mod provider;

use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use customer::{Answer, Platform};
use page_keys::PageKeys;
use reqwest::{Method, Url};
use serde_json::json;
use stack::program;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use self::browser::Browser;
use self::cloud_controller::{CloudController, May};
use self::provider::{CLIENT, Provider, SECRET};
use crate::world::{PATIENCE, domain, organization, until, world};

const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const BROWSER_COOKIE: &str = "__Host-cdn-broker-browser";

/// The parts, until the end of the test.
struct Site {
    url: String,
    /// Its users sign in.
    eu: Platform,
    /// Another one, with the same Cloud Controller.
    us: Platform,
    /// One that has none.
    other: Platform,
    cloud_controller: CloudController,
    _provider: Provider,
    _broker: Child,
    folder: TempDir,
}

impl Site {
    /// A sign-in lasts for so long.
    async fn start(lifetime: &str) -> anyhow::Result<Self> {
        let listen = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let url = format!("http://{listen}");
        let provider = Provider::start(&["cf-eu", "cf-us"].map(|name| format!("{url}/sign-in/done/{name}"))).await?;
        let cloud_controller = CloudController::start(&provider.url).await?;
        let folder = tempfile::tempdir()?;
        let client = json!({"id": CLIENT, "secret_file": "client", "api": cloud_controller.url});
        let eu = json!({"id": CLIENT, "secret_file": "client", "api": cloud_controller.url, "formerly": ["before"]});
        let platforms = json!({"platforms": [
            {"name": "cf-eu", "username": "eu", "password": "hunter2-eu", "dashboard_client": eu},
            {"name": "cf-us", "username": "us", "password": "hunter2-us", "dashboard_client": client},
            {"name": "other", "username": "other", "password": "hunter2-other"},
        ]});
        std::fs::write(folder.path().join("client"), format!("{SECRET}\n"))?;
        std::fs::write(folder.path().join("credentials.json"), platforms.to_string())?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let e = world().await.handle.endpoints();
        let broker = Command::new(program("broker-api")?)
            .envs(stack::FAST.iter().copied())
            .env("LISTEN", listen.to_string())
            .env("HEALTH_LISTEN", "127.0.0.1:0")
            .env("DATABASE_URL", &e.database_url)
            .env("AMQP_URL", &e.amqp_url)
            .env("ACME_RESPONDER_URL", &e.responder_url)
            .env("DEFAULT_ORIGIN", "origin.cdn.test")
            .env("BROKER_CREDENTIALS_FILE", folder.path().join("credentials.json"))
            .env("PAGES_URL", &url)
            .env("PAGE_KEYS", KEYS)
            .env("SIGN_IN_LIFETIME", lifetime)
            .env("RUST_LOG", "trace")
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()?;
        let site = Self {
            eu: Platform::new(&url, "eu", "hunter2-eu")?,
            us: Platform::new(&url, "us", "hunter2-us")?,
            other: Platform::new(&url, "other", "hunter2-other")?,
            url,
            cloud_controller,
            _provider: provider,
            _broker: broker,
            folder,
        };
        // It serves before it has looked at the schema, and answers 503 until then; its doctor speaks afterwards.
        until("broker-api serves", async || {
            Ok(site.log()?.contains("doctor: ") && reqwest::get(format!("{}/healthz", site.url)).await.is_ok())
        })
        .await?;
        Ok(site)
    }

    fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("log"))?)
    }

    /// A new instance, and its page's address as the platform is told it.
    async fn made(&self, platform: &Platform) -> anyhow::Result<(String, String)> {
        let id = Uuid::new_v4().to_string();
        let parameters = json!({"domains": [domain("sign-in")]});
        let begun = platform.provision(&id, &organization(), parameters).await?;
        ensure!(begun.status == 202, "{} {}", begun.status, begun.text);
        let page = begun.dashboard_url().context("no dashboard_url")?.to_owned();
        Ok((id, page))
    }

    fn done(&self) -> String {
        format!("{}/sign-in/done/cf-eu?", self.url)
    }

    /// The cookies that this browser has of the broker, but for the one that tells it from others.
    fn sessions<'b>(&self, browser: &'b Browser) -> Vec<(&'b str, &'b str)> {
        let jar = browser.cookies.get(&self.url).into_iter().flatten();
        jar.map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| *name != BROWSER_COOKIE)
            .collect()
    }
}

/// Whether it is the page of this instance.
fn is_page(answer: &Answer, id: &str) -> bool {
    answer.status == 200 && answer.text.contains(&format!("/{id}\">Reload</a>"))
}

#[tokio::test]
async fn whoever_may_see_the_instance_at_the_platform_sees_its_page_and_nobody_else() -> anyhow::Result<()> {
    let site = Site::start("10m").await?;
    let (id, page) = the_platform_is_told(&site).await?;
    site.cloud_controller.lets("alice", &id, May::Manage);
    site.cloud_controller.lets("bob", &id, May::Read);
    site.cloud_controller.lets("carol", &id, May::Nothing);

    let (alice, brought) = who_manages_presses(&site, &page, &id).await?;
    who_reads_does_not(&site, &page, &id).await?;
    who_may_not_read_learns_nothing(&site, &page).await?;
    a_sign_in_ends_once_where_it_was_begun(&site, &page).await?;
    a_code_is_shown_to_the_platform_of_its_address_alone(&site, &id).await?;
    a_session_is_of_one_instance(&site, &alice).await?;
    another_platform_has_no_say(&site, &id).await?;
    without_a_word_nobody_comes_in(&site, &page).await?;

    let log = site.log()?;
    ensure!(
        log.contains("/s/{platform}/{id}") && log.contains("DEBUG"),
        "everything is logged"
    );
    // Its doctor has tried both platforms.
    ensure!(!log.contains("can't sign in to status pages"), "the doctor warns");
    let tokens = site.cloud_controller.tokens();
    ensure!(!tokens.is_empty());
    let cookies: Vec<&str> = alice.cookies[&site.url].values().map(String::as_str).collect();
    let brought = brought.iter().map(String::as_str);
    let secrets = tokens.iter().map(String::as_str).chain(cookies).chain(brought);
    for secret in secrets.chain([SECRET]) {
        ensure!(!log.contains(secret), "{secret} is in the log");
    }
    Ok(())
}

async fn the_platform_is_told(site: &Site) -> anyhow::Result<(String, String)> {
    let catalog = async |platform: &Platform| platform.call(Method::GET, "/v2/catalog", None).await;
    let client = json!({"id": CLIENT, "secret": SECRET, "redirect_uri": format!("{}/sign-in/done/cf-eu", site.url)});
    assert_eq!(catalog(&site.eu).await?.body["services"][0]["dashboard_client"], client);
    let without = catalog(&site.other).await?;
    assert!(
        without.body["services"][0].get("dashboard_client").is_none(),
        "{}",
        without.text
    );

    let (id, page) = site.made(&site.eu).await?;
    assert_eq!(page, format!("{}/s/cf-eu/{id}", site.url));
    let (_, link) = site.made(&site.other).await?;
    assert!(link.starts_with(&format!("{}/i/", site.url)), "{link}");
    Ok((id, page))
}

async fn who_manages_presses(site: &Site, page: &str, id: &str) -> anyhow::Result<(Browser, Vec<String>)> {
    let mut alice = Browser::of("alice")?;
    let sent = alice.get(page).await?;
    ensure!(sent.status == 303, "{} {}", sent.status, sent.text);
    let cookie = sent.header("set-cookie").context("no cookie")?;
    ensure!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    let to = Url::parse(sent.header("location").context("no location")?)?;
    let asks: Vec<(String, String)> = to.query_pairs().into_owned().collect();
    let has = |name: &str, value: &str| asks.iter().any(|(known, said)| known == name && said == value);
    ensure!(has("scope", "openid cloud_controller_service_permissions.read"), "{to}");
    ensure!(
        has("response_type", "code") && has("code_challenge_method", "S256"),
        "{to}"
    );

    let done = alice.sent_to(page, &site.done()).await?;
    let back = alice.get(&done).await?;
    ensure!(back.status == 303, "{} {}", back.status, back.text);
    let cookie = back.header("set-cookie").context("no cookie")?;
    ensure!(
        cookie.ends_with("; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let path = page.strip_prefix(&site.url).context("the page's path")?;
    assert_eq!(back.header("location"), Some(path));
    // The button is there as soon as the domain waits.
    let mut shown = alice.visit(page).await?;
    let deadline = Instant::now() + PATIENCE;
    while !shown.text.contains(" id=\"check\"") {
        ensure!(is_page(&shown, id) && Instant::now() < deadline, "{}", shown.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
        shown = alice.visit(page).await?;
    }
    let token = shown.text.split("name=\"form\" value=\"").nth(1).context("no form")?;
    let token = token.split('"').next().unwrap_or_default();
    let form = format!("domain=nothing.example.com&form={token}");
    let pressed = alice.post(&format!("{page}/check"), form).await?;
    assert_eq!(
        pressed.header("location"),
        Some(format!("{path}?check=nothing-waits#at-nothing.example.com").as_str())
    );
    let records = alice.get(&format!("{page}/records.zone")).await?;
    ensure!(records.status == 200, "{} {}", records.status, records.text);
    let done = Url::parse(&done)?;
    let brought = done.query_pairs().into_owned().map(|(_, value)| value);
    Ok((alice, brought.filter(|value| !value.starts_with("http")).collect()))
}

async fn who_reads_does_not(site: &Site, page: &str, id: &str) -> anyhow::Result<()> {
    let mut bob = Browser::of("bob")?;
    let shown = bob.visit(page).await?;
    ensure!(is_page(&shown, id), "{} {}", shown.status, shown.text);
    ensure!(
        !shown.text.contains("<form") && !shown.text.contains("Check now"),
        "{}",
        shown.text
    );
    // As good a token as there is.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let token = PageKeys::parse(KEYS)?.form_token(id, 0, i64::try_from(now)?);
    let form = format!("domain=nothing.example.com&form={token}");
    let pressed = bob.post(&format!("{page}/check"), form.clone()).await?;
    ensure!(pressed.status == 403, "{} {}", pressed.status, pressed.text);
    ensure!(pressed.text.contains("and not change it"), "{}", pressed.text);
    // Without a sign-in it is no better.
    let pressed = Browser::of("bob")?.post(&format!("{page}/check"), form).await?;
    ensure!(
        pressed.status == 403 && pressed.header("location").is_none(),
        "{}",
        pressed.text
    );
    for below in ["", "/live"] {
        let fetched = Browser::of("bob")?.fetch(&format!("{page}{below}")).await?;
        ensure!(
            fetched.status == 403 && fetched.header("location").is_none(),
            "{}",
            fetched.text
        );
    }
    ensure!(site.sessions(&bob).len() == 1);
    Ok(())
}

async fn who_may_not_read_learns_nothing(site: &Site, page: &str) -> anyhow::Result<()> {
    let unknown = format!("{}/s/cf-eu/{}", site.url, Uuid::new_v4());
    let mut first = Vec::new();
    for url in [page, &unknown] {
        let mut carol = Browser::of("carol")?;
        let sent = carol.get(url).await?;
        let to = sent.header("location").context("it leads nowhere")?;
        first.push((sent.status, to.split('?').next().unwrap_or_default().to_owned()));
        let refused = carol.visit(url).await?;
        let nothing = carol.get(&format!("{}/i/a/b", site.url)).await?;
        ensure!(refused.status == 404, "{url}: {} {}", refused.status, refused.text);
        ensure!(refused.text == nothing.text, "{}", refused.text);
        ensure!(site.sessions(&carol).is_empty());
    }
    ensure!(first[0] == first[1], "{first:?}");
    for nowhere in [
        "/s/nobody/i1",
        "/s/cf-eu/..",
        "/s/cf-eu",
        "/s/",
        "/sign-in",
        "/sign-in/",
        "/sign-in/x",
    ] {
        let nothing = Browser::of("carol")?.get(&format!("{}{nowhere}", site.url)).await?;
        ensure!(nothing.status == 404, "{nowhere}: {}", nothing.status);
    }
    Ok(())
}

async fn a_sign_in_ends_once_where_it_was_begun(site: &Site, page: &str) -> anyhow::Result<()> {
    let mut alice = Browser::of("alice")?;
    let done = alice.sent_to(page, &site.done()).await?;
    let url = Url::parse(&done)?;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let with = |name: &str, change: &dyn Fn(&str) -> String| {
        let mut other = url.clone();
        let changed = pairs
            .iter()
            .map(|(known, value)| (known, if known == name { change(value) } else { value.clone() }));
        other.query_pairs_mut().clear().extend_pairs(changed);
        other.to_string()
    };
    let refused = async |browser: &mut Browser, url: &str| -> anyhow::Result<()> {
        let answer = browser.get(url).await?;
        ensure!(answer.status == 403, "{url}: {} {}", answer.status, answer.text);
        ensure!(answer.text.contains("You are not signed in"), "{}", answer.text);
        ensure!(site.sessions(browser).is_empty(), "{url}");
        Ok(())
    };
    // In a browser that has begun nothing, and in one that has begun a sign-in of its own.
    refused(&mut Browser::of("mallory")?, &done).await?;
    let mut mallory = Browser::of("mallory")?;
    mallory.sent_to(page, &site.done()).await?;
    refused(&mut mallory, &done).await?;
    refused(&mut alice, &with("state", &|state| format!("{state}x"))).await?;
    refused(&mut alice, &with("state", &|state| state.replacen("k1.1", "k1.2", 1))).await?;
    refused(
        &mut alice,
        &with("iss", &|_| "https://uaa.elsewhere.example".to_owned()),
    )
    .await?;
    refused(&mut alice, &site.done()).await?;
    let mut declines = Browser::of("declines")?;
    let declined = declines.sent_to(page, &site.done()).await?;
    ensure!(declined.contains("error=access_denied"), "{declined}");
    refused(&mut declines, &declined).await?;

    // None of these has used up the code.
    let back = alice.get(&done).await?;
    ensure!(back.status == 303, "{} {}", back.status, back.text);
    let replayed = alice.get(&done).await?;
    ensure!(replayed.status == 403, "{} {}", replayed.status, replayed.text);
    // A code of one sign-in in another one: the verifier is not its own.
    let mut alice = Browser::of("alice")?;
    let one = alice.sent_to(page, &site.done()).await?;
    let other = alice.sent_to(page, &site.done()).await?;
    let parameter = |url: &str, name: &str| -> anyhow::Result<String> {
        let url = Url::parse(url)?;
        let found = url.query_pairs().find(|(known, _)| known == name);
        Ok(found.context("no such parameter")?.1.into_owned())
    };
    let mut mixed = Url::parse(&one)?;
    mixed
        .query_pairs_mut()
        .clear()
        .append_pair("code", &parameter(&one, "code")?)
        .append_pair("state", &parameter(&other, "state")?);
    refused(&mut alice, mixed.as_str()).await
}

/// A platform that would have another one's code sends a browser that has begun with itself there (RFC 9700 §4.4).
async fn a_code_is_shown_to_the_platform_of_its_address_alone(site: &Site, id: &str) -> anyhow::Result<()> {
    let mut alice = Browser::of("alice")?;
    let own = format!("{}/sign-in/done/cf-us", site.url);
    let done = alice
        .sent_to(&format!("{}/s/cf-us/{id}", site.url), &format!("{own}?"))
        .await?;
    let brought = done.strip_prefix(&own).context("its query")?;
    let asked = site.cloud_controller.tokens().len();
    let answer = alice.get(&format!("{}/sign-in/done/cf-eu{brought}", site.url)).await?;
    ensure!(answer.status == 403, "{} {}", answer.status, answer.text);
    ensure!(answer.text.contains("You are not signed in"), "{}", answer.text);
    ensure!(site.sessions(&alice).is_empty() && site.cloud_controller.tokens().len() == asked);
    // Nobody was shown the code: it is still good where it belongs.
    let back = alice.get(&done).await?;
    ensure!(back.status == 303, "{} {}", back.status, back.text);
    Ok(())
}

async fn a_session_is_of_one_instance(site: &Site, alice: &Browser) -> anyhow::Result<()> {
    let (id, page) = site.made(&site.eu).await?;
    site.cloud_controller.lets("dave", &id, May::Manage);
    let mut dave = Browser::of("dave")?;
    let shown = dave.visit(&page).await?;
    ensure!(is_page(&shown, &id), "{} {}", shown.status, shown.text);
    let (name, own) = site.sessions(&dave)[0];
    let (name, own) = (name.to_owned(), own.to_owned());
    let (_, foreign) = site.sessions(alice)[0];
    for forged in [foreign.to_owned(), own.replacen("manage", "read", 1), format!("{own}x")] {
        let jar = dave.cookies.entry(site.url.clone()).or_default();
        jar.insert(name.clone(), forged.clone());
        let answer = dave.get(&page).await?;
        ensure!(answer.status == 303, "{forged}: {} {}", answer.status, answer.text);
    }
    Ok(())
}

async fn another_platform_has_no_say(site: &Site, id: &str) -> anyhow::Result<()> {
    // Its Cloud Controller says of this instance, too, that alice may manage it.
    let mut alice = Browser::of("alice")?;
    let elsewhere = alice.visit(&format!("{}/s/cf-us/{id}", site.url)).await?;
    ensure!(elsewhere.status == 404, "{} {}", elsewhere.status, elsewhere.text);
    // She was believed to be who she is, and no more.
    ensure!(site.sessions(&alice).len() == 1);
    let (id, page) = site.made(&site.us).await?;
    site.cloud_controller.lets("alice", &id, May::Read);
    ensure!(is_page(&alice.visit(&page).await?, &id));
    // A platform that has another name now, and one that is none of these.
    let (id, page) = site.made(&site.eu).await?;
    site.cloud_controller.lets("alice", &id, May::Read);
    let sql = world().await.sql().await?;
    for (platform, opens) in [(Some("before"), true), (Some("cf-us"), false), (None, false)] {
        let changed = sql
            .execute(
                "update operations set platform = $2 where instance_id = $1",
                &[&id, &platform],
            )
            .await?;
        ensure!(changed == 1, "{changed} operations");
        let shown = alice.visit(&page).await?;
        ensure!(
            is_page(&shown, &id) == opens,
            "{platform:?}: {} {}",
            shown.status,
            shown.text
        );
    }
    Ok(())
}

async fn without_a_word_nobody_comes_in(site: &Site, page: &str) -> anyhow::Result<()> {
    site.cloud_controller.is_down(true);
    let mut alice = Browser::of("alice")?;
    let silent = alice.visit(page).await?;
    ensure!(silent.status == 503, "{} {}", silent.status, silent.text);
    ensure!(silent.text.contains("The platform does not say now"), "{}", silent.text);
    ensure!(silent.header("retry-after").is_some() && site.sessions(&alice).is_empty());
    site.cloud_controller.is_down(false);
    ensure!(alice.visit(page).await?.status == 200);
    Ok(())
}

#[tokio::test]
async fn a_right_that_is_withdrawn_shuts_the_page_when_the_sign_in_ends() -> anyhow::Result<()> {
    const LIFETIME: Duration = Duration::from_secs(4);
    let site = Site::start("4s").await?;
    let (id, page) = site.made(&site.eu).await?;
    site.cloud_controller.lets("alice", &id, May::Manage);
    let mut alice = Browser::of("alice")?;
    ensure!(is_page(&alice.visit(&page).await?, &id));
    let mut stream = alice.stream(&format!("{page}/live")).await?;
    ensure!(stream.status() == 200, "{}", stream.status());
    let withdrawn = Instant::now();
    site.cloud_controller.lets("alice", &id, May::Nothing);

    // Who has the page open is told to ask again.
    let mut told = Vec::new();
    while let Some(chunk) = timeout(PATIENCE, stream.chunk()).await.context("it goes on")?? {
        told.extend_from_slice(&chunk);
    }
    ensure!(withdrawn.elapsed() < LIFETIME * 3, "{:?}", withdrawn.elapsed());
    ensure!(String::from_utf8(told)?.contains("event: ended\n"), "it is not told");
    until("the page is shut", async || {
        // The browser keeps what it has, whatever its age.
        let mut same = Browser::of("alice")?;
        same.cookies.clone_from(&alice.cookies);
        let answer = same.get(&page).await?;
        ensure!(matches!(answer.status, 200 | 303), "{} {}", answer.status, answer.text);
        Ok(answer.status == 303)
    })
    .await?;
    let refused = alice.visit(&page).await?;
    ensure!(refused.status == 404, "{} {}", refused.status, refused.text);
    // And a right that is given back opens it, without more than a visit.
    site.cloud_controller.lets("alice", &id, May::Read);
    ensure!(is_page(&alice.visit(&page).await?, &id));
    Ok(())
}
