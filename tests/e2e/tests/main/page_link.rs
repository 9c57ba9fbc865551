//! The link to an instance's status page: the platform is told one, it opens that page and nothing else, and it can be ended. Without
//! workers nothing goes on by itself, so that an instance stays what it was made.

use anyhow::{Context as _, ensure};
use customer::platform::answer;
use customer::{Answer, Platform};
use page_keys::PageKeys;
use reqwest::Method;
use serde_json::{Value, json};
use stack::{Handle, Options, WORKERS};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::cdnctl::{Said, cdnctl, operate};
use crate::world::{domain, organization, until};

/// What every answer to a browser has.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// A broker with nobody behind it, which logs all that it can.
pub(crate) struct Alone {
    pub(crate) stack: Handle,
    pub(crate) platform: Platform,
    sql: Client,
}

/// An instance, what it was asked for with, and its link.
pub(crate) struct Linked {
    pub(crate) id: String,
    organization: String,
    parameters: Value,
    pub(crate) link: String,
}

impl Linked {
    pub(crate) fn token(&self) -> &str {
        self.link.rsplit_once('/').map_or("", |(_, token)| token)
    }
}

impl Alone {
    /// With these options, but for its workers.
    pub(crate) async fn with(options: Options) -> anyhow::Result<Self> {
        let options = WORKERS
            .iter()
            .fold(options, |options, worker| options.with_replicas(worker, 0))
            .with_env("broker-api", "RUST_LOG", "trace");
        let stack = Handle::start(options).await?;
        let e = stack.endpoints();
        Ok(Self {
            platform: Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?,
            sql: e.database().await?,
            stack,
        })
    }

    async fn put(&self, id: &str, organization: &str, parameters: &Value) -> anyhow::Result<Answer> {
        self.platform.provision(id, organization, parameters.clone()).await
    }

    /// The same request again.
    async fn put_again(&self, of: &Linked) -> anyhow::Result<Answer> {
        self.put(&of.id, &of.organization, &of.parameters).await
    }

    async fn fetch(&self, id: &str) -> anyhow::Result<Answer> {
        let path = format!("/v2/service_instances/{id}");
        self.platform.call(Method::GET, &path, None).await
    }

    /// An instance that is there.
    pub(crate) async fn made(&self) -> anyhow::Result<Linked> {
        let (id, organization) = (Uuid::new_v4().to_string(), organization());
        let parameters = json!({"domains": [domain("link")]});
        let begun = self.put(&id, &organization, &parameters).await?;
        ensure!(begun.status == 202, "{} {}", begun.status, begun.text);
        let link = begun.dashboard_url().context("no dashboard_url")?.to_owned();
        let expected = format!("{}/i/{id}/k1.1.", self.stack.endpoints().broker_url);
        ensure!(link.starts_with(&expected), "{link}");
        self.run(
            "update operations set state = 'succeeded', ended_at = now() where instance_id = $1",
            &id,
        )
        .await?;
        Ok(Linked {
            id,
            organization,
            parameters,
            link,
        })
    }

    /// Changes rows of one instance.
    pub(crate) async fn run(&self, sql: &str, id: &str) -> anyhow::Result<()> {
        let changed = self.database().await?.execute(sql, &[&id]).await?;
        ensure!(changed > 0, "nothing is changed: {sql}");
        Ok(())
    }

    /// A new connection to the database.
    pub(crate) async fn database(&self) -> anyhow::Result<Client> {
        self.stack.endpoints().database().await
    }

    /// What a browser gets.
    pub(crate) async fn visit(&self, url: &str) -> anyhow::Result<Answer> {
        let path = url.strip_prefix(&self.stack.endpoints().broker_url).unwrap_or(url);
        answer(self.platform.bare(Method::GET, path)).await
    }

    async fn opens(&self, url: &str) -> anyhow::Result<bool> {
        Ok(self.visit(url).await?.status == 200)
    }

    pub(crate) async fn link(&self, args: &[&str]) -> anyhow::Result<Said> {
        operate(&self.stack, &[&["link"], args].concat()).await
    }

    pub(crate) fn log(&self) -> anyhow::Result<String> {
        let process = self.stack.endpoints().process("broker-api").context("a process")?;
        Ok(std::fs::read_to_string(&process.log)?)
    }
}

#[tokio::test]
async fn a_link_opens_its_page_until_it_is_ended_and_nothing_else_does() -> anyhow::Result<()> {
    let alone = Alone::with(Options::fast()).await?;
    let told = the_platform_is_told_one_link(&alone).await?;
    a_browser_gets_the_page_and_its_files(&alone, &told).await?;
    use_is_noted_once_a_day(&alone, &told).await?;
    let (revoked, renewed) = it_is_revoked_and_replaced(&alone).await?;
    let refused = there_is_one_refusal(&alone, &told, &revoked).await?;
    an_operator_prints_it(&alone, &told).await?;

    // Everything was logged, and no link.
    until("the last visit is in the log", async || {
        Ok(alone.log()?.contains("/i/{id}/{token}"))
    })
    .await?;
    let log = alone.log()?;
    ensure!(log.contains("DEBUG"), "the log has everything");
    for url in [&told.link, &revoked.link, &renewed].into_iter().chain(&refused) {
        let (_, token) = url.rsplit_once('/').context("a link")?;
        let mac = token.rsplit('.').next().unwrap_or_default();
        ensure!(!log.contains(token) && !log.contains(mac), "{token} is in the log");
    }
    Ok(())
}

async fn the_platform_is_told_one_link(alone: &Alone) -> anyhow::Result<Linked> {
    let told = alone.made().await?;
    let link = Some(told.link.as_str());
    let same = alone.put_again(&told).await?;
    assert_eq!((same.status, same.dashboard_url()), (200, link), "{}", same.text);
    assert_eq!(same.beside_the_link(), json!({}));
    let nothing = alone.platform.update(&told.id, json!({})).await?;
    assert_eq!(
        (nothing.status, nothing.dashboard_url()),
        (200, link),
        "{}",
        nothing.text
    );
    let fetched = alone.fetch(&told.id).await?;
    assert_eq!(
        (fetched.status, fetched.dashboard_url()),
        (200, link),
        "{}",
        fetched.text
    );
    // One that is older than status pages has no row.
    alone
        .run("delete from page_links where instance_id = $1", &told.id)
        .await?;
    assert!(!alone.opens(&told.link).await?);
    assert_eq!(alone.fetch(&told.id).await?.dashboard_url(), link);
    let update = alone.platform.update(&told.id, json!({"path": "/a"})).await?;
    assert_eq!((update.status, update.dashboard_url()), (202, link), "{}", update.text);
    let again = alone.platform.update(&told.id, json!({"path": "/a"})).await?;
    assert_eq!((again.status, again.dashboard_url()), (202, link), "{}", again.text);
    let polled = alone.platform.last_operation(&told.id).await?;
    assert!(!polled.text.contains("/i/"), "{}", polled.text);
    let deleted = alone.made().await?;
    let deletion = alone.platform.deprovision(&deleted.id).await?;
    assert_eq!(
        (deletion.status, deletion.dashboard_url()),
        (202, None),
        "{}",
        deletion.text
    );
    // What is being removed can still be looked at.
    assert!(alone.opens(&deleted.link).await?);
    Ok(told)
}

async fn a_browser_gets_the_page_and_its_files(alone: &Alone, told: &Linked) -> anyhow::Result<()> {
    let page = alone.visit(&told.link).await?;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let domain = told.parameters["domains"][0].as_str().context("a domain")?;
    assert!(page.text.contains(domain), "{}", page.text);
    secure(&page);
    let parts = page.text.split('"').filter(|part| part.starts_with("/assets/"));
    let assets: Vec<&str> = parts.collect();
    assert_eq!(assets.len(), 2, "a style sheet and a script: {assets:?}");
    for asset in assets {
        let asset = alone.visit(asset).await?;
        assert_eq!(asset.status, 200);
        let kept = asset.header("cache-control").unwrap_or_default();
        assert!(kept.contains("immutable"), "{kept}");
        secure(&asset);
    }
    let records = alone.visit(&format!("{}/records.csv", told.link)).await?;
    assert_eq!(records.status, 200, "{}", records.text);
    assert_eq!(
        records.header("content-disposition"),
        Some("attachment; filename=\"records.csv\"")
    );
    secure(&records);
    Ok(())
}

fn secure(answer: &Answer) {
    for (name, value) in HEADERS {
        assert_eq!(answer.header(name), Some(value), "{name}: {:?}", answer.headers);
    }
}

async fn use_is_noted_once_a_day(alone: &Alone, told: &Linked) -> anyhow::Result<()> {
    let times = async || {
        let sql = "select used_at::text, expires_at::text, used_at > now() - interval '1 hour', \
                   expires_at > now() + interval '399 days' from page_links where instance_id = $1";
        let row = alone.sql.query_one(sql, &[&told.id]).await?;
        let (used_at, expires_at): (Option<String>, String) = (row.get(0), row.get(1));
        let (is_fresh, lasts): (Option<bool>, bool) = (row.get(2), row.get(3));
        anyhow::Ok(((used_at, expires_at), is_fresh == Some(true) && lasts))
    };
    let (first, good) = times().await?;
    assert!(good, "{first:?}");
    assert!(alone.opens(&told.link).await?);
    assert_eq!(times().await?.0, first, "not again on the same day");
    let long_ago = "update page_links set used_at = now() - interval '2 days', expires_at = now() + interval '1 day' \
                    where instance_id = $1";
    alone.run(long_ago, &told.id).await?;
    assert!(alone.opens(&told.link).await?);
    let (later, good) = times().await?;
    assert!(good && later != first, "{later:?}");
    // The platform's own requests move it as well, even if it has expired; they are no use of it.
    let expired = "update page_links set used_at = null, expires_at = now() - interval '1 day' where instance_id = $1";
    alone.run(expired, &told.id).await?;
    assert!(!alone.opens(&told.link).await?);
    let answer = alone.platform.update(&told.id, json!({"path": "/a"})).await?;
    assert_eq!(answer.dashboard_url(), Some(told.link.as_str()), "{}", answer.text);
    assert!(alone.opens(&told.link).await?);
    Ok(())
}

/// An instance whose link was revoked, and another link that was replaced and is good again.
async fn it_is_revoked_and_replaced(alone: &Alone) -> anyhow::Result<(Linked, String)> {
    let revoked = alone.made().await?;
    assert!(alone.opens(&revoked.link).await?);
    let said = alone.link(&[&revoked.id, "--revoke"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert!(said.text.starts_with("the link was revoked at 2"), "{}", said.text);
    assert!(!alone.opens(&revoked.link).await?);
    // Nothing but an operator gives it another.
    for answer in [alone.put_again(&revoked).await?, alone.fetch(&revoked.id).await?] {
        assert_eq!((answer.status, answer.dashboard_url()), (200, None), "{}", answer.text);
    }
    let said = alone.link(&[&revoked.id]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("--new"), "{}", said.text);

    let replaced = alone.made().await?;
    let said = alone.link(&[&replaced.id, "--new"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let new = said.text.trim_end().to_owned();
    assert!(new.contains("/k1.2."), "{new}");
    assert!(alone.opens(&new).await? && !alone.opens(&replaced.link).await?);
    assert_eq!(alone.put_again(&replaced).await?.dashboard_url(), Some(new.as_str()));
    // After a revocation, too; what was revoked stays so.
    alone.link(&[&replaced.id, "--revoke"]).await?;
    assert!(!alone.opens(&new).await?);
    let said = alone.link(&[&replaced.id, "--new"]).await?;
    let newest = said.text.trim_end().to_owned();
    assert!(alone.opens(&newest).await? && !alone.opens(&new).await? && !alone.opens(&replaced.link).await?);
    Ok((revoked, newest))
}

/// Whatever is wrong with a link, the answer is the same to the byte. Returns the links.
async fn there_is_one_refusal(alone: &Alone, good: &Linked, revoked: &Linked) -> anyhow::Result<Vec<String>> {
    let e = alone.stack.endpoints();
    let expired = alone.made().await?;
    let past = "update page_links set expires_at = now() - interval '1 second' where instance_id = $1";
    alone.run(past, &expired.id).await?;
    let removed = alone.made().await?;
    alone
        .run("update instances set deleted_at = now() where id = $1", &removed.id)
        .await?;
    let other = alone.made().await?;
    let unknown = Uuid::new_v4().to_string();
    let keys = PageKeys::parse(&e.page_keys)?;
    let stranger = PageKeys::parse("k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")?;
    let at = |id: &str, token: &str| format!("{}{}", e.broker_url, page_keys::path(id, token));
    let bad = vec![
        ("malformed", at(&good.id, "no-link")),
        ("forged", at(&good.id, &stranger.token(&good.id, 1))),
        ("another instance's", at(&good.id, other.token())),
        ("of another number", at(&good.id, &keys.token(&good.id, 2))),
        ("revoked", revoked.link.clone()),
        ("expired", expired.link.clone()),
        ("of a removed instance", removed.link.clone()),
        ("of an unknown instance", at(&unknown, &keys.token(&unknown, 1))),
        ("nothing below", format!("{}/records.exe", good.link)),
        ("below what is revoked", format!("{}/records.csv", revoked.link)),
    ];
    let mut first = None;
    for (what, url) in &bad {
        let answer = alone.visit(url).await?;
        assert_eq!(answer.status, 404, "{what}: {}", answer.text);
        secure(&answer);
        let headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| name != "date")
            .cloned()
            .collect();
        let got = (headers, answer.text);
        assert_eq!(first.get_or_insert_with(|| got.clone()), &got, "{what}");
    }
    assert!(alone.opens(&good.link).await? && alone.opens(&other.link).await?);
    let links = bad.into_iter().map(|(_, url)| url);
    // What is below a link is no link.
    Ok(links
        .filter(|url| !url.contains("/records.") && !url.ends_with("/no-link"))
        .collect())
}

async fn an_operator_prints_it(alone: &Alone, told: &Linked) -> anyhow::Result<()> {
    let said = alone.link(&[&told.id]).await?;
    assert_eq!(
        (said.code, said.text.trim_end()),
        (Some(0), told.link.as_str()),
        "{}",
        said.errors
    );
    let json = alone.link(&[&told.id, "--json"]).await?.json()?;
    assert_eq!(
        (&json["url"], &json["number"]),
        (&json!(told.link), &json!(1)),
        "{json}"
    );
    assert!(json["expires_at"].is_string() && json["revoked_at"].is_null(), "{json}");
    let unknown = alone.link(&["no-such-instance"]).await?;
    assert_eq!((unknown.code, unknown.text.as_str()), (Some(2), ""));
    assert!(
        unknown.errors.contains("no instance \"no-such-instance\""),
        "{}",
        unknown.errors
    );
    let removed = alone.made().await?;
    alone
        .run("update instances set deleted_at = now() where id = $1", &removed.id)
        .await?;
    let id = removed.id.as_str();
    for args in [&[id][..], &[id, "--new"], &[id, "--revoke"]] {
        let said = alone.link(args).await?;
        assert_eq!(said.code, Some(2), "{}", said.text);
        assert!(said.errors.contains("was removed at"), "{}", said.errors);
    }
    // Revoking needs no key.
    let database = &alone.stack.endpoints().database_url;
    let without = cdnctl(database, &["link", &told.id]).await?;
    assert_eq!(without.code, Some(2), "{}", without.text);
    assert!(without.errors.contains("PAGES_URL is not set"), "{}", without.errors);
    let other = alone.made().await?;
    assert_eq!(cdnctl(database, &["link", &other.id, "--revoke"]).await?.code, Some(0));
    assert!(!alone.opens(&other.link).await?);
    Ok(())
}
