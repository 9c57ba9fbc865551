//! "Check now" on the status page: the domain is looked at at once, and not when its turn comes, which is in an hour here. Forms are
//! sent as browsers send them, without a script.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use customer::Answer;
use customer::platform::answer;
use page_keys::PageKeys;
use reqwest::{Method, redirect};
use serde_json::json;
use stack::{Options, Signal};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::world::{Instance, World, domain, organization, until};

/// What a browser sends with a form of a page that has `Referrer-Policy: no-referrer`.
const FROM_THE_PAGE: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("origin", "null")];
/// From the press to the record, in seconds.
const AT_ONCE: f64 = 2.0;
const VERIFIER: &str = "challenge-verifier-1";
/// Of "Check now".
const BUTTON: &str = " form=\"check\" name=\"domain\"";

struct Scene {
    world: World,
    /// Follows no redirects.
    http: reqwest::Client,
    sql: Client,
}

/// A service with one domain that waits, and its page.
struct Service {
    instance: Instance,
    link: String,
    /// What its status says to set.
    told: String,
    /// What the page's form contains.
    token: String,
}

/// The step that waits for the domain.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    state: String,
    attempt: i32,
    is_asked_for: bool,
    due_at: String,
    version: i64,
}

impl Service {
    fn domain(&self) -> &str {
        &self.instance.domains[0]
    }

    fn form(&self) -> String {
        format!("domain={}&form={}", self.domain(), self.token)
    }
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let schedule = "first=1h,max=1h,jitter=0%,deadline=7d,limit=15s";
        let options = Options::fast()
            .with_own_rabbitmq()
            .with_env("all", "SCHEDULE_VERIFY_CHALLENGE", schedule);
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

    /// A service whose domain was looked at once, in vain.
    async fn made(&self, label: &str) -> anyhow::Result<Service> {
        let (id, domains) = (Uuid::new_v4().to_string(), vec![domain(label)]);
        let parameters = json!({"domains": domains});
        let begun = self.world.platform.provision(&id, &organization(), parameters).await?;
        let link = begun.dashboard_url().context("no dashboard_url")?.to_owned();
        let instance = Instance { id, domains };
        let told = self.world.told(&instance).await?;
        let page = self.visit(&link).await?;
        let token = page.split("name=\"form\" value=\"").nth(1).context("no form")?;
        let token = token.split('"').next().unwrap_or_default().to_owned();
        Ok(Service {
            instance,
            link,
            told,
            token,
        })
    }

    async fn get(&self, url: &str) -> anyhow::Result<Answer> {
        answer(self.http.get(url)).await
    }

    async fn visit(&self, url: &str) -> anyhow::Result<String> {
        let page = self.get(url).await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text);
        Ok(page.text)
    }

    async fn send(&self, link: &str, headers: &[(&str, &str)], form: String) -> anyhow::Result<Answer> {
        let mut request = self
            .http
            .post(format!("{link}/check"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    /// Presses the button: what came of it, and the page to which the browser goes.
    async fn press(&self, service: &Service) -> anyhow::Result<(String, String)> {
        let answer = self.send(&service.link, &FROM_THE_PAGE, service.form()).await?;
        ensure!(answer.status == 303, "{} {}", answer.status, answer.text);
        let to = answer.header("location").context("no location")?;
        let path = service.link.split_at(self.world.handle.endpoints().broker_url.len()).1;
        let outcome = to
            .strip_prefix(&format!("{path}?check="))
            .with_context(|| to.to_owned())?;
        let (outcome, place) = outcome.split_once('#').with_context(|| to.to_owned())?;
        let row = format!("at-{}", service.domain());
        ensure!(place == row, "{to}");
        let page = self.visit(&format!("{}?check={outcome}", service.link)).await?;
        ensure!(page.contains(&format!(" id=\"{row}\"")), "{page}");
        Ok((outcome.to_owned(), page))
    }

    async fn step(&self, service: &Service) -> anyhow::Result<Step> {
        let sql = "select s.state, s.attempt, s.asked_at is not null, s.due_at::text, o.version \
                   from steps s join operations o on o.id = s.operation_id \
                   where o.instance_id = $1 and s.kind = 'verify-challenge'";
        let row = self.sql.query_one(sql, &[&service.instance.id]).await?;
        Ok(Step {
            state: row.get(0),
            attempt: row.get(1),
            is_asked_for: row.get(2),
            due_at: row.get(3),
            version: row.get(4),
        })
    }

    /// The last look was so long ago.
    async fn looked_at(&self, service: &Service, seconds: f64) -> anyhow::Result<()> {
        let sql = "update steps s set checked_at = now() - $2::float8 * interval '1 second' from operations o \
                   where o.id = s.operation_id and o.instance_id = $1 and s.kind = 'verify-challenge' and s.state = 'waiting'";
        let changed = self.sql.execute(sql, &[&service.instance.id, &seconds]).await?;
        ensure!(changed == 1, "{changed} steps");
        Ok(())
    }

    /// The look that was asked for is recorded.
    async fn answered(&self, service: &Service) -> anyhow::Result<Step> {
        until("what was asked for is recorded", async || {
            Ok(!self.step(service).await?.is_asked_for)
        })
        .await?;
        self.step(service).await
    }

    async fn verified(&self, service: &Service) -> anyhow::Result<()> {
        until("the domain is verified", async || {
            Ok(self.step(service).await?.state == "done")
        })
        .await
    }
}

#[tokio::test]
async fn a_press_has_the_domain_looked_at_and_a_form_from_elsewhere_does_nothing() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    verified_at_once(&scene).await?;
    let unset = scene.made("unset").await?;
    what_is_not_set_is_looked_at_once(&scene, &unset).await?;
    only_one_look_is_under_way(&scene, &unset).await?;
    a_domain_that_rests_is_left_alone(&scene, &unset).await?;
    only_the_page_itself_can_ask(&scene, &unset).await?;
    reading_changes_nothing(&scene, &unset).await?;
    too_many_presses_are_refused(&scene, &unset).await?;
    // Last, since it stops RabbitMQ.
    without_rabbitmq_nothing_is_lost(&scene).await
}

async fn verified_at_once(scene: &Scene) -> anyhow::Result<()> {
    let service = scene.made("at-once").await?;
    let page = scene.visit(&service.link).await?;
    let button = format!(
        " form=\"check\" name=\"domain\" value=\"{}\">Check now<",
        service.domain()
    );
    assert!(page.contains(&button), "{page}");

    scene.looked_at(&service, 0.0).await?;
    let before = scene.step(&service).await?;
    let (outcome, page) = scene.press(&service).await?;
    assert_eq!(outcome, "too-soon");
    assert!(
        page.contains("It is too soon for another look at the domain.")
            && page.contains("It can be checked again from "),
        "{page}"
    );
    assert_eq!(scene.step(&service).await?, before);

    scene.world.set_persist(&service.told, service.domain()).await?;
    scene.looked_at(&service, 10.0).await?;
    assert_eq!(scene.press(&service).await?.0, "asked");
    scene.verified(&service).await?;
    let sql = "select extract(epoch from s.ended_at - s.asked_at)::float8 from steps s \
               join operations o on o.id = s.operation_id where o.instance_id = $1 and s.kind = 'verify-challenge'";
    let took: f64 = scene.sql.query_one(sql, &[&service.instance.id]).await?.get(0);
    assert!(took < AT_ONCE, "{took} s");
    let page = scene.visit(&service.link).await?;
    assert!(
        !page.contains(BUTTON) && page.contains("Nothing to check: it is proved."),
        "{page}"
    );
    assert_eq!(scene.press(&service).await?.0, "nothing-waits");
    Ok(())
}

/// A look that sees what the one before it saw is an answer, too.
async fn what_is_not_set_is_looked_at_once(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    scene.looked_at(service, 10.0).await?;
    let before = scene.step(service).await?;
    assert_eq!(scene.press(service).await?.0, "asked");
    let after = scene.answered(service).await?;
    assert_eq!(
        (after.attempt, after.version),
        (before.attempt + 2, before.version + 2),
        "the press and the record"
    );
    let page = scene.visit(&service.link).await?;
    assert!(
        page.contains(BUTTON) && !page.contains("it is being looked at"),
        "{page}"
    );
    Ok(())
}

async fn only_one_look_is_under_way(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    scene.looked_at(service, 10.0).await?;
    scene.world.handle.kill(VERIFIER, Signal::Stop).await?;
    let (outcome, page) = scene.press(service).await?;
    assert_eq!(outcome, "asked");
    assert!(
        page.contains("The domain is being looked at.") && page.contains(": it is being looked at."),
        "{page}"
    );
    assert!(!page.contains(BUTTON), "{page}");
    let asked = scene.step(service).await?;
    assert_eq!(scene.press(service).await?.0, "under-way");
    assert_eq!(scene.step(service).await?, asked);
    scene.world.handle.kill(VERIFIER, Signal::Cont).await?;
    scene.answered(service).await?;
    Ok(())
}

async fn a_domain_that_rests_is_left_alone(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    let id = &service.instance.id;
    let hold = "update claims set held_until = now() + interval '1 hour' where instance_id = $1";
    scene.sql.execute(hold, &[id]).await?;
    scene.looked_at(service, 10.0).await?;
    let before = scene.step(service).await?;
    let (outcome, page) = scene.press(service).await?;
    assert_eq!(outcome, "rests");
    assert!(page.contains("It rests until ") && !page.contains(BUTTON), "{page}");
    assert_eq!(scene.step(service).await?, before);
    let release = "update claims set held_until = null where instance_id = $1";
    scene.sql.execute(release, &[id]).await?;
    Ok(())
}

async fn only_the_page_itself_can_ask(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    scene.looked_at(service, 60.0).await?;
    let before = scene.step(service).await?;
    let e = scene.world.handle.endpoints();
    for headers in [
        &[][..],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site"), ("origin", "null")],
        &[("sec-fetch-site", "same-site"), ("origin", e.broker_url.as_str())],
        &[("sec-fetch-site", "none"), ("origin", e.broker_url.as_str())],
    ] {
        let refused = scene.send(&service.link, headers, service.form()).await?;
        assert_eq!(refused.status, 403, "{headers:?}: {}", refused.text);
    }
    let keys = PageKeys::parse(&e.page_keys)?;
    let id = &service.instance.id;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let with = |token: &str| format!("domain={}&form={token}", service.domain());
    for (what, form) in [
        ("of another instance", with(&keys.form_token("another", 1, now))),
        ("of another link", with(&keys.form_token(id, 2, now))),
        ("over an hour old", with(&keys.form_token(id, 1, now - 3_700))),
        ("the link's own token", with(&keys.token(id, 1))),
        ("empty", with("")),
        ("no token", format!("domain={}", service.domain())),
        ("no form", String::new()),
    ] {
        let refused = scene.send(&service.link, &FROM_THE_PAGE, form).await?;
        assert_eq!(refused.status, 403, "{what}: {}", refused.text);
        assert!(refused.text.contains("Open the page again"), "{}", refused.text);
    }
    assert_eq!(scene.step(service).await?, before);
    // A link that is none is answered as ever.
    let forged = scene
        .send(&format!("{}x", service.link), &FROM_THE_PAGE, service.form())
        .await?;
    assert_eq!(forged.status, 404, "{}", forged.text);
    assert_eq!(scene.step(service).await?, before);

    // A browser that doesn't know Sec-Fetch-Site, with a token of another process.
    let form = with(&keys.form_token(id, 1, now));
    let asked = scene
        .send(&service.link, &[("origin", e.broker_url.as_str())], form)
        .await?;
    assert_eq!(asked.status, 303, "{}", asked.text);
    scene.answered(service).await?;
    Ok(())
}

async fn reading_changes_nothing(scene: &Scene, service: &Service) -> anyhow::Result<()> {
    scene.looked_at(service, 60.0).await?;
    let before = scene.step(service).await?;
    let check = format!("{}/check?{}", service.link, service.form());
    let nothing = scene.get(&check).await?;
    assert_eq!(nothing.status, 404, "{}", nothing.text);
    let head = answer(scene.http.request(Method::HEAD, &check)).await?;
    assert_eq!(head.status, 404);
    for query in [
        "check=asked",
        "check=too-many",
        "check=<script>alert(1)</script>",
        "domain=x",
    ] {
        let page = scene.visit(&format!("{}?{query}", service.link)).await?;
        assert!(!page.contains("alert(1)") && page.contains(BUTTON), "{page}");
        assert_eq!(
            page.contains("<p class=\"told\""),
            query == "check=too-many",
            "{query}: {page}"
        );
    }
    assert_eq!(scene.step(service).await?, before);
    Ok(())
}

async fn too_many_presses_are_refused(scene: &Scene, other: &Service) -> anyhow::Result<()> {
    let service = scene.made("often").await?;
    scene.looked_at(&service, 0.0).await?;
    let mut presses = 1;
    let mut pressed = scene.press(&service).await?;
    while pressed.0 != "too-many" {
        ensure!(presses < 60, "{}", pressed.0);
        pressed = scene.press(&service).await?;
        presses += 1;
    }
    // 30 at once, and one each 2 s.
    ensure!(presses > 30, "{presses}");
    assert!(pressed.1.contains("Too many checks of this service"), "{}", pressed.1);
    assert_ne!(scene.press(other).await?.0, "too-many");
    Ok(())
}

async fn without_rabbitmq_nothing_is_lost(scene: &Scene) -> anyhow::Result<()> {
    let service = scene.made("away").await?;
    scene.world.set_persist(&service.told, service.domain()).await?;
    scene.looked_at(&service, 10.0).await?;
    scene.world.handle.kill("rabbitmq", Signal::Kill).await?;
    let (outcome, page) = scene.press(&service).await?;
    assert_eq!(outcome, "delayed");
    assert!(page.contains("message queue does not answer"), "{page}");
    assert!(scene.step(&service).await?.is_asked_for);
    scene.world.handle.start_again("rabbitmq").await?;
    scene.verified(&service).await
}
