//! What an update asks to change is kept with it, in words.

use anyhow::{Context as _, bail};
use pipeline::InstanceSettings;
use serde_json::json;
use store::{Bounds, Changes, Requester, Update};

use super::desk;
use crate::world::{connect, domain, organization};

#[tokio::test]
async fn an_updates_page_says_what_it_asked_to_change() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (there, added) = (domain("there"), domain("added"));
    let new = desk.new_instance(&organization(), std::slice::from_ref(&there));
    let (asked, schedules) = (Requester::default(), &desk.schedules);
    desk.store.provision(&new, &asked, Bounds::default(), schedules).await?;
    desk.change(
        "update steps set state = 'cancelled', ended_at = now(); \
         update operations set state = 'succeeded', ended_at = now()",
    )
    .await?;
    let domains = vec![there.clone(), added.clone()];
    let changes = Changes {
        id: new.id.clone(),
        base: new.request.clone(),
        request: json!({"parameters": {"domains": domains, "http3": true}}),
        settings: InstanceSettings {
            http3: true,
            certificate_authorities: vec!["the-plans-own".to_owned()],
            ..new.settings.clone()
        },
        domains,
        look_again: false,
        notify: None,
    };
    let Update::Accepted { .. } = desk
        .store
        .update(&changes, &asked, Bounds::default(), schedules)
        .await?
    else {
        bail!("not accepted");
    };
    let page = desk.store.page(&new.id).await?.context("a page")?;
    let said: Vec<String> = page.facts.operations[0]
        .changes
        .iter()
        .map(|change| format!("{}: {}", change.parameter, change.says))
        .collect();
    let expected = [
        format!("domains: Added: {added}"),
        "http3: HTTP/3 is offered in addition to HTTP/2".to_owned(),
    ];
    assert_eq!(said, expected, "and not what only the plan sets");
    assert!(
        page.facts.operations[1].changes.is_empty(),
        "a creation changes nothing"
    );

    // As an older program writes an update.
    let sql = connect(&desk.url).await?;
    sql.execute("update operations set changes = null", &[]).await?;
    let page = desk.store.page(&new.id).await?.context("a page")?;
    assert!(page.facts.operations[0].changes.is_empty());
    Ok(())
}
