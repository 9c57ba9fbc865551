//! The life of an instance with three domains, which are proved in three ways, as its page shows it. What is set is what the page says.

use anyhow::ensure;
use serde_json::json;
use uuid::Uuid;

use crate::chromium::{Chromium, PATIENCE};
use crate::scene::{Instance, Scene};
use crate::shown::Shown;

/// What is set in place of the right value at first.
pub const MISTAKE: &str = "a-typing-mistake.example.net";

/// A state of the page, in the order of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked for a moment ago.
    Ordering,
    /// Nothing is set yet.
    NeedsYou,
    /// One domain is verified, another one has a wrong record, and the third one none.
    Partly,
    /// All are verified; the distribution is being made.
    InProgress,
    /// It succeeded.
    Done,
    /// It is being updated.
    Updating,
    /// The update succeeded.
    Updated,
    /// Another organization's instance has failed: one of its domains belongs to this one.
    Failed,
    /// A renewal waits for its tenant.
    RenewalWaits,
    /// It is being deleted.
    Deleting,
    /// It is gone.
    Gone,
}

/// The domains, by what proves them.
#[derive(Clone, Debug)]
pub struct Names {
    /// The record that is set once.
    pub set_once: String,
    /// This order's TXT record, which is mistyped at first.
    pub mistyped: String,
    /// The old web server, which redirects the CA.
    pub redirected: String,
}

impl Names {
    /// Three names in a domain.
    pub fn below(domain: &str) -> Self {
        Self {
            set_once: format!("www.{domain}"),
            mistyped: format!("api.{domain}"),
            redirected: format!("shop.{domain}"),
        }
    }

    /// Three names that no other test has.
    pub fn fresh() -> Self {
        Self::below(&format!("{}.example.com", Uuid::new_v4().simple()))
    }

    /// All three.
    pub fn all(&self) -> [&str; 3] {
        [&self.set_once, &self.mistyped, &self.redirected]
    }
}

/// Who walks.
struct Walk<'w> {
    scene: &'w Scene,
    window: &'w Chromium,
    names: &'w Names,
}

/// Walks through an instance's life. In each state `look` is called, with the page in the window.
///
/// # Errors
/// When a state is not reached in time, or `look` fails.
pub async fn walk(
    scene: &Scene,
    window: &Chromium,
    names: &Names,
    look: impl AsyncFn(State, &Shown) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let walk = Walk { scene, window, names };
    let instance = walk.order(&look).await?;
    walk.prove(&instance, &look).await?;
    walk.update(&instance, &look).await?;
    walk.fail(&look).await?;
    walk.renew(&instance, &look).await?;
    walk.delete(&instance, &look).await
}

impl Walk<'_> {
    async fn order(&self, look: &impl AsyncFn(State, &Shown) -> anyhow::Result<()>) -> anyhow::Result<Instance> {
        self.scene.to_the_old_server(&self.names.redirected).await?;
        self.scene
            .frozen("certificate-issuer-1", async || {
                let instance = self.scene.create(&self.names.all()).await?;
                let shown = self
                    .shows(&instance, "the order", |page| page.now == "In progress")
                    .await?;
                look(State::Ordering, &shown).await?;
                Ok(instance)
            })
            .await
    }

    async fn prove(
        &self,
        instance: &Instance,
        look: &impl AsyncFn(State, &Shown) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (scene, names) = (self.scene, self.names);
        let told = self
            .shows(instance, "what to set", |page| page.all(|row| row.needs_its_tenant()))
            .await?;
        look(State::NeedsYou, &told).await?;

        let name = format!("_validation-persist.{}", names.set_once);
        let set_once = told.row(&names.set_once)?.record("TXT", &name)?;
        scene.dns.set_txt(&name, &set_once.value).await?;
        let name = format!("_acme-challenge.{}", names.mistyped);
        let right = told.row(&names.mistyped)?.record("TXT", &name)?;
        scene.dns.set_txt(&name, MISTAKE).await?;
        let partly = |page: &Shown| {
            let is = |domain: &str, wanted: &str| page.row(domain).is_ok_and(|row| row.text.contains(wanted));
            is(&names.set_once, "Verified") && is(&names.mistyped, MISTAKE)
        };
        let shown = self.shows(instance, "one verified and one mistyped", partly).await?;
        look(State::Partly, &shown).await?;

        let from = format!("http://{}/.well-known/acme-challenge/*", names.redirected);
        let redirect = told.row(&names.redirected)?.record("redirect", &from)?;
        let to = redirect.value.trim_end_matches('*');
        scene
            .frozen("distribution-1", async || {
                scene.dns.clear_txt(&name).await?;
                scene.dns.set_txt(&name, &right.value).await?;
                scene.stack.redirect(&names.redirected, Some(to)).await?;
                let is_made = |page: &Shown| page.current.iter().any(|stage| stage.contains("distribution"));
                let shown = self.shows(instance, "the distribution is being made", is_made).await?;
                look(State::InProgress, &shown).await
            })
            .await?;

        let is_done = |page: &Shown| page.now == "Succeeded" && page.certificate.contains("the renewal is planned at");
        let shown = self.shows(instance, "success", is_done).await?;
        look(State::Done, &shown).await?;
        scene.to_the_edge(&names.redirected).await
    }

    async fn update(
        &self,
        instance: &Instance,
        look: &impl AsyncFn(State, &Shown) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.scene
            .frozen("distribution-1", async || {
                let answer = self
                    .scene
                    .platform
                    .update(&instance.id, json!({"path": "/shop"}))
                    .await?;
                ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
                let shown = self
                    .shows(instance, "the update", |page| page.now == "In progress")
                    .await?;
                look(State::Updating, &shown).await
            })
            .await?;
        let shown = self
            .shows(instance, "the update's success", |page| page.now == "Succeeded")
            .await?;
        look(State::Updated, &shown).await
    }

    async fn fail(&self, look: &impl AsyncFn(State, &Shown) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let other = self.scene.create(&[&self.names.set_once]).await?;
        let shown = self.shows(&other, "a failure", |page| page.now == "Failed").await?;
        look(State::Failed, &shown).await
    }

    /// Somebody tidied up a record, and the domain leads to the old web server again, so that HTTP proves nothing, either.
    async fn renew(
        &self,
        instance: &Instance,
        look: &impl AsyncFn(State, &Shown) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let domain = &self.names.set_once;
        let record = format!("_validation-persist.{domain}");
        self.scene.dns.clear_txt(&record).await?;
        self.scene.to_the_old_server(domain).await?;
        self.scene.renew(&instance.id).await?;
        let waits = |page: &Shown| {
            let row = page.row(domain);
            page.renewal == "Your move" && row.is_ok_and(|row| row.needs_its_tenant())
        };
        let shown = self.shows(instance, "a renewal that waits", waits).await?;
        look(State::RenewalWaits, &shown).await
    }

    async fn delete(
        &self,
        instance: &Instance,
        look: &impl AsyncFn(State, &Shown) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.scene
            .frozen("distribution-1", async || {
                let answer = self.scene.platform.deprovision(&instance.id).await?;
                ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
                let is_removed = |page: &Shown| page.text.contains("Removing the service.");
                let shown = self.shows(instance, "the deletion", is_removed).await?;
                look(State::Deleting, &shown).await
            })
            .await?;
        self.scene.platform.succeeded(&instance.id, PATIENCE).await?;
        let shown = self
            .shows(instance, "that there is no page", |page| page.status == 404)
            .await?;
        look(State::Gone, &shown).await
    }

    async fn shows(
        &self,
        instance: &Instance,
        wanted: &str,
        is_wanted: impl Fn(&Shown) -> bool,
    ) -> anyhow::Result<Shown> {
        self.window.shows(&instance.link, wanted, is_wanted).await
    }
}
