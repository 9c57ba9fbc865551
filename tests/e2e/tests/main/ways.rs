//! Each way to prove a domain ends in HTTPS on it.

use customer::status;

use crate::world::{PATIENCE, domain, world};

#[tokio::test]
async fn the_set_once_record_is_enough_and_nothing_is_left_after_the_end() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world
        .created(&crate::world::organization(), &[domain("persist")])
        .await?;
    world.serves(&instance).await?;
    assert_eq!(world.distributions(&instance).await?.len(), 1);
    let plain = world.browser().http(&instance.domains[0], "/").await?;
    assert_eq!(plain.status, 301, "plain HTTP leads to HTTPS");
    world.delete(&instance).await?;
    assert_eq!(world.distributions(&instance).await?.len(), 0);
    let certificates = world.aws().await?["certificates"].to_string();
    assert!(!certificates.contains(&instance.domains[0]), "{certificates}");
    assert!(
        world.browser().https(&instance.domains[0], "/").await.is_err(),
        "it is no longer served"
    );
    Ok(())
}

#[tokio::test]
async fn this_orders_txt_record_is_enough() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.create(&[domain("dns01")]).await?;
    let told = world.told(&instance).await?;
    let name = &instance.domains[0];
    let value = status::dns01_value(&told, name).expect("a TXT value in the status");
    // Another value beside it, of somebody else's order, does no harm.
    world
        .dns
        .set_txt(&format!("_acme-challenge.{name}"), "somebody-elses-value")
        .await?;
    world.dns.set_txt(&format!("_acme-challenge.{name}"), &value).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await
}

#[tokio::test]
async fn a_redirect_of_the_old_web_server_is_enough() -> anyhow::Result<()> {
    let world = world().await;
    let name = domain("http01");
    world.dns.add_a(&name, &[&world.origin()]).await?;
    let instance = world.create(std::slice::from_ref(&name)).await?;
    let told = world.told(&instance).await?;
    assert!(
        told.contains(&format!("HTTP 404 from {}", world.origin())),
        "the status says what the web server answers: {told}"
    );
    let to = status::redirect_target(&told).expect("a redirect in the status");
    // The token is answered in this tenant's part of the responder and in nobody else's: a redirect that an owner leaves
    // behind is worth nothing to the next tenant.
    let token: String = world
        .sql()
        .await?
        .query_one(
            "select challenges #>> '{offered,http-01,token}' from authorizations where domain = $1",
            &[&name],
        )
        .await?
        .get(0);
    let (_, own) = to.split_once("/acme/").expect("the tenant is part of the way");
    let tenant = own.split('/').next().unwrap_or_default();
    for (path, status) in [
        (format!("/acme/{own}{token}"), 200),
        (format!("/acme/{}{token}", own.replace(tenant, "another-tenant")), 404),
        (format!("/.well-known/acme-challenge/{token}"), 404),
    ] {
        let answer = customer::platform::answer(world.platform.bare(reqwest::Method::GET, &path)).await?;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
    world.handle.redirect(&name, Some(&to)).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.dns.add_a(&name, &[&world.edge()]).await?;
    world.serves(&instance).await
}

#[tokio::test]
async fn a_delegated_challenge_is_followed() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.create(&[domain("cname")]).await?;
    let told = world.told(&instance).await?;
    let name = &instance.domains[0];
    let target = format!(
        "{}.acme-delegation.example.net",
        name.split('.').next().unwrap_or_default()
    );
    world.dns.set_cname(&format!("_acme-challenge.{name}"), &target).await?;
    world
        .dns
        .set_txt(&target, &status::dns01_value(&told, name).expect("a TXT value"))
        .await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await
}

#[tokio::test]
async fn every_domain_its_own_way() -> anyhow::Result<()> {
    let world = world().await;
    let (persist, dns01, http01) = (domain("mixed-a"), domain("mixed-b"), domain("mixed-c"));
    world.dns.add_a(&http01, &[&world.origin()]).await?;
    let instance = world.create(&[persist.clone(), dns01.clone(), http01.clone()]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &persist).await?;
    let verified = world.says(&instance, &format!("Verified, 1 of 3: {persist}.")).await?;
    assert!(
        verified.description().starts_with("Waiting for you: 2 of 3 domains"),
        "{}",
        verified.description()
    );
    let value = status::dns01_value(&told, &dns01).expect("a TXT value");
    world.dns.set_txt(&format!("_acme-challenge.{dns01}"), &value).await?;
    let to = status::redirect_target(&told);
    world.handle.redirect(&http01, to.as_deref()).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.dns.add_a(&http01, &[&world.edge()]).await?;
    world.serves(&instance).await?;
    let methods: Vec<String> = world
        .sql()
        .await?
        .query(
            "select s.method from steps s join operations o on o.id = s.operation_id \
             where o.instance_id = $1 and s.kind = 'verify-challenge' order by s.subject",
            &[&instance.id],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(
        methods,
        ["dns-persist-01", "dns-01", "http-01"],
        "the CA is told the way that was found"
    );

    // A platform forgets the text when the instance is renamed or updated. What it told is there all the same.
    let target = world.distributions(&instance).await?[0]["domain_name"].clone();
    let path = format!("/v2/service_instances/{}", instance.id);
    let fetched = world.platform.call(reqwest::Method::GET, &path, None).await?;
    let lasting = &fetched.body["parameters"]["status"];
    assert_eq!(lasting["cname_target"], target, "{}", fetched.text);
    assert!(lasting["certificate_valid_until"].is_string(), "{}", fetched.text);
    let persisted = status::persist_value(&told);
    let expected = serde_json::json!({
        &persist: {
            "way": "dns-persist-01", "keep": true, "type": "TXT", "name": format!("_validation-persist.{persist}"), "value": persisted,
        },
        &dns01: {"way": "dns-01", "keep": false, "type": "TXT", "name": format!("_acme-challenge.{dns01}"), "value": value},
        &http01: {
            "way": "http-01", "keep": true, "redirect": format!("http://{http01}/.well-known/acme-challenge/*"),
            "to": to.map(|to| format!("{to}*")),
        },
    });
    assert_eq!(lasting["proved_by"], expected, "{}", fetched.text);
    Ok(())
}
