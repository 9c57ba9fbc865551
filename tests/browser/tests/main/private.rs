//! Nobody learns who reads the page: it asks nobody but its own server, and asks there for its two files and its changes alone. Every other test ends
//! by the same look (`Chromium::close`).

use std::time::Duration;

use anyhow::ensure;
use browser::{Appearance, Names, PATIENCE, Shown};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::scene;

#[tokio::test]
async fn nothing_is_asked_of_anybody_else() -> anyhow::Result<()> {
    let scene = scene().await?;
    let window = scene.window().await?;

    // Validates the judge.
    window
        .open("data:text/html,<img src='http://elsewhere.example/x.png'>")
        .await?;
    let asked = window.asked().await?;
    let urls: Vec<&str> = asked.iter().map(|url| url.as_str()).collect();
    ensure!(
        urls == ["http://elsewhere.example/x.png"] && !window.is_own(&asked[0]),
        "{urls:?}"
    );

    let instance = scene.create(&[&Names::fresh().set_once]).await?;
    let needs_you = |page: &Shown| page.all(|row| row.needs_its_tenant());
    window.shows(&instance.link, "what to set", needs_you).await?;
    for appearance in Appearance::ALL {
        window.appear(appearance).await?;
    }
    // Everything that a reader can do without leaving the page.
    let script = "for (const details of document.querySelectorAll('details')) details.open = true; \
                  for (const link of document.querySelectorAll('a[href^=\"#\"]')) link.click(); return null";
    window.value::<Value>(script, Vec::new()).await?;
    let asked = window.asked().await?;
    for url in &asked {
        ensure!(window.is_own(url), "{url}");
        let address = format!("{}{}", url.origin().ascii_serialization(), url.path());
        let is_page = address == instance.link || address == format!("{}/live", instance.link);
        ensure!(
            is_page || url.path().starts_with("/assets/") || url.path() == "/favicon.ico",
            "{url}"
        );
    }
    for of_the_page in [".css", ".js", "/live"] {
        let is_asked_for = asked.iter().any(|url| url.path().ends_with(of_the_page));
        ensure!(is_asked_for, "no {of_the_page}: {asked:?}");
    }

    // What its policy forbids, the browser refuses, and the judge sees.
    let image = "const image = new Image(); image.src = arguments[0]; document.body.append(image); return null";
    window
        .value::<Value>(image, vec![json!("http://elsewhere.example/y.png")])
        .await?;
    let deadline = Instant::now() + PATIENCE;
    while !window.complaints().await?.iter().any(|said| said.contains("y.png")) {
        ensure!(Instant::now() < deadline, "nobody complains of it");
        sleep(Duration::from_millis(20)).await;
    }
    window.asked().await?;
    window.close().await
}
