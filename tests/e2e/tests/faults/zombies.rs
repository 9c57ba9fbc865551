//! A process freezes between two outside calls, a newer operation passes it, and when it wakes up it changes nothing.

use serde_json::json;

use crate::points::{kinds, moments};
use crate::site::{Instance, Site};

/// The steps of a provision, which a deprovision supersedes; those of a deprovision can only be taken over.
const SUPERSEDED: [&str; 9] = [
    "place-order",
    "publish-challenges",
    "verify-challenge",
    "answer-challenges",
    "await-validation",
    "finalize-order",
    "upload-certificate",
    "create-distribution",
    "await-deployment",
];

pub(crate) async fn every_moment(site: &Site) -> anyhow::Result<()> {
    // At most two frozen processes of a service's three at a time.
    let mut lanes: [Vec<String>; 5] = Default::default();
    for (kind, calls) in kinds() {
        let lane = match kind {
            "place-order" | "publish-challenges" | "answer-challenges" => 0,
            "await-validation" | "finalize-order" | "verify-challenge" => 1,
            "create-distribution" | "configure-distribution" => 2,
            "await-deployment" | "disable-distribution" | "delete-distribution" | "settle-function" => 3,
            _ => 4,
        };
        // After the last look at the database and before the call: the narrowest place. The others by EVERY_MOMENT=1.
        let every = std::env::var_os("EVERY_MOMENT").is_some();
        lanes[lane].extend(
            moments(kind, calls)
                .into_iter()
                .filter(|point| every || point.contains("@call-")),
        );
    }
    let [first, second, third, fourth, fifth] = &lanes;
    let ended = tokio::try_join!(
        pass(site, first),
        pass(site, second),
        pass(site, third),
        pass(site, fourth),
        pass(site, fifth)
    )?;
    let frozen = ended.0 + ended.1 + ended.2 + ended.3 + ended.4;
    // What a zombie published too late is found as well.
    site.zone_is_tidy().await?;
    println!("{frozen} times a process froze, was passed, and woke up");
    Ok(())
}

async fn pass(site: &Site, lane: &[String]) -> anyhow::Result<usize> {
    for point in lane {
        one(site, point).await.map_err(|error| error.context(point.clone()))?;
    }
    Ok(lane.len())
}

async fn one(site: &Site, point: &str) -> anyhow::Result<()> {
    let kind = point.split('@').next().unwrap_or_default();
    let instance = if SUPERSEDED.contains(&kind) {
        superseded(site, kind, point).await?
    } else if kind == "configure-distribution" {
        overtaken(site, kind, point).await?
    } else if kind == "attach-certificate" {
        renewed(site, kind, point).await?
    } else if kind == "settle-function" {
        turned_around(site, kind, point).await?
    } else {
        taken_over(site, kind, point).await?
    };
    // What the zombie made too late, nobody else knows of: the reconciler has removed it.
    site.until("nothing is left in AWS", async || {
        Ok(site.distributions(&instance).await? == 0
            && site.certificates(&instance).await? == 0
            && site.functions(&instance).await? == 0)
    })
    .await
}

/// Its provision is superseded while it is frozen, and the same domain is served by another instance when it wakes up.
async fn superseded(site: &Site, kind: &str, point: &str) -> anyhow::Result<Instance> {
    let id = uuid::Uuid::new_v4().to_string();
    let organization = format!("org-{id}");
    let domain = format!("z-{}.example.com", &id[..8]);
    site.points.arm(point, &format!("freeze {id}"))?;
    let instance = site.provision_as(&id, &organization, &domain).await?;
    let frozen = freeze(site, point, &instance).await?;
    site.delete(&instance).await?;
    let heir = site
        .provision_as(&uuid::Uuid::new_v4().to_string(), &organization, &domain)
        .await?;
    site.set_record(&heir).await?;
    site.platform.succeeded(&heir.id, crate::site::PATIENCE).await?;
    site.thaw(frozen, kind, &instance).await?;
    site.serves(&heir).await?;
    anyhow::ensure!(site.distributions(&heir).await? == 1, "the heir's distribution stays");
    anyhow::ensure!(site.functions(&heir).await? == 1, "the heir's function stays");
    site.delete(&heir).await?;
    Ok(instance)
}

/// Another worker does its update meanwhile, and then comes another update: that one's settings stay.
async fn overtaken(site: &Site, kind: &str, point: &str) -> anyhow::Result<Instance> {
    let instance = site.created().await?;
    site.redirect(&instance, None).await?;
    site.points.arm(point, &format!("freeze {}", instance.id))?;
    let update = async |origin: &str| {
        let parameters = json!({"origin": origin, "redirect_to": instance.domain});
        let answer = site.platform.update(&instance.id, parameters).await?;
        anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        anyhow::Ok(())
    };
    update("first.example.net").await?;
    let frozen = freeze(site, point, &instance).await?;
    site.platform.succeeded(&instance.id, crate::site::PATIENCE).await?;
    update("second.example.net").await?;
    site.platform.succeeded(&instance.id, crate::site::PATIENCE).await?;
    site.thaw(frozen, kind, &instance).await?;
    let origins = site.origins(&instance).await?;
    anyhow::ensure!(origins.contains(&"second.example.net".to_owned()), "{origins:?}");
    anyhow::ensure!(!origins.contains(&"first.example.net".to_owned()), "{origins:?}");
    anyhow::ensure!(site.functions(&instance).await? == 1, "the function stays");
    site.delete(&instance).await?;
    Ok(instance)
}

/// Another worker does its renewal meanwhile, or an update ends that: the update's settings stay.
async fn renewed(site: &Site, kind: &str, point: &str) -> anyhow::Result<Instance> {
    let instance = site.created().await?;
    site.points.arm(point, &format!("freeze {}", instance.id))?;
    site.begin_renewal(&instance).await?;
    let frozen = freeze(site, point, &instance).await?;
    let answer = site
        .platform
        .update(&instance.id, json!({"origin": "second.example.net"}))
        .await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    site.platform.succeeded(&instance.id, crate::site::PATIENCE).await?;
    site.thaw(frozen, kind, &instance).await?;
    let origins = site.origins(&instance).await?;
    anyhow::ensure!(origins.contains(&"second.example.net".to_owned()), "{origins:?}");
    site.delete(&instance).await?;
    Ok(instance)
}

/// Another worker turns the redirect around meanwhile, and then it is turned around again: so it stays.
async fn turned_around(site: &Site, kind: &str, point: &str) -> anyhow::Result<Instance> {
    let instance = site.created().await?;
    site.extend(&instance).await?;
    let second = format!("second.{}", instance.domain);
    site.redirect(&instance, Some(&instance.domain)).await?;
    site.points.arm(point, &format!("freeze {}", instance.id))?;
    let answer = site
        .platform
        .update(&instance.id, json!({ "redirect_to": second }))
        .await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    let frozen = freeze(site, point, &instance).await?;
    site.platform.succeeded(&instance.id, crate::site::PATIENCE).await?;
    site.redirects(&instance, &second, &second).await?;
    site.redirect(&instance, Some(&instance.domain)).await?;
    site.thaw(frozen, kind, &instance).await?;
    site.redirects(&instance, &second, &instance.domain).await?;
    site.delete(&instance).await?;
    Ok(instance)
}

/// Another worker does its step meanwhile.
async fn taken_over(site: &Site, kind: &str, point: &str) -> anyhow::Result<Instance> {
    let instance = site.created().await?;
    site.points.arm(point, &format!("freeze {}", instance.id))?;
    let answer = site.platform.deprovision(&instance.id).await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    let frozen = freeze(site, point, &instance).await?;
    site.platform.succeeded(&instance.id, crate::site::PATIENCE).await?;
    site.thaw(frozen, kind, &instance).await?;
    Ok(instance)
}

/// Waits until a process froze; the tenant does their part on the way to it.
async fn freeze(site: &Site, point: &str, instance: &Instance) -> anyhow::Result<u32> {
    let tenant = site.set_record(instance);
    let frozen = site.until("a process froze", async || Ok(site.points.hit(point).is_some()));
    tokio::pin!(tenant, frozen);
    // A wake-up may wait in a process that another lane froze, and what is proved meanwhile need not be published.
    let mut told = point.starts_with("publish-challenges");
    loop {
        tokio::select! {
            result = &mut frozen => { result?; break; }
            // Not all the points lie behind it, and what was removed asks for no record.
            _ = &mut tenant, if !told => told = true,
        }
    }
    site.points
        .hit(point)
        .ok_or_else(|| anyhow::anyhow!("no process id at {point}"))
}
