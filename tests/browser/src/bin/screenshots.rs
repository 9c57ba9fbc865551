//! `make screenshots`: pictures of the tenant's page in its states and of the operator's page, as Chromium shows them in front of a whole stack.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use browser::{Appearance, Chromium, Instance, Names, Scene, Shown, State, walk};
use clap::Parser;

/// Where a picture of a page ends, in pixels of CSS: a hundred domains are 25,000 long.
const MOST: u32 = 1_600;
/// So many of a hundred domains have their record.
const SET: usize = 40;

/// Takes pictures of the tenant's page and of the operator's: each state on a desk and on a phone, light and dark.
#[derive(Parser)]
struct Cli {
    /// Where they are written to; it is made if it isn't there
    folder: PathBuf,
    /// PNG is lossless, and three times as large
    #[arg(long, default_value = "webp", value_parser = ["webp", "png"])]
    format: String,
}

/// Who takes them.
struct Camera {
    window: Chromium,
    cli: Cli,
}

// The kernel ends chromedriver with the thread that started it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    fs::create_dir_all(&cli.folder).with_context(|| cli.folder.display().to_string())?;
    let scene = Scene::start().await?;
    let window = scene.window().await?;
    let camera = Camera { window, cli };
    one(&scene, &camera).await?;
    three(&scene, &camera).await?;
    let hundred = hundred(&scene, &camera).await?;
    let cli = camera.leave().await?;
    operators(&scene, cli, &hundred).await
}

impl Camera {
    /// Takes the pictures of what is in the window.
    async fn take(&self, state: &str) -> anyhow::Result<()> {
        for appearance in Appearance::ALL {
            self.window.appear(appearance).await?;
            let picture = self.window.picture(&self.cli.format, MOST).await?;
            let name = format!("{state}-{}.{}", appearance.name(), self.cli.format);
            let file = self.cli.folder.join(name);
            fs::write(&file, &picture).with_context(|| file.display().to_string())?;
            println!("{} ({} kB)", file.display(), picture.len() / 1000);
        }
        self.window.appear(Appearance::FIRST).await
    }

    /// Closes the window.
    async fn leave(self) -> anyhow::Result<Cli> {
        self.window.close().await?;
        Ok(self.cli)
    }
}

fn needs_you(page: &Shown) -> bool {
    page.all(|row| row.needs_its_tenant())
}

async fn one(scene: &Scene, camera: &Camera) -> anyhow::Result<()> {
    let instance = scene.create(&["www.example.org"]).await?;
    camera.window.shows(&instance.link, "what to set", needs_you).await?;
    camera.take("one").await
}

async fn three(scene: &Scene, camera: &Camera) -> anyhow::Result<()> {
    let names = Names::below("example.com");
    walk(scene, &camera.window, &names, async |state, _| {
        let name = match state {
            State::Partly => "three",
            State::Done => "done",
            State::Failed => "failed",
            State::RenewalWaits => "renewal",
            State::Ordering
            | State::NeedsYou
            | State::InProgress
            | State::Updating
            | State::Updated
            | State::Deleting
            | State::Gone => return Ok(()),
        };
        camera.take(name).await
    })
    .await
}

async fn hundred(scene: &Scene, camera: &Camera) -> anyhow::Result<Instance> {
    let names: Vec<String> = (1..=100)
        .map(|number| format!("site-{number:03}.example.net"))
        .collect();
    let domains: Vec<&str> = names.iter().map(String::as_str).collect();
    let instance = scene.create(&domains).await?;
    let told = camera.window.shows(&instance.link, "what to set", needs_you).await?;
    for domain in &domains[..SET] {
        let name = format!("_validation-persist.{domain}");
        let record = told.row(domain)?.record("TXT", &name)?;
        scene.dns.set_txt(&name, &record.value).await?;
    }
    let some_are_verified = |page: &Shown| page.rows.iter().filter(|row| row.group == "verified").count() == SET;
    camera
        .window
        .shows(&instance.link, "forty of a hundred verified", some_are_verified)
        .await?;
    camera.take("hundred").await?;
    Ok(instance)
}

/// The operator's page, and what it says of one instance.
async fn operators(scene: &Scene, cli: Cli, instance: &Instance) -> anyhow::Result<()> {
    let e = scene.stack.endpoints();
    let window = Chromium::start(&e.operator_url).await?;
    window.log_in(&e.operator_name, &e.operator_password).await?;
    let camera = Camera { window, cli };
    for (name, path) in [
        ("operator", "/".to_owned()),
        ("operator-instance", format!("/instances/{}", instance.id)),
    ] {
        camera.window.open(&format!("{}{path}", e.operator_url)).await?;
        camera.take(name).await?;
    }
    camera.leave().await.map(drop)
}
