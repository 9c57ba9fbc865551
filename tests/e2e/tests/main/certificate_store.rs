//! Where a certificate is: written down so that programs from before read it, and the other way round; and searched for one by one.

use anyhow::Context as _;
use serde_json::{Value, json};
use stack::Options;

use crate::world::{Instance, World, domain, organization, until, world};

/// As programs of schema 22 and before wrote it, verbatim.
const SET_IAM: &str = "update certificates set iam_name = $2, iam_id = coalesce($3, iam_id), \
     uploaded_at = case when $3 is distinct from iam_id and $3 is not null then now() else uploaded_at \
     end where id = $1";

async fn stored(world: &World, instance: &Instance) -> anyhow::Result<tokio_postgres::Row> {
    let stored =
        "select id, iam_name, iam_id, reference from certificates where instance_id = $1 and retired_at is null";
    Ok(world.sql().await?.query_one(stored, &[&instance.id]).await?)
}

async fn is_in_iam(world: &World, name: &str) -> anyhow::Result<bool> {
    let state = world.aws().await?;
    let all = state["certificates"].as_array().context("a list")?;
    Ok(all.iter().any(|certificate| certificate["name"] == name))
}

#[tokio::test]
async fn programs_from_before_and_this_one_read_what_the_other_wrote() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.created(&organization(), &[domain("two-forms")]).await?;
    let row = stored(world, &instance).await?;
    let (id, reference): (uuid::Uuid, Value) = (row.get("id"), row.get("reference"));
    let (name, iam_id): (Option<String>, Option<String>) = (row.get("iam_name"), row.get("iam_id"));
    let (name, iam_id) = (name.context("a name")?, iam_id.context("an id")?);
    assert_eq!(
        reference,
        json!({"store": "iam", "name": name, "in_cloudfront": {"iam_certificate_id": iam_id}})
    );
    assert_eq!(
        world.distributions(&instance).await?[0]["iam_certificate_id"],
        iam_id.as_str()
    );

    // The same certificate, as if a program from before had uploaded it.
    let sql = world.sql().await?;
    sql.execute("update certificates set reference = null where id = $1", &[&id])
        .await?;
    let row = stored(world, &instance).await?;
    assert_eq!(
        (row.get("iam_name"), row.get("iam_id")),
        (None::<String>, None::<String>)
    );
    sql.execute(SET_IAM, &[&id, &name, &None::<String>]).await?;
    let intended: Value = stored(world, &instance).await?.get("reference");
    assert_eq!(intended, json!({"store": "iam", "name": name}));
    sql.execute(SET_IAM, &[&id, &name, &Some(&iam_id)]).await?;
    assert_eq!(stored(world, &instance).await?.get::<_, Value>("reference"), reference);

    assert!(is_in_iam(world, &name).await?);
    world.delete(&instance).await?;
    assert!(
        !is_in_iam(world, &name).await?,
        "this program found what that one wrote"
    );
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_can_not_be_looked_at_keeps_no_other() -> anyhow::Result<()> {
    let world = World::own(Options::fast()).await?;
    let organization = organization();
    let mut names = Vec::new();
    for label in ["one", "other"] {
        let instance = world.created(&organization, &[domain(label)]).await?;
        let name: Option<String> = stored(&world, &instance).await?.get("iam_name");
        names.push(name.context("a name")?);
    }
    let fault = json!({"operation": "iam:ListServerCertificateTags", "code": "Throttling", "percent": 100});
    world.aws_admin("faults", fault).await?;
    world
        .sql()
        .await?
        .execute("update certificates set retired_at = now()", &[])
        .await?;
    let endpoints = world.handle.endpoints();
    until("each was checked", async || {
        let processes = ["cert-installer-1", "cert-installer-2"];
        let logs = processes.iter().filter_map(|name| endpoints.process(name));
        let logs = logs.map(|process| std::fs::read_to_string(&process.log));
        let log = logs.collect::<Result<String, _>>()?;
        let told = |name: &String| {
            log.lines()
                .any(|line| line.contains(name) && line.contains("can't be checked"))
        };
        Ok(names.iter().all(told))
    })
    .await
}
