//! The page by keyboard alone: all that can be used is reached in the order in which it stands, and where one is can be seen.

use std::time::Duration;

use anyhow::{bail, ensure};
use browser::{Chromium, Key, Names, PATIENCE, Shown};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::scene;

/// The sections of the page, by what their headings are called in addresses.
const SECTIONS: [&str; 5] = ["now", "domains", "certificate", "distribution", "history"];

/// Where the keyboard is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Focus {
    /// Among all that can be used; -1: nowhere.
    place: i64,
    /// How many those are.
    count: i64,
    what: String,
    is_seen: bool,
}

#[tokio::test]
async fn by_keyboard_everything_is_reached_in_its_order_and_seen() -> anyhow::Result<()> {
    let scene = scene().await?;
    let window = scene.window().await?;
    let instance = scene.create(&[&Names::fresh().set_once]).await?;
    let link = &instance.link;
    let needs_you = |page: &Shown| page.all(|row| row.needs_its_tenant());
    window.shows(link, "what to set", needs_you).await?;

    everything_in_its_order(&window).await?;
    window.open(link).await?;
    the_skip_link_leads_to_the_content(&window).await?;
    for section in SECTIONS {
        window.open(link).await?;
        a_link_leads_to_its_section(&window, section).await?;
    }
    window.open(link).await?;
    what_is_folded_opens_and_closes(&window).await?;
    window.open(link).await?;
    the_page_is_loaded_again(&window).await?;
    window.close().await
}

async fn focus(window: &Chromium) -> anyhow::Result<Focus> {
    window.value(include_str!("focus.js"), Vec::new()).await
}

/// Whether something is so that a script looks at.
pub(crate) async fn is(window: &Chromium, condition: &str) -> anyhow::Result<bool> {
    window.value(&format!("return {condition}"), Vec::new()).await
}

async fn everything_in_its_order(window: &Chromium) -> anyhow::Result<()> {
    let mut expected = 0;
    loop {
        window.press(Key::Tab).await?;
        let focus = focus(window).await?;
        if focus.place < 0 {
            ensure!(
                expected == focus.count,
                "the keyboard leaves the page after {expected}: {focus:?}"
            );
            // The skip link, the reload, the sections, and something to unfold.
            ensure!(expected > 8, "only {expected} can be used");
            return Ok(());
        }
        ensure!(focus.place == expected, "{expected} was to be next: {focus:?}");
        ensure!(focus.is_seen, "nobody sees that the keyboard is at {focus:?}");
        expected += 1;
    }
}

/// Presses Tab until the keyboard is at an element.
pub(crate) async fn tab_to(window: &Chromium, selector: &str) -> anyhow::Result<()> {
    loop {
        window.press(Key::Tab).await?;
        let script = "return document.activeElement.matches(arguments[0])";
        if window.value(script, vec![json!(selector)]).await? {
            return Ok(());
        }
        if focus(window).await?.place < 0 {
            bail!("no way to {selector}");
        }
    }
}

async fn the_skip_link_leads_to_the_content(window: &Chromium) -> anyhow::Result<()> {
    window.press(Key::Tab).await?;
    let skip = focus(window).await?;
    ensure!(skip.what == "a Skip to the content" && skip.is_seen, "{skip:?}");
    window.press(Key::Enter).await?;
    ensure!(
        is(window, "document.activeElement.id === 'main'").await?,
        "not at the content"
    );
    window.press(Key::Tab).await?;
    let next = focus(window).await?;
    ensure!(
        is(window, "document.activeElement.closest('main') !== null").await?,
        "the sections are not skipped: {next:?}"
    );
    Ok(())
}

async fn a_link_leads_to_its_section(window: &Chromium, section: &str) -> anyhow::Result<()> {
    tab_to(window, &format!("a[href='#{section}']")).await?;
    window.press(Key::Enter).await?;
    // A page is scrolled by whole pixels, and its sections don't begin at one.
    let is_in_view = format!(
        "location.hash === '#{section}' && document.getElementById('{section}').getBoundingClientRect().top > -1 \
         && document.getElementById('{section}').getBoundingClientRect().bottom <= innerHeight"
    );
    until(window, &is_in_view).await
}

async fn what_is_folded_opens_and_closes(window: &Chromium) -> anyhow::Result<()> {
    const IS_OPEN: &str = "[...document.activeElement.parentElement.children].every(one => one.checkVisibility())";
    tab_to(window, "summary").await?;
    ensure!(!is(window, IS_OPEN).await?, "it is open from the beginning");
    window.press(Key::Enter).await?;
    until(window, IS_OPEN).await?;
    window.press(Key::Enter).await?;
    until(window, &format!("!{IS_OPEN}")).await
}

async fn the_page_is_loaded_again(window: &Chromium) -> anyhow::Result<()> {
    ensure!(
        is(window, "(document.body.dataset.old = 'yes') === 'yes'").await?,
        "no mark"
    );
    tab_to(window, "header p a").await?;
    window.press(Key::Enter).await?;
    until(
        window,
        "document.readyState === 'complete' && document.body.dataset.old === undefined",
    )
    .await
}

/// Waits until it is so.
pub(crate) async fn until(window: &Chromium, condition: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is(window, condition).await? {
        ensure!(Instant::now() < deadline, "never: {condition}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
