//! The operator's page: axe finds nothing on any of its pages, everything has room, and an action that is asked for and confirmed is done.

use anyhow::ensure;
use browser::{Appearance, Axe, Chromium, Names, Shown, too_wide};

use crate::scene;

#[tokio::test]
async fn everybody_can_use_the_operators_page() -> anyhow::Result<()> {
    let scene = scene().await?;
    let instance = scene.create(&[&Names::fresh().set_once]).await?;
    let tenant = scene.window().await?;
    let needs_you = |page: &Shown| page.all(|row| row.needs_its_tenant());
    tenant.shows(&instance.link, "what to set", needs_you).await?;
    tenant.close().await?;

    let e = scene.stack.endpoints();
    let (window, axe) = (Chromium::start(&e.operator_url).await?, Axe::installed()?);
    window.log_in(&e.operator_name, &e.operator_password).await?;
    let place = format!("/instances/{}", instance.id);
    let mut faults = Vec::new();
    for path in [
        "/".to_owned(),
        "/running".to_owned(),
        "/failed".to_owned(),
        "/certificates".to_owned(),
        "/audit".to_owned(),
        format!("/search?q={}", instance.organization),
        "/search?q=nothing-is-found".to_owned(),
        format!("{place}/cancel"),
        format!("{place}/new-link"),
        place.clone(),
    ] {
        window.open(&format!("{}{path}", e.operator_url)).await?;
        let shown = window.shown().await?;
        ensure!(shown.status == 200, "{path}: {} {}", shown.status, shown.text);
        for appearance in Appearance::ALL {
            window.appear(appearance).await?;
            let found = [axe.violations(&window).await?, too_wide(&window).await?].concat();
            faults.extend(
                found
                    .iter()
                    .map(|what| format!("{path}, {}: {what}", appearance.name())),
            );
        }
        window.appear(Appearance::FIRST).await?;
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));

    window.click(&format!("a[href=\"{place}/retry\"]")).await?;
    ensure!(window.shown().await?.text.contains("Retry what waits?"), "it asks");
    window.click("form.asks button").await?;
    let shown = window.shown().await?;
    let told = shown.text.contains("What waits is due now");
    ensure!(told && shown.text.contains(&e.operator_name), "{}", shown.text);
    window.close().await
}
