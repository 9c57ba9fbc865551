//! What cdnctl reads of instances and certificates.

use anyhow::Context as _;
use customer::status;
use uuid::Uuid;

use super::cdnctl;
use crate::world::{domain, organization, world};

#[tokio::test]
async fn an_instance_is_shown_with_its_certificate_and_every_step() -> anyhow::Result<()> {
    let world = world().await;
    let database = &world.handle.endpoints().database_url;
    let organization = organization();
    let mut names = [domain("shown-a"), domain("shown-b")];
    names.sort();
    let instance = world.created(&organization, &names).await?;

    let said = cdnctl(database, &["show", &instance.id]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert!(said.line("TENANT ").contains(&organization), "{}", said.text);
    assert!(said.line("DOMAINS ").ends_with(&names.join(", ")), "{}", said.text);
    assert!(said.line("DISTRIBUTION ").contains(".cloudfront.net"), "{}", said.text);
    assert!(said.line("PROVISION ").contains("succeeded"), "{}", said.text);
    let steps = said.text.lines().filter(|line| line.contains("verify-challenge"));
    let proved = steps.filter(|line| line.contains("done (dns-persist-01)")).count();
    assert_eq!(proved, 2, "{}", said.text);

    let json = cdnctl(database, &["show", &instance.id, "--json"]).await?.json()?;
    let certificate = &json["certificates"][0];
    let (id, name) = (certificate["id"].as_str(), certificate["reference"]["name"].as_str());
    let (id, name) = (id.context("an id")?, name.context("a name in its store")?);
    let cells = said.cells(id);
    let serial = json["serials"][id].as_str().context("a serial")?;
    assert_eq!(
        cells[..4],
        [id, serial, name, &format!("{} +1", names[0])],
        "{}",
        said.text
    );
    let visit = world.browser().https(&names[0], "/").await?;
    let digits = |text: &str| text.replace(':', "").trim_start_matches('0').to_lowercase();
    assert_eq!(digits(&visit.serial), digits(serial));
    assert!(
        !json.to_string().contains("BEGIN CERTIFICATE"),
        "the chain is not for reading"
    );

    // The newest operation is an update now, and the only one that is asked for.
    let changed = world
        .platform
        .update(&instance.id, serde_json::json!({"path": "/shown"}))
        .await?;
    assert_eq!(changed.status, 202, "{}", changed.text);
    world.platform.succeeded(&instance.id, crate::world::PATIENCE).await?;
    let last = cdnctl(database, &["show", &instance.id, "--operation", "last"]).await?;
    assert!(last.line("UPDATE ").contains("succeeded"), "{}", last.text);
    assert!(!last.text.contains("PROVISION"), "{}", last.text);
    assert!(last.line("SETTINGS ").contains("path=/shown"), "{}", last.text);
    let other = Uuid::new_v4().to_string();
    let none = cdnctl(database, &["show", &instance.id, "--operation", &other]).await?;
    assert_eq!((none.code, none.text.as_str()), (Some(2), ""), "{}", none.errors);
    assert!(none.errors.contains("has no operation"), "{}", none.errors);
    world.delete(&instance).await?;
    let removed = cdnctl(database, &["show", &instance.id]).await?;
    assert!(removed.line("REMOVED ").contains("ago"), "{}", removed.text);
    Ok(())
}

#[tokio::test]
async fn what_the_ca_is_still_to_be_shown_is_what_the_user_reads() -> anyhow::Result<()> {
    let world = world().await;
    let database = &world.handle.endpoints().database_url;
    let (organization, name) = (organization(), domain("open"));
    let instance = world.create_in(&organization, std::slice::from_ref(&name)).await?;
    let told = world.told(&instance).await?;
    let value = status::persist_value(&told).context("a record in the status")?;

    let said = cdnctl(database, &["show", &instance.id]).await?;
    let open: Vec<&str> = said
        .text
        .lines()
        .filter(|line| line.starts_with(&format!("  {name}")))
        .collect();
    for (way, words) in [
        ("dns-persist-01", value.as_str()),
        ("dns-01", "_acme-challenge."),
        ("http-01", "/.well-known/acme-challenge/"),
    ] {
        let line = open
            .iter()
            .find(|line| line.contains(way))
            .with_context(|| said.text.clone())?;
        assert!(line.contains(words), "{line}");
    }

    // Found by its domain, its tenant and its state.
    for choice in [
        ["--domain", name.as_str()],
        ["--domain", &format!("{}.", name.to_uppercase())],
        ["--tenant", &organization],
    ] {
        let found = cdnctl(database, &[&["instances"], &choice[..]].concat()).await?;
        assert_eq!(found.code, Some(0), "{}", found.text);
        let cells = found.cells(&instance.id);
        assert_eq!(
            cells[1..5],
            [&organization, &name, "provision", "running"],
            "{}",
            found.text
        );
        assert!(
            cells[7].starts_with(&format!("verify-challenge {name}: ")),
            "{}",
            found.text
        );
        assert_eq!(found.text.lines().count(), 2, "{}", found.text);
    }
    let running = cdnctl(database, &["instances", "--state", "running", "--json"])
        .await?
        .json()?;
    let ids: Vec<&str> = running
        .as_array()
        .context("a list")?
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    assert!(ids.contains(&instance.id.as_str()), "{ids:?}");
    let failed = cdnctl(database, &["instances", "--state", "failed", "--tenant", &organization]).await?;
    assert_eq!((failed.code, failed.text.as_str()), (Some(1), "no such instance\n"));
    world.delete(&instance).await
}

#[tokio::test]
async fn a_certificate_that_nobody_renews_is_an_exit_code() -> anyhow::Result<()> {
    let world = world().await;
    let database = &world.handle.endpoints().database_url;
    let name = domain("overdue");
    let instance = world.created(&organization(), std::slice::from_ref(&name)).await?;
    let said = cdnctl(database, &["certificates"]).await?;
    let cells = said.cells(&instance.id);
    assert_eq!((cells[1], cells[5]), (name.as_str(), "ok"), "{}", said.text);

    let sql = world.sql().await?;
    let due = "update certificates set renew_at = now() - interval '2 hours' where instance_id = $1";
    sql.execute(due, &[&instance.id]).await?;
    let said = cdnctl(database, &["certificates"]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert_eq!(said.cells(&instance.id)[5], "OVERDUE", "{}", said.text);
    let json = cdnctl(database, &["certificates", "--json"]).await?.json()?;
    let line = json
        .as_array()
        .context("a list")?
        .iter()
        .find(|one| one["instance"] == instance.id.as_str());
    assert_eq!(line.context("the instance")?["standing"], "overdue", "{json}");
    // It doesn't end soon.
    let soon = cdnctl(database, &["certificates", "--expiring", "1m"]).await?;
    assert!(!soon.text.contains(&instance.id), "{}", soon.text);
    world.delete(&instance).await
}

#[tokio::test]
async fn every_command_says_what_it_could_not_do() -> anyhow::Result<()> {
    let e = world().await.handle.endpoints();
    for args in [
        &["show", "no-such-instance"][..],
        &["retry", "no-such-instance"],
        &["cancel", "no-such-instance", "--why", "x", "--yes"],
    ] {
        let said = cdnctl(&e.database_url, args).await?;
        assert_eq!((said.code, said.text.as_str()), (Some(2), ""));
        assert!(
            said.errors.contains("no instance \"no-such-instance\""),
            "{}",
            said.errors
        );
    }
    let said = cdnctl(&e.database_url, &["renew", "no-such-instance"]).await?;
    assert_eq!(said.code, Some(1));
    assert!(said.text.contains("no such instance"), "{}", said.text);

    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let away = format!("postgres://somebody:hunter2-secret@{closed}/nothing");
    for args in [
        &["show", "x"][..],
        &["instances"],
        &["certificates"],
        &["retry", "x"],
        &["renew", "x"],
        &["renew", "--all", "--yes"],
        &["cancel", "x", "--why", "x", "--yes"],
        &["orphans"],
    ] {
        let said = cdnctl(&away, args).await?;
        assert_eq!((said.code, said.text.as_str()), (Some(2), ""), "{args:?}");
        assert!(said.errors.contains("the database can't be queried"), "{}", said.errors);
    }
    Ok(())
}
