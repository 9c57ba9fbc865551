//! How late the end of a wait for CloudFront is noticed, with the settings as they ship: deployments that take different
//! times, all side by side, each beside its own time in aws-sim. Nothing is waited for but the deployment: it begins when
//! CloudFront has accepted the distribution.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use serde_json::{Value, json};
use stack::Http;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::comparison::{Comparison, Goal};
use crate::form::Form;
use crate::row::Row;
use crate::run::say;
use crate::site::{Settings, Site, domains};
use crate::spread::Spread;

/// The goal: noticed later by this share of the peer's own time at most …
const SHARE: f64 = 0.05;
/// … and this, in seconds.
const MORE: f64 = 1.0;
const ORGANIZATION: &str = "waits";
/// Each instance has a certificate; aws-sim's quota of 20 is for its own tests.
const IAM_QUOTA: usize = 1_000;
/// When the broker noticed, by its own record.
const NOTICED: &str = "select s.ended_at from steps s join operations o on o.id = s.operation_id \
    where o.instance_id = $1 and o.kind = 'provision' and s.kind = 'await-deployment' and s.state = 'done'";

/// See the file.
pub(crate) struct Waits;

#[async_trait(?Send)]
impl Row for Waits {
    fn name(&self) -> &'static str {
        "waits"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let (lengths, instances) = form.pick((vec![5, 60, 240], 3), (vec![5, 10], 2));
        say(&format!(
            "deployments of {lengths:?} s, {instances} of each, all side by side"
        ));
        tell_aws(site, "settings", &json!({"iam_quota": IAM_QUOTA})).await?;
        let mut waits = Vec::new();
        for takes in &lengths {
            for number in 0..instances {
                waits.push(Wait::begin(site, *takes, number).await?);
            }
        }
        for wait in &waits {
            let value = site.record_of(&wait.id).await?;
            site.set_records(&wait.domains, &value).await?;
        }
        let mut comparisons = Vec::new();
        for takes in lengths {
            let mut late = Vec::new();
            for wait in waits.iter().filter(|wait| wait.takes == takes) {
                late.push(wait.late(site).await?);
            }
            comparisons.extend(lines(takes, late)?);
        }
        Ok(comparisons)
    }
}

/// An instance whose deployment takes so long.
struct Wait {
    id: String,
    domains: Vec<String>,
    /// Seconds.
    takes: u64,
}

impl Wait {
    /// Tells aws-sim how long it takes, and requests it.
    async fn begin(site: &Site, takes: u64, number: usize) -> anyhow::Result<Self> {
        let id = format!("waits-{takes}-{number}");
        let domains = domains(&id, 1);
        for domain in &domains {
            let deployment = json!({"alias": domain, "ms": takes * 1_000});
            tell_aws(site, "deployment", &deployment).await?;
        }
        site.request(&id, ORGANIZATION, &domains).await?;
        Ok(Self { id, domains, takes })
    }

    /// How many seconds after it was deployed that was noticed.
    async fn late(&self, site: &Site) -> anyhow::Result<f64> {
        site.provisioned(&self.id).await?;
        let noticed: OffsetDateTime = site.sql.query_one(NOTICED, &[&self.id]).await?.try_get(0)?;
        let deployed = deployed_at(&aws(site).await?, &self.id)?;
        Ok((noticed - deployed).as_seconds_f64())
    }
}

/// Of deployments that take so many seconds: from their beginning until they were noticed beside their own time, and how
/// late that was.
fn lines(takes: u64, late: Vec<f64>) -> anyhow::Result<[Comparison; 2]> {
    let (own, late) = (Duration::from_secs(takes).as_secs_f64(), Spread::of(late)?);
    let name = format!("a deployment of {takes} s");
    Ok([
        Comparison::new(
            format!("{name}: noticed after (s)"),
            Spread::once(own),
            late.plus(own),
            Goal::Plus(SHARE * own + MORE),
        ),
        Comparison::told(format!("{name}: that is too late by (s)"), late),
    ])
}

/// When the instance's distribution was deployed, by what aws-sim says of all of them.
fn deployed_at(aws: &Value, instance: &str) -> anyhow::Result<OffsetDateTime> {
    let distributions = aws["distributions"].as_array().context("no distributions")?;
    let of_instance = |it: &&Value| it["caller_reference"] == instance;
    let distribution = distributions.iter().find(of_instance);
    let distribution = distribution.with_context(|| format!("{instance} has no distribution"))?;
    let at = distribution["deployed_at"].as_str();
    let at = at.with_context(|| format!("{instance} is not deployed"))?;
    Ok(OffsetDateTime::parse(at, &Rfc3339)?)
}

async fn aws(site: &Site) -> anyhow::Result<Value> {
    let url = format!("{}/state", site.stack.endpoints().aws_admin_url);
    let (status, body) = Http::plain()?.get(&url).await?;
    ensure!(status.is_success(), "{url} answered {status}");
    Ok(serde_json::from_slice(&body)?)
}

async fn tell_aws(site: &Site, path: &str, body: &Value) -> anyhow::Result<()> {
    let url = format!("{}/{path}", site.stack.endpoints().aws_admin_url);
    Http::plain()?.post_json(&url, body).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_goal_grows_with_the_deployments_own_time() {
        for (takes, late, reached) in [
            (60, [3.9, 0.1, 9.0], true),
            (60, [4.1, 0.1, 9.0], false),
            (240, [12.9, 13.5, 0.0], true),
            (5, [1.5, 1.3, 1.2], false),
        ] {
            let [noticed, told] = lines(takes, late.to_vec()).unwrap();
            assert_eq!(noticed.reached(), Some(reached), "{takes}: {late:?}");
            assert_eq!(told.reached(), None);
        }
    }

    #[test]
    fn the_time_is_that_of_the_instances_own_distribution() {
        let aws = json!({"distributions": [
            {"caller_reference": "waits-5-0", "deployed_at": "2026-11-30T12:00:05.25Z"},
            {"caller_reference": "waits-60-0", "deployed_at": null},
        ]});
        let at = deployed_at(&aws, "waits-5-0").unwrap();
        assert_eq!((at.second(), at.millisecond()), (5, 250));
        let problem = |instance| deployed_at(&aws, instance).unwrap_err().to_string();
        assert_eq!(problem("waits-60-0"), "waits-60-0 is not deployed");
        assert_eq!(problem("waits-60-1"), "waits-60-1 has no distribution");
    }
}
