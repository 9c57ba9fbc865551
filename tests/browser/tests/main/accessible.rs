//! Nobody is kept from reading the page: axe finds nothing in any state, and everything has room, on a desk and on a phone, light and
//! dark.

use std::cell::RefCell;

use anyhow::ensure;
use browser::{Appearance, Axe, Chromium, Names, State, too_wide, walk};

use crate::scene;

#[tokio::test]
async fn in_each_state_everybody_can_read_the_page() -> anyhow::Result<()> {
    let scene = scene().await?;
    let (window, axe) = (scene.window().await?, Axe::installed()?);
    // All of them are told at once.
    let faults = RefCell::new(Vec::new());
    walk(scene, &window, &Names::fresh(), async |state, _| {
        // That one is plain text.
        if state == State::Gone {
            return Ok(());
        }
        for appearance in Appearance::ALL {
            window.appear(appearance).await?;
            let found = [axe.violations(&window).await?, too_wide(&window).await?].concat();
            let told = found
                .iter()
                .map(|what| format!("{state:?}, {}: {what}", appearance.name()));
            faults.borrow_mut().extend(told);
        }
        window.appear(Appearance::FIRST).await
    })
    .await?;
    window.close().await?;
    let faults = faults.into_inner();
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Validates the judges of that test.
#[tokio::test]
async fn what_keeps_people_from_reading_a_page_is_seen() -> anyhow::Result<()> {
    let window = Chromium::start("http://127.0.0.3").await?;
    let axe = Axe::installed()?;
    window
        .open(
            "data:text/html,<p style='color: silver'>Pale</p>\
             <table style='table-layout: fixed; width: 60px'><tr><td><b style='white-space: nowrap'>Nothing found yet</b></table>",
        )
        .await?;
    let violations = axe.violations(&window).await?;
    for rule in ["color-contrast", "document-title", "html-has-lang"] {
        ensure!(
            violations.iter().any(|one| one.starts_with(rule)),
            "{rule}: {violations:?}"
        );
    }
    let wide = too_wide(&window).await?;
    ensure!(wide.iter().any(|one| one.starts_with("td \"Nothing")), "{wide:?}");
    window.close().await
}
