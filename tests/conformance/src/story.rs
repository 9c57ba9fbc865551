//! A user of Cloud Foundry: makes an instance, changes it, changes it wrongly, deletes it; mistypes a domain and deletes that.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use customer::{Browser, status};
use stack::Handle;
use tokio::time::{Instant, sleep};

use crate::cf::{Cf, Said};

/// Cloud Controller polls every 60 s, which is 1.2 s of real time; its 7 days are 3.4 hours.
const SECOND: f64 = 0.02;
const PATIENCE: Duration = Duration::from_secs(90);
const ORGANIZATION: &str = "8b8c5c1e-2f1c-4c53-9b0e-6c9d6a1f0a01";
const OTHERS: &str = "3c1f9d52-6a55-4a3e-8d4b-0e2f7a9b1c02";
const SHOP: &str = "shop";
const WWW: &str = "www.shop.example.com";
const API: &str = "api.shop.example.com";

/// A user, and what they see of the world.
pub(crate) struct Story<'s> {
    cf: Cf,
    /// Somebody of another organization.
    others: Cf,
    stack: &'s Handle,
    browser: Browser,
    say: fn(&str),
}

impl<'s> Story<'s> {
    /// A user who is logged in.
    ///
    /// # Errors
    /// When there is no room for what they keep.
    pub(crate) fn new(stack: &'s Handle, say: fn(&str)) -> anyhow::Result<Self> {
        let endpoints = stack.endpoints();
        let browser = Browser::new(&endpoints.pebble_root_pem, endpoints.edge_http, endpoints.edge_https)?;
        let cf = Cf::new(endpoints, SECOND, ORGANIZATION)?;
        let others = Cf::new(endpoints, SECOND, OTHERS)?;
        Ok(Self {
            cf,
            others,
            stack,
            browser,
            say,
        })
    }

    /// Makes an instance that serves.
    ///
    /// # Errors
    /// When something is not as a user would expect.
    pub(crate) async fn create(&self) -> anyhow::Result<()> {
        self.succeeds(&["marketplace"]).await?;
        (self.say)("cf create-service, with a record that is set after reading `cf service`");
        self.created(SHOP, WWW).await?;
        let end = self.succeeds(&["service", SHOP]).await?.text;
        ensure!(
            end.contains("is ready: CNAME it to") && end.contains("is renewed by itself before "),
            "{end}"
        );
        ensure!(self.browser.https(WWW, "/").await?.status == 200, "{WWW} is not served");
        Ok(())
    }

    /// The instance's id.
    ///
    /// # Errors
    /// Before it was made.
    pub(crate) fn id(&self) -> anyhow::Result<String> {
        self.cf.id(SHOP)
    }

    /// Makes another one, for whoever may do with it as they like: its id.
    ///
    /// # Errors
    /// When something is not as a user would expect.
    pub(crate) async fn lend(&self) -> anyhow::Result<String> {
        self.created("lent", "lent.example.com").await?;
        self.cf.id("lent")
    }

    /// The rest of its life, and one that is given up.
    ///
    /// # Errors
    /// When something is not as a user would expect.
    pub(crate) async fn live_on(&self) -> anyhow::Result<()> {
        (self.say)("cf update-service: settings; the same again; a domain more; a mistake");
        let settings = [
            "update-service",
            "shop",
            "-c",
            "{\"price_class\": \"PriceClass_100\"}",
            "--wait",
        ];
        ensure!(self.succeeds(&settings).await?.text.contains("PriceClass_100"));
        self.succeeds(&settings).await?;
        self.the_end_is_told_for_ever().await?;
        let domains = format!("{{\"domains\": [\"{WWW}\", \"{API}\"]}}");
        self.succeeds(&["update-service", "shop", "-c", &domains]).await?;
        self.fails(&["update-service", "shop"], "is in progress").await?;
        // Cloud Foundry lets nobody out of an update.
        self.fails(&["delete-service", "shop", "-f"], "is in progress").await?;
        self.prove(SHOP, API).await?;
        self.done("shop").await?;
        for domain in [WWW, API] {
            ensure!(
                self.browser.https(domain, "/").await?.status == 200,
                "{domain} is not served"
            );
        }
        self.fails(
            &["update-service", "shop", "-c", "{\"pth\": \"/a\"}"],
            "did you mean \"path\"?",
        )
        .await?;
        self.fails(&["update-service", "shop", "-c", "no json"], "valid JSON")
            .await?;
        self.fails(&["create-service", "cdn-route", "gold", "x"], "'gold' not found")
            .await?;

        (self.say)("cf create-service with a mistyped domain, deleted while it is being created");
        let mistyped = "{\"domains\": [\"wwww.shop.example.com\"]}";
        self.succeeds(&["create-service", "cdn-route", "cdn", "mistyped", "-c", mistyped])
            .await?;
        self.shows("mistyped", "Waiting for you").await?;
        self.succeeds(&["delete-service", "mistyped", "-f", "--wait"]).await?;

        self.another_try_by_the_same_name().await?;

        (self.say)("cf create-service of a domain that is another's, and cf delete-service");
        let taken = format!("{{\"domains\": [\"{WWW}\"]}}");
        self.fails(
            &["create-service", "cdn-route", "cdn", "again", "-c", &taken],
            "already asked for",
        )
        .await?;
        self.succeeds(&["delete-service", "shop", "--wait"]).await?;
        self.fails(&["service", "shop"], "not found").await?;
        ensure!(
            self.browser
                .https(WWW, "/")
                .await
                .map_or(true, |visit| visit.status != 200),
            "{WWW} is still served"
        );
        Ok(())
    }

    /// A second update that changes nothing is done at once, and the platform forgets the text of the one before; it does so, too, when the
    /// instance is renamed.
    async fn the_end_is_told_for_ever(&self) -> anyhow::Result<()> {
        (self.say)("cf rename-service, after which cf service is silent, and cf service --params has the status");
        for (from, to) in [(SHOP, "renamed"), ("renamed", SHOP)] {
            self.succeeds(&["rename-service", from, to]).await?;
        }
        let silent = self.succeeds(&["service", SHOP]).await?.text;
        ensure!(!silent.contains("cloudfront.net"), "{silent}");
        let told = self.succeeds(&["service", SHOP, "--params"]).await?.text;
        let told: serde_json::Value = serde_json::from_str(&told)?;
        let target = told["status"]["cname_target"].as_str().unwrap_or_default();
        ensure!(target.ends_with(".cloudfront.net"), "{told}");
        let proof = &told["status"]["proved_by"][WWW];
        ensure!(proof["name"] == format!("_validation-persist.{WWW}"), "{told}");
        Ok(())
    }

    /// What failed is created again by its name, with another GUID, while what the first has claimed still stands.
    async fn another_try_by_the_same_name(&self) -> anyhow::Result<()> {
        (self.say)("cf create-service that fails, and again by the same name with what is not another's");
        let free = "late.others.example.com";
        let create = |domains: &str| {
            let parameters = format!("{{\"domains\": {domains}}}");
            ["create-service", "cdn-route", "cdn", "late", "-c", &parameters].map(str::to_owned)
        };
        let both = create(&format!("[\"{free}\", \"{WWW}\"]"));
        self.others(&both.each_ref().map(String::as_str)).await?;
        let first = self.others.id("late")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.others(&["service", "late"]).await?;
            if said.text.contains("create failed") {
                ensure!(
                    said.text.contains("belongs to another service instance"),
                    "{}",
                    said.text
                );
                break;
            }
            ensure!(Instant::now() < deadline, "{}", said.text);
            sleep(Duration::from_millis(200)).await;
        }
        let alone = create(&format!("[\"{free}\"]"));
        self.others(&alone.each_ref().map(String::as_str)).await?;
        ensure!(self.others.id("late")? != first, "a new GUID");
        self.others(&["delete-service", "late", "-f", "--wait"]).await?;
        Ok(())
    }

    /// What somebody of the other organization does, with success.
    async fn others(&self, words: &[&str]) -> anyhow::Result<Said> {
        let said = self.others.run(words).await?;
        ensure!(said.code == Some(0), "`cf {}` failed:\n{}", words.join(" "), said.text);
        Ok(said)
    }

    async fn created(&self, name: &str, domain: &str) -> anyhow::Result<()> {
        let parameters = format!("{{\"domains\": [\"{domain}\"]}}");
        self.succeeds(&["create-service", "cdn-route", "cdn", name, "-c", &parameters])
            .await?;
        // What was there in the moment of the request stands there for a minute.
        let first = self.succeeds(&["service", name]).await?.text;
        ensure!(
            first.contains("In a minute this shows the DNS record for each domain.")
                || first.contains("Waiting for you"),
            "{first}"
        );
        ensure!(!first.contains("Nothing for you to do"), "{first}");
        let interval = self.cf.interval(name)?;
        ensure!((60..=86_400).contains(&interval), "polled every {interval} s");
        self.prove(name, domain).await?;
        self.done(name).await
    }

    /// Sets the record that `cf service` tells for a domain.
    async fn prove(&self, name: &str, domain: &str) -> anyhow::Result<()> {
        let told = self.shows(name, &format!("_validation-persist.{domain} TXT ")).await?;
        let value = status::persist_value(&told.replace("\n  ", "\n")).context("no value is shown")?;
        self.stack
            .dns()?
            .set_txt(&format!("_validation-persist.{domain}."), &value)
            .await
    }

    /// `cf service` until it says so.
    async fn shows(&self, name: &str, words: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.succeeds(&["service", name]).await?;
            if said.text.contains(words) {
                return Ok(said.text);
            }
            ensure!(
                Instant::now() < deadline,
                "`cf service {name}` does not show {words:?}:\n{}",
                said.text
            );
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// `cf service` until nothing is in progress.
    async fn done(&self, name: &str) -> anyhow::Result<()> {
        self.shows(name, " succeeded").await.map(drop)
    }

    async fn succeeds(&self, words: &[&str]) -> anyhow::Result<Said> {
        let said = self.run(words).await?;
        ensure!(said.code == Some(0), "`cf {}` failed:\n{}", words.join(" "), said.text);
        Ok(said)
    }

    async fn fails(&self, words: &[&str], with: &str) -> anyhow::Result<()> {
        let said = self.run(words).await?;
        if said.code == Some(1) && said.text.contains(with) {
            return Ok(());
        }
        bail!("`cf {}` was to fail with {with:?}:\n{}", words.join(" "), said.text)
    }

    async fn run(&self, words: &[&str]) -> anyhow::Result<Said> {
        tokio::time::timeout(PATIENCE, self.cf.run(words))
            .await
            .with_context(|| format!("`cf {}` takes longer than {PATIENCE:?}", words.join(" ")))?
    }
}
