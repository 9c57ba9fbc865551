//! `cdnctl adopt`: turns a distribution of another broker into an instance of this one.

mod changes;
mod delegation;
mod obstacle;

use std::net::SocketAddr;

use aws::{CloudFront, DEPLOYMENT_TAG, Failure, Peer, distribution_tags};
use aws_sdk_cloudfront::types::Distribution;
use parameters::cloudfront::{adopt, aliases};
use probe::Names;
use serde::Serialize;
use serde_json::Value;
use store::operator::{NewOffer, Offer};
use store::{Actor, DatabaseArgs, Owner, Store};

use crate::CommandError;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::{cloudfront, database, out, shown, table};
use delegation::Delegation;

/// Offers a distribution of another broker to an organization, whose next service with the same domains takes it over: unchanged,
/// with its name in CloudFront, so that no CNAME changes and no visitor notices.
///
/// Prints the parameters for `cf create-service`, and what will be otherwise. Nothing is written to the distribution now but tags
/// (cdn-broker-…, by which the services' policies let them change it). The service that takes it over proves its domains by DNS and
/// writes once, with the certificate; until then, deleting the service leaves the distribution unchanged. The environment of the
/// service distribution has what is needed. Without a distribution: shows what is offered.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Adopt", after_help = aws::AFTER_HELP)]
pub struct Args {
    /// CloudFront's id of it.
    #[arg(requires = "what")]
    pub distribution: Option<String>,
    /// What to do with it.
    #[command(flatten)]
    pub what: What,
    /// How long the offer stands.
    #[arg(long = "for", default_value = "7d", requires = "tenant")]
    pub lasts: humantime::Duration,
    /// The zone in which external-domain-broker answered the CA (its DNS_ROOT_DOMAIN), if it is DELEGATION_ZONE of
    /// certificate-issuer now: the CNAMEs that its tenants have at _acme-challenge.<domain> stay as they are, and prove the domains
    /// here.
    #[arg(long, value_name = "ZONE", requires = "tenant", value_parser = delegation::zone)]
    pub delegation_zone: Option<String>,
    /// The DNS server to ask for those CNAMEs; else those of /etc/resolv.conf.
    #[arg(long, value_name = "IP:PORT", requires = "delegation_zone")]
    pub resolver: Option<SocketAddr>,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// What to do with a distribution.
#[derive(Debug, clap::Args)]
#[group(id = "what", multiple = false, requires = "distribution")]
pub struct What {
    /// Offer it to this organization (its GUID), or whatever the platform has as narrowest.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Withdraw the offer, unless an instance has taken it.
    #[arg(long)]
    pub withdraw: bool,
}

/// What an offer means.
#[derive(Debug, Serialize)]
struct Report<'r> {
    distribution: &'r str,
    tenant: &'r str,
    /// For `cf create-service`.
    parameters: Value,
    /// What will be otherwise.
    changes: Vec<String>,
    /// The CNAMEs of the old broker's that stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    delegation: Option<Delegation>,
}

/// Adopts the distribution.
///
/// # Errors
/// When the database or CloudFront can't be queried, or the distribution can't be adopted.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    let Some(id) = args.distribution.as_deref() else {
        let offers = store.offers().await?;
        out::either(args.json, &offers, || lines(&offers))?;
        return Ok(Exit::AllWell);
    };
    match &args.what.tenant {
        Some(tenant) => offer(args, &store, actor, id, tenant).await,
        None => withdraw(args, &store, actor, id).await,
    }
}

async fn offer(args: &Args, store: &Store, actor: Actor, id: &str, tenant: &str) -> Result<Exit, CommandError> {
    let cloudfront = cloudfront::open().await?;
    let Some(found) = cloudfront.distribution(id).await? else {
        return refused(id, "CloudFront has none of this id in this account");
    };
    let Some(config) = &found.distribution_config else {
        return refused(id, "CloudFront doesn't show its configuration");
    };
    if store.is_instances_distribution(id).await?
        || store.owner_of_distribution(&config.caller_reference).await? != Owner::Unknown
    {
        return refused(id, "it belongs to an instance of this broker already");
    }
    let deployment = store.deployment().await?.to_string();
    if cloudfront
        .tag(&found.arn, DEPLOYMENT_TAG)
        .await?
        .is_some_and(|value| value != deployment)
    {
        return refused(id, "it belongs to another cdn-broker, by its tag cdn-broker-deployment");
    }
    if let Some(obstacle) = obstacle::of(config) {
        return refused(id, &obstacle);
    }
    let aliases = aliases(config);
    let delegation = match args.delegation_zone.as_deref() {
        Some(zone) => {
            let names = Names::new(args.resolver).ok();
            Some(Delegation::of(store, names.as_ref(), (tenant, zone), &aliases).await?)
        }
        None => None,
    };
    let adopted = adopt(config);
    let report = Report {
        distribution: id,
        tenant,
        changes: changes::all(config, adopted.changes),
        parameters: adopted.parameters,
        delegation,
    };
    out::either(args.json, &report, || text(&report))?;
    confirm(&format!("Offers {id} to {tenant}, and tags it"), args.yes)?;
    mark(&cloudfront, &found, tenant, &deployment).await?;
    let new = NewOffer {
        distribution: id,
        domain: &found.domain_name,
        tenant,
        aliases: &aliases,
        delegation_zone: args.delegation_zone.as_deref(),
        lasts: args.lasts.into(),
    };
    if store.acting(actor).offer(new).await? {
        return Ok(Exit::AllWell);
    }
    refused(id, "an instance has taken it already: cdnctl adopt")
}

async fn withdraw(args: &Args, store: &Store, actor: Actor, id: &str) -> Result<Exit, CommandError> {
    if !store.acting(actor).withdraw_offer(id).await? {
        return Err(CommandError::Refused(format!(
            "distribution {} is not offered, or an instance has taken it: cdnctl adopt",
            shown::plain(id)
        )));
    }
    let told = serde_json::json!({"distribution": id, "withdrawn": true});
    out::either(args.json, &told, || {
        vec![format!(
            "{} is no longer offered. Its tags cdn-broker-… are left on it",
            shown::plain(id)
        )]
    })?;
    Ok(Exit::AllWell)
}

fn refused(id: &str, why: &str) -> Result<Exit, CommandError> {
    Err(CommandError::Refused(format!(
        "distribution {} can't be adopted: {why}",
        shown::plain(id)
    )))
}

/// Tags the distribution, so that the services' policies allow changes to it.
async fn mark(cloudfront: &CloudFront, found: &Distribution, tenant: &str, deployment: &str) -> Result<(), Failure> {
    const ACTION: &str = "TagResource";
    // The instance doesn't exist yet.
    let tags = distribution_tags("adopted", tenant, deployment)
        .map_err(|_| Failure::incomplete(Peer::CloudFront, ACTION, "input"))?;
    let call = cloudfront.client().tag_resource().resource(&found.arn).tags(tags);
    let answer = call.send().await;
    answer
        .map(drop)
        .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))
}

fn text(report: &Report<'_>) -> Vec<String> {
    let mut lines = vec![
        format!("The organization {}:", shown::plain(report.tenant)),
        format!("  cf create-service <service> <plan> <name> -c '{}'", report.parameters),
        "  and the records that its status shows; CNAMEs stay unchanged. Once it succeeded, the old service is purged without".to_owned(),
        "  asking its broker (cf purge-service-instance), or that would delete the distribution.".to_owned(),
    ];
    lines.extend(report.delegation.iter().flat_map(Delegation::text));
    if !report.changes.is_empty() {
        lines.push("What the one write changes:".to_owned());
        lines.extend(
            report
                .changes
                .iter()
                .map(|change| format!("  {}", shown::clean(change))),
        );
    }
    lines
}

fn lines(offers: &[Offer]) -> Vec<String> {
    if offers.is_empty() {
        return vec!["nothing is offered".to_owned()];
    }
    let rows: Vec<_> = offers
        .iter()
        .map(|offer| {
            [
                shown::clean(&offer.distribution),
                shown::clean(&offer.tenant),
                shown::names(&offer.aliases),
                shown::moment(offer.until),
                offer.taken_by.as_deref().map_or_else(shown::none, shown::clean),
                shown::moment_or_none(offer.written_at),
            ]
        })
        .collect();
    let heading = ["DISTRIBUTION", "TENANT", "ALIASES", "UNTIL", "TAKEN BY", "WRITTEN"];
    table::lines(heading, &rows)
}
