//! The admin endpoint, by which tests read and change the state. JSON over plain HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::cloudfront::distribution::Distribution;
use crate::cloudfront::functions::Function;
use crate::cloudfront::logging::Bucket;
use crate::cloudfront::views::timestamp;
use crate::faults::Fault;
use crate::history::History;
use crate::iam::certificate::Certificate;
use crate::route53::zone::HostedZone;
use crate::sayings;
use crate::settings::NewZone;
use crate::state::{Limits, Sim, World};
use crate::xml::Element;

/// The routes.
pub fn router(sim: Arc<Sim>) -> Router {
    Router::new()
        .route("/state", get(state))
        .route("/counters", get(counters))
        .route("/history", get(history))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/seed", post(seed_faults))
        .route("/foreign-alias", post(add_foreign_alias).delete(remove_foreign_alias))
        .route("/bucket", post(add_bucket).delete(remove_bucket))
        .route("/hosted-zone", post(add_zone))
        .route("/newer", post(plant))
        .route("/settings", get(settings).post(change_settings))
        .route("/deployment", post(change_deployment))
        .route("/edge-certificate.pem", get(edge_certificate))
        .route("/reset", post(reset))
        .with_state(sim)
}

async fn state(State(sim): State<Arc<Sim>>) -> Json<Value> {
    let world = sim.world();
    let distributions = world.distributions.values().map(distribution).collect::<Vec<_>>();
    let certificates = world
        .certificates
        .values()
        .map(|it| certificate(&world, it))
        .collect::<Vec<_>>();
    let functions = world
        .functions
        .values()
        .map(|it| function(&world, it))
        .collect::<Vec<_>>();
    let hosted_zones = world.hosted_zones.iter().map(hosted_zone).collect::<Vec<_>>();
    Json(json!({
        "hosted_zones": hosted_zones,
        "distributions": distributions,
        "functions": functions,
        "certificates": certificates,
        "foreign_aliases": world.foreign_aliases,
        "buckets": world.buckets,
        "settings": world.limits,
    }))
}

fn distribution(it: &Distribution) -> Value {
    let origins = it
        .config
        .items("Origins")
        .filter_map(|origin| origin.text_at("DomainName"))
        .collect::<Vec<_>>();
    json!({
        "id": it.id,
        "arn": it.arn(),
        "domain_name": it.domain_name,
        "caller_reference": it.config.text_at("CallerReference"),
        "etag": it.etag,
        "status": it.status(),
        "enabled": it.enabled(),
        "aliases": it.aliases(),
        "live_aliases": it.live.as_ref().map_or_else(Vec::new, |edge| edge.aliases.clone()),
        "live_enabled": it.live.as_ref().is_some_and(|edge| edge.enabled),
        "live_iam_certificate_id": it.live.as_ref().and_then(|edge| edge.certificate_id.clone()),
        "tags": it.tags,
        "comment": it.config.text_at("Comment"),
        "iam_certificate_id": it.certificate_id(),
        "origin": origins.first(),
        "origins": origins,
        "last_modified": timestamp(it.modified),
        "deployed_at": it.deployed_at.and_then(|at| at.format(&Rfc3339).ok()),
        "config": as_json(&it.config),
    })
}

fn function(world: &World, it: &Function) -> Value {
    json!({
        "name": it.name,
        "arn": it.arn(),
        "comment": it.development.comment,
        "etag": it.development.etag,
        "code": it.development.code,
        "live_code": it.live.as_ref().map(|live| &live.code),
        "used_by": world.users_of_function(&it.name),
    })
}

fn certificate(world: &World, it: &Certificate) -> Value {
    let users = world.users_of(&it.id);
    json!({
        "name": it.name,
        "names": it.names,
        "path": it.path,
        "id": it.id,
        "arn": it.arn(),
        "fingerprint": it.fingerprint,
        "not_before": timestamp(it.not_before),
        "not_after": timestamp(it.not_after),
        "uploaded": timestamp(it.upload_date),
        "in_use": !users.is_empty(),
        "used_by": users,
        "tags": it.tags,
    })
}

fn hosted_zone((id, zone): (&String, &HostedZone)) -> Value {
    let sets = zone.sets.values().map(|set| {
        json!({
            "name": set.name,
            "type": set.kind,
            "set_identifier": set.identifier,
            "ttl": set.ttl,
            "values": set.values,
        })
    });
    json!({"id": id, "name": zone.name, "record_sets": sets.collect::<Vec<_>>()})
}

/// A configuration as JSON: list structures become arrays, booleans and numbers are typed.
fn as_json(element: &Element) -> Value {
    let array = |items: &[Element]| Value::Array(items.iter().map(as_json).collect());
    let is_list = element.child("Quantity").is_some()
        && element
            .children
            .iter()
            .all(|child| matches!(child.name.as_str(), "Quantity" | "Items"));
    if is_list {
        return array(element.child("Items").map_or(&[][..], |items| &items.children));
    }
    if element.name == "Items" {
        return array(&element.children);
    }
    if !element.children.is_empty() {
        return Value::Object(
            element
                .children
                .iter()
                .map(|child| (child.name.clone(), as_json(child)))
                .collect(),
        );
    }
    let is_number = NUMBERS.iter().any(|suffix| element.name.ends_with(suffix));
    match (element.text.as_str(), element.text.parse::<i64>()) {
        ("true", _) => Value::Bool(true),
        ("false", _) => Value::Bool(false),
        (_, Ok(number)) if is_number => Value::from(number),
        (text, _) => Value::from(text),
    }
}

/// The suffixes of the names of numeric members.
const NUMBERS: [&str; 7] = [
    "TTL",
    "Timeout",
    "Port",
    "Quantity",
    "ErrorCode",
    "Attempts",
    "StatusCode",
];

async fn counters(State(sim): State<Arc<Sim>>) -> Json<Value> {
    Json(json!(sim.counters.all()))
}

async fn history(State(sim): State<Arc<Sim>>) -> Json<History> {
    Json(sim.world().history.clone())
}

async fn faults(State(sim): State<Arc<Sim>>) -> Json<Vec<Fault>> {
    Json(sim.faults.all())
}

async fn add_fault(State(sim): State<Arc<Sim>>, Json(told): Json<Value>) -> Result<StatusCode, (StatusCode, String)> {
    let fault = sayings::completed(told)
        .and_then(|told| serde_json::from_value(told).map_err(|problem| problem.to_string()))
        .map_err(|problem| (StatusCode::UNPROCESSABLE_ENTITY, problem))?;
    sim.faults.add(fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.faults.clear();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    seed: u64,
}

async fn seed_faults(State(sim): State<Arc<Sim>>, Json(Seed { seed }): Json<Seed>) -> StatusCode {
    sim.faults.seed(seed);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignAlias {
    alias: String,
}

async fn add_foreign_alias(State(sim): State<Arc<Sim>>, Json(foreign): Json<ForeignAlias>) -> StatusCode {
    sim.world().foreign_aliases.insert(foreign.alias.to_ascii_lowercase());
    StatusCode::NO_CONTENT
}

async fn remove_foreign_alias(State(sim): State<Arc<Sim>>, Json(foreign): Json<ForeignAlias>) -> StatusCode {
    sim.world().foreign_aliases.remove(&foreign.alias.to_ascii_lowercase());
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBucket {
    name: String,
    /// False by default, as for buckets created without further options.
    #[serde(default)]
    acls: bool,
}

async fn add_bucket(State(sim): State<Arc<Sim>>, Json(new): Json<NewBucket>) -> StatusCode {
    sim.world().buckets.insert(new.name, Bucket { acls: new.acls });
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldBucket {
    name: String,
}

async fn remove_bucket(State(sim): State<Arc<Sim>>, Json(old): Json<OldBucket>) -> StatusCode {
    sim.world().buckets.remove(&old.name);
    StatusCode::NO_CONTENT
}

async fn add_zone(State(sim): State<Arc<Sim>>, Json(new): Json<NewZone>) -> StatusCode {
    sim.world().hosted_zones.insert(new.id, HostedZone::new(&new.name));
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plant {
    distribution: String,
    /// Below the configuration, for example `Origins/Items/Origin`.
    path: String,
    /// A member to add.
    xml: Option<String>,
    /// Or a value that replaces the existing one.
    value: Option<String>,
}

async fn plant(State(sim): State<Arc<Sim>>, Json(plant): Json<Plant>) -> StatusCode {
    let mut world = sim.world();
    let World {
        distributions, newer, ..
    } = &mut *world;
    let Some(distribution) = distributions.get_mut(&plant.distribution) else {
        return StatusCode::NOT_FOUND;
    };
    let planted = match (plant.xml, plant.value) {
        (Some(xml), None) => newer.plant_member(&mut distribution.config, &plant.path, &xml),
        (None, Some(value)) => Ok(newer.plant_value(&mut distribution.config, &plant.path, &value)),
        _ => Ok(0),
    };
    match planted {
        Ok(1..) => StatusCode::NO_CONTENT,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    deploy_ms: Option<u64>,
    iam_visible_ms: Option<u64>,
    iam_quota: Option<usize>,
    distribution_quota: Option<usize>,
    function_quota: Option<usize>,
    one_certificate_change: Option<bool>,
    insync_ms: Option<u64>,
    zone_calls_per_second: Option<u32>,
    one_zone_change: Option<bool>,
}

async fn settings(State(sim): State<Arc<Sim>>) -> Json<Limits> {
    Json(sim.world().limits)
}

async fn change_settings(State(sim): State<Arc<Sim>>, Json(change): Json<Change>) -> Json<Limits> {
    let mut world = sim.world();
    let limits = &mut world.limits;
    limits.deploy_ms = change.deploy_ms.unwrap_or(limits.deploy_ms);
    limits.iam_visible_ms = change.iam_visible_ms.unwrap_or(limits.iam_visible_ms);
    limits.iam_quota = change.iam_quota.unwrap_or(limits.iam_quota);
    limits.distribution_quota = change.distribution_quota.unwrap_or(limits.distribution_quota);
    limits.function_quota = change.function_quota.unwrap_or(limits.function_quota);
    limits.one_certificate_change = change.one_certificate_change.unwrap_or(limits.one_certificate_change);
    limits.insync_ms = change.insync_ms.unwrap_or(limits.insync_ms);
    limits.zone_calls_per_second = change.zone_calls_per_second.unwrap_or(limits.zone_calls_per_second);
    limits.one_zone_change = change.one_zone_change.unwrap_or(limits.one_zone_change);
    Json(*limits)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deployment {
    alias: String,
    ms: u64,
}

async fn change_deployment(State(sim): State<Arc<Sim>>, Json(new): Json<Deployment>) -> StatusCode {
    sim.world().deployments.insert(new.alias.to_ascii_lowercase(), new.ms);
    StatusCode::NO_CONTENT
}

async fn edge_certificate(State(sim): State<Arc<Sim>>) -> String {
    sim.default_certificate.pem.clone()
}

async fn reset(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.reset();
    StatusCode::NO_CONTENT
}
