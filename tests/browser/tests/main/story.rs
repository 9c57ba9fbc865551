//! The demo's story on the page, without JavaScript: what is set is what the page says, and each step of the broker is seen.

use anyhow::ensure;
use browser::{Chromium, Names, Shown, State, walk};

use crate::scene;

#[tokio::test]
async fn without_scripts_the_page_tells_the_whole_story() -> anyhow::Result<()> {
    let scene = scene().await?;
    let window = scene.window().await?;
    no_scripts(&window).await?;
    let names = Names::fresh();
    walk(scene, &window, &names, async |state, shown| {
        if state == State::NeedsYou {
            other_ways_are_folded(&window, &names, shown).await?;
        }
        tells(state, shown, &names)
    })
    .await?;
    window.close().await
}

async fn no_scripts(window: &Chromium) -> anyhow::Result<()> {
    const SCRIPTED: &str = "data:text/html,<title>off</title><script>document.title = 'on'</script>";
    window.open(SCRIPTED).await?;
    ensure!(window.title().await? == "on", "the judge sees scripts that run");
    window.run_scripts(false).await?;
    window.open(SCRIPTED).await?;
    ensure!(window.title().await? == "off", "scripts run");
    Ok(())
}

/// A click shows them.
async fn other_ways_are_folded(window: &Chromium, names: &Names, shown: &Shown) -> anyhow::Result<()> {
    let name = format!("_acme-challenge.{}", names.mistyped);
    let row = shown.row(&names.mistyped)?;
    let value = &row.record("TXT", &name)?.value;
    ensure!(!row.text.contains(value), "it is not folded: {}", row.text);
    for row in 1..=names.all().len() {
        // The first is the group's heading.
        let summary = format!("#needs-you tr:nth-child({}) summary", row + 1);
        window.click(&summary).await?;
    }
    let shown = window.shown().await?;
    let row = shown.row(&names.mistyped)?;
    ensure!(row.text.contains(value), "it is still folded: {}", row.text);
    Ok(())
}

/// What the page has to say in a state.
fn tells(state: State, shown: &Shown, names: &Names) -> anyhow::Result<()> {
    let domain = &names.set_once;
    let history = |begins: &str, ends: &str| {
        let mut lines = shown.history.lines();
        lines.any(|line| line.starts_with(begins) && line.contains(ends))
    };
    match state {
        State::Ordering => {
            ensure!(shown.title.ends_with(" and 2 more"), "{}", shown.title);
            says(shown, "Ordering the certificate for 3 domains.")?;
            says(shown, "In a minute this shows the DNS record for each domain.")?;
            stand(shown, &names.all(), "Being ordered")?;
        }
        State::NeedsYou => {
            says(shown, "Waiting for you: 3 of 3 domains need a DNS record.")?;
            says(shown, "Set once, good for every later certificate:")?;
            says(shown, &format!("_validation-persist.{domain}"))?;
            says(shown, "Needs you: 3")?;
        }
        State::Partly => {
            says(shown, "Waiting for you: 2 of 3 domains need a DNS record.")?;
            stand(shown, &[domain], "Verified")?;
            stand(shown, &[&names.mistyped], "Not in place")?;
        }
        State::InProgress => {
            says(shown, "Nothing for you to do now.")?;
            stand(shown, &names.all(), "Verified")?;
        }
        State::Done => {
            says(shown, "3 domains are ready: CNAME each to")?;
            stand(shown, &names.all(), "Served")?;
            ensure!(
                shown.distribution.matches(".cloudfront.net").count() == 3,
                "{}",
                shown.distribution
            );
            for name in names.all() {
                ensure!(shown.certificate.contains(name), "{}", shown.certificate);
            }
            ensure!(shown.certificate.contains("Pebble"), "{}", shown.certificate);
            ensure!(history("Creation", "succeeded"), "{}", shown.history);
        }
        State::Updating => {
            says(shown, "Until then the service keeps working unchanged.")?;
            stand(shown, &names.all(), "Served")?;
            ensure!(history("Update", "in progress"), "{}", shown.history);
            ensure!(shown.history.contains("/shop"), "what was asked for: {}", shown.history);
            ensure!(history("Creation", "succeeded"), "{}", shown.history);
        }
        State::Updated => {
            says(shown, "Updated.")?;
            ensure!(shown.distribution.contains("/shop"), "{}", shown.distribution);
            ensure!(history("Update", "succeeded"), "{}", shown.history);
        }
        State::Failed => {
            says(shown, &format!("{domain} belongs to another service instance"))?;
            stand(shown, &[domain], "Not proved")?;
            ensure!(history("Creation", "failed"), "{}", shown.history);
        }
        State::RenewalWaits => {
            says(shown, "Renewal of the certificate")?;
            ensure!(shown.now == "Succeeded", "the platform's own is over: {}", shown.now);
            ensure!(history("Renewal", "in progress"), "{}", shown.history);
        }
        State::Deleting => {
            stand(shown, &names.all(), "Being removed")?;
            ensure!(history("Deletion", "in progress"), "{}", shown.history);
        }
        State::Gone => {
            says(shown, "There is no page at this address.")?;
            ensure!(!shown.text.contains(domain), "{}", shown.text);
        }
    }
    Ok(())
}

fn says(shown: &Shown, words: &str) -> anyhow::Result<()> {
    ensure!(shown.text.contains(words), "no {words:?} in\n{}", shown.text);
    Ok(())
}

fn stand(shown: &Shown, domains: &[&str], standing: &str) -> anyhow::Result<()> {
    for domain in domains {
        let row = shown.row(domain)?;
        ensure!(row.standing == standing, "{domain} is {:?}: {}", row.standing, row.text);
    }
    Ok(())
}
