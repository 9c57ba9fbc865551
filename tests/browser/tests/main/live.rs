//! With its script the page shows changes by itself: nothing is loaded anew, and the reader stays where he is.

use anyhow::ensure;
use browser::{Axe, Chromium, Key, Names, Shown};
use serde_json::Value;

use crate::keyboard::{is, tab_to, until};
use crate::scene;

const VERIFIER: &str = "challenge-verifier-1";
/// Holds as long as the page is not loaded anew.
const IS_THE_SAME: &str = "document.body.dataset.same === 'yes'";
const IS_CONNECTED: &str = "document.getElementById('live').textContent.includes('by itself')";

/// The row of a domain, for scripts.
fn row(domain: &str) -> String {
    format!("document.getElementById('at-{domain}')")
}

async fn run(window: &Chromium, script: &str) -> anyhow::Result<()> {
    window
        .value::<Value>(&format!("{script}; return null"), Vec::new())
        .await?;
    Ok(())
}

/// Marks the page, and waits until it is told of changes.
async fn settle(window: &Chromium) -> anyhow::Result<()> {
    run(window, "document.body.dataset.same = 'yes'").await?;
    until(window, IS_CONNECTED).await
}

#[tokio::test]
async fn a_domain_turns_verified_without_a_reload_and_the_reader_stays_where_he_is() -> anyhow::Result<()> {
    let scene = scene().await?;
    let window = scene.window().await?;
    let names = Names::fresh();
    let (set, unset) = (&names.set_once, &names.mistyped);
    let instance = scene.create(&[set, unset]).await?;
    let needs_you = |page: &Shown| page.all(|row| row.needs_its_tenant());
    let told = window.shows(&instance.link, "what to set", needs_you).await?;
    settle(&window).await?;
    ensure!(
        !is(&window, "document.querySelector('.choices') !== null").await?,
        "there is one group"
    );

    window.click(&format!("[id='at-{unset}'] summary")).await?;
    run(&window, &format!("{}.querySelector('button.copies').focus()", row(set))).await?;
    let name = format!("_validation-persist.{set}");
    let record = told.row(set)?.record("TXT", &name)?;
    scene.dns.set_txt(&name, &record.value).await?;
    until(&window, &format!("{}.closest('tbody').id === 'verified'", row(set))).await?;
    ensure!(is(&window, IS_THE_SAME).await?, "it was loaded anew");
    let at_the_domain = format!("document.activeElement.closest('tr') === {}", row(set));
    ensure!(is(&window, &at_the_domain).await?, "the keyboard is elsewhere");
    let unfolded = format!("{}.querySelector('details').open", row(unset));
    ensure!(is(&window, &unfolded).await?, "it is folded again");
    let shown = window.shown().await?;
    ensure!(shown.row(set)?.standing == "Verified", "{:?}", shown.row(set)?);

    only_some_domains_are_shown(&window, set, unset).await?;
    a_value_is_copied(&window, unset).await?;

    scene.revoke(&instance.id).await?;
    until(
        &window,
        "Boolean(document.body?.innerText.includes('There is no page at this address.'))",
    )
    .await?;
    window.close().await
}

async fn only_some_domains_are_shown(window: &Chromium, verified: &str, other: &str) -> anyhow::Result<()> {
    let both = |first: bool, second: bool| {
        format!(
            "{}.checkVisibility() === {first} && {}.checkVisibility() === {second}",
            row(verified),
            row(other)
        )
    };
    for (show, condition) in [
        ("verified", both(true, false)),
        ("needs-you", both(false, true)),
        ("all", both(true, true)),
    ] {
        window.click(&format!("button[data-show='{show}']")).await?;
        ensure!(is(window, &condition).await?, "{show}");
        let pressed = format!("document.querySelector('button[aria-pressed=true]').dataset.show === '{show}'");
        ensure!(is(window, &pressed).await?, "{show} is not pressed");
    }
    Ok(())
}

async fn a_value_is_copied(window: &Chromium, domain: &str) -> anyhow::Result<()> {
    window.click(&format!("[id='at-{domain}'] .copies")).await?;
    let copied = format!(
        "{}.querySelector('.copies').textContent.startsWith('Copied')",
        row(domain)
    );
    until(window, &copied).await
}

#[tokio::test]
async fn check_now_is_answered_on_the_page_by_keyboard() -> anyhow::Result<()> {
    let scene = scene().await?;
    let window = scene.window().await?;
    let instance = scene.create(&[&Names::fresh().set_once]).await?;
    let needs_you = |page: &Shown| page.all(|row| row.needs_its_tenant());
    window.shows(&instance.link, "what to set", needs_you).await?;
    scene
        .frozen(VERIFIER, async || {
            window.open(&instance.link).await?;
            settle(&window).await?;
            tab_to(&window, "button[name='domain']").await?;
            window.press(Key::Enter).await?;
            // That it is being looked at, or that it is too soon for that.
            until(&window, "document.getElementById('said').textContent.includes('look')").await?;
            ensure!(is(&window, IS_THE_SAME).await?, "it was loaded anew");
            ensure!(is(&window, "location.search === ''").await?, "it is at another address");
            Ok(())
        })
        .await?;
    window.close().await
}

#[tokio::test]
async fn a_check_from_outside_is_asked_for_by_keyboard_and_shown_without_a_reload() -> anyhow::Result<()> {
    const DISTRIBUTION: &str = "document.getElementById('section-distribution')";
    let scene = scene().await?;
    let window = scene.window().await?;
    let domain = Names::fresh().set_once;
    let instance = scene.create(&[&domain]).await?;
    let needs_you = |page: &Shown| page.all(|row| row.needs_its_tenant());
    let told = window.shows(&instance.link, "what to set", needs_you).await?;
    let name = format!("_validation-persist.{domain}");
    let record = told.row(&domain)?.record("TXT", &name)?;
    scene.dns.set_txt(&name, &record.value).await?;
    let is_done = |page: &Shown| page.now == "Succeeded";
    window.shows(&instance.link, "success", is_done).await?;
    settle(&window).await?;
    tab_to(&window, "button[form='outside']").await?;
    window.press(Key::Enter).await?;
    until(
        &window,
        "document.getElementById('said').textContent.includes('from outside')",
    )
    .await?;
    until(&window, &format!("{DISTRIBUTION}.innerText.includes('It is served.')")).await?;
    ensure!(is(&window, IS_THE_SAME).await?, "it was loaded anew");
    ensure!(is(&window, "location.search === ''").await?, "it is at another address");
    // What was seen is folded, and unfolds.
    window.click("#section-distribution summary").await?;
    until(&window, &format!("{DISTRIBUTION}.innerText.includes('Answer: HTTP')")).await?;
    let violations = Axe::installed()?.violations(&window).await?;
    ensure!(violations.is_empty(), "{}", violations.join("\n"));
    window.close().await
}
