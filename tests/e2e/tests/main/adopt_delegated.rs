//! A distribution of external-domain-broker goes on as an instance, and its tenant's CNAMEs stay as they are: the broker answers the
//! CA at the names to which they lead already.

use anyhow::Context as _;
use customer::status;
use serde_json::Value;
use stack::DELEGATION_ZONE;

use crate::adopt::{Old, adopt, old, provisioned};
use crate::cdnctl::{Said, operate};
use crate::delegation::{challenge_name, delegating};
use crate::world::{Instance, PATIENCE, World, organization, until};

/// The name to which the old broker has its tenants' CNAMEs lead.
fn old_target(old: &Old) -> String {
    format!("{}.{DELEGATION_ZONE}", challenge_name(&old.domain))
}

/// Offers it with the zone.
async fn offer(world: &World, old: &Old, organization: &str) -> anyhow::Result<Said> {
    let resolver = world.handle.endpoints().dns_addr.to_string();
    let zone = ["--delegation-zone", DELEGATION_ZONE, "--resolver", &resolver];
    let args = [old.id.as_str(), "--tenant", organization, "--yes", "--json"];
    adopt(world, &[args.as_slice(), &zone].concat()).await
}

/// The CNAME that is relied on, and the parameters.
async fn offered(world: &World, old: &Old, organization: &str) -> anyhow::Result<(Value, Value)> {
    let said = offer(world, old, organization).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let mut report = said.json()?;
    Ok((report["delegation"]["cnames"][0].take(), report["parameters"].take()))
}

/// The target that the status shows.
async fn shown(world: &World, instance: &Instance) -> anyhow::Result<String> {
    let told = world.told(instance).await?;
    status::cname_target(&told, &instance.domains[0]).context(told)
}

/// The target that the tenant has for the domain: an instance that takes a distribution has settled it before it is accepted.
async fn recorded(world: &World, organization: &str, domain: &str) -> anyhow::Result<String> {
    let query = "select label || '.' || zone from delegation_targets where tenant = $1 and domain = $2";
    let sql = world.sql().await?;
    Ok(sql.query_one(query, &[&organization, &domain]).await?.get(0))
}

/// How the CA was shown that the instance's tenant controls its domains.
async fn methods(world: &World, instance: &Instance) -> anyhow::Result<Vec<String>> {
    let query = "select distinct s.method from steps s join operations o on o.id = s.operation_id \
                 where o.instance_id = $1 and s.method is not null";
    let rows = world.sql().await?.query(query, &[&instance.id]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn the_cnames_of_the_old_brokers_tenants_are_enough_and_are_one_tenants_alone() -> anyhow::Result<()> {
    let world = World::own(delegating()).await?;
    nobody_changes_dns(&world).await?;
    a_target_that_has_served_stays_and_no_other_tenant_gets_the_old_brokers(&world).await
}

async fn nobody_changes_dns(world: &World) -> anyhow::Result<()> {
    let old = old(world, "edb").await?;
    let (name, target, organization) = (challenge_name(&old.domain), old_target(&old), organization());
    // An attempt before: its target has never served.
    let early = world
        .create_in(&organization, std::slice::from_ref(&old.domain))
        .await?;
    assert_ne!(shown(world, &early).await?, target);
    world.delete(&early).await?;

    let (cname, _) = offered(world, &old, &organization).await?;
    assert_eq!(
        (&cname["name"], &cname["target"]),
        (&name.as_str().into(), &target.as_str().into())
    );
    assert_eq!(cname["found"], "missing");
    world.dns.set_cname(&name, &target).await?;
    let (cname, parameters) = offered(world, &old, &organization).await?;
    assert_eq!((&cname["found"], &cname["own"]), (&"there".into(), &false.into()));

    let instance = provisioned(world, &organization, &parameters).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await?;
    let first = world.serial(&instance).await?;
    // Else CloudFront would answer the CA by HTTP.
    world.dns.add_a(&old.domain, &[&world.origin()]).await?;
    assert_eq!(operate(&world.handle, &["renew", &instance.id]).await?.code, Some(0));
    until("the next certificate is served", async || {
        Ok(world.serial(&instance).await? != first)
    })
    .await?;
    assert_eq!(methods(world, &instance).await?, ["delegated-dns-01"]);
    world.delete(&instance).await?;

    // The CNAME that was left is worth nothing to the domain's next owner, and still enough for the tenant.
    let next = world.create(std::slice::from_ref(&old.domain)).await?;
    assert_ne!(shown(world, &next).await?, target);
    world.delete(&next).await?;
    let again = world
        .create_in(&organization, std::slice::from_ref(&old.domain))
        .await?;
    world.platform.succeeded(&again.id, PATIENCE).await?;
    Ok(())
}

async fn a_target_that_has_served_stays_and_no_other_tenant_gets_the_old_brokers(world: &World) -> anyhow::Result<()> {
    let old = old(world, "served").await?;
    let name = challenge_name(&old.domain);
    let [served, second, third] = [(); 3].map(|()| organization());
    let before = world.create_in(&served, std::slice::from_ref(&old.domain)).await?;
    let own = shown(world, &before).await?;
    world.dns.set_cname(&name, &own).await?;
    until("it has proved the domain", async || {
        Ok(!methods(world, &before).await?.is_empty())
    })
    .await?;
    world.delete(&before).await?;
    let (cname, parameters) = offered(world, &old, &served).await?;
    assert_eq!((&cname["target"], &cname["own"]), (&own.as_str().into(), &true.into()));
    assert_eq!(cname["found"], "there");
    world.dns.clear_cname(&name).await?;
    let kept = provisioned(world, &served, &parameters).await?;
    // Before its first write to the distribution, which would make that the tenant's.
    world.delete(&kept).await?;
    assert_eq!(recorded(world, &served, &old.domain).await?, own);

    world.dns.set_cname(&name, &own).await?;
    let (cname, parameters) = offered(world, &old, &second).await?;
    assert_eq!(
        (&cname["found"], &cname["leads_to"]),
        (&"elsewhere".into(), &own.as_str().into())
    );
    let taken = provisioned(world, &second, &parameters).await?;
    world.delete(&taken).await?;
    assert_eq!(recorded(world, &second, &old.domain).await?, old_target(&old));

    let said = offer(world, &old, &third).await?;
    assert_eq!(said.code, Some(2), "{}", said.text);
    for words in [&old_target(&old), &second, "never given to another"] {
        assert!(said.errors.contains(words), "{}", said.errors);
    }
    let offers = operate(&world.handle, &["adopt"]).await?;
    assert!(!offers.text.contains(&third), "nothing was offered: {}", offers.text);
    Ok(())
}
