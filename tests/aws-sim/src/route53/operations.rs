//! The operations: each checks the request, changes the zone, and returns the response.

use std::time::Duration;

use super::errors::{invalid, invalid_batch, refuse};
use super::record_set::{RecordSet, normalized, reversed};
use super::router::Operation;
use super::zone::{HostedZone, RecordChange};
use super::{NAMESPACE, batch, rules};
use crate::api::Reply;
use crate::cloudfront::views::timestamp;
use crate::error::Answer;
use crate::ids;
use crate::state::{Sim, World};
use crate::xml::Element;

/// Record sets on a page at most, and if `maxitems` isn't given.
const MOST_ON_A_PAGE: usize = 300;

/// Performs an authenticated call that its key is allowed to make.
pub fn perform(sim: &Sim, operation: &Operation, body: &[u8]) -> Answer<Reply> {
    let mut world = sim.world();
    match operation {
        Operation::ChangeResourceRecordSets(zone) => change(&mut world, zone, body),
        Operation::ListResourceRecordSets { zone, from, max_items } => list(&world, zone, from, max_items.as_deref()),
        Operation::GetChange(id) => {
            let change = world
                .record_changes
                .get(id)
                .ok_or_else(|| refuse("NoSuchChange", format!("Could not find resource with ID: {id}")))?;
            Ok(response("GetChangeResponse", vec![info(&world, id, change)]))
        }
    }
}

fn no_zone(id: &str) -> crate::error::ApiError {
    refuse("NoSuchHostedZone", format!("No hosted zone found with ID: {id}"))
}

fn change(world: &mut World, id: &str, body: &[u8]) -> Answer<Reply> {
    let changes = batch::read(body)?;
    let takes = insync(world);
    let is_busy = world
        .record_changes
        .values()
        .any(|change| change.zone == id && change.is_pending(takes));
    let one_at_a_time = world.limits.one_zone_change;
    let zone = world.hosted_zones.get_mut(id).ok_or_else(|| no_zone(id))?;
    if one_at_a_time && is_busy {
        return Err(refuse(
            "PriorRequestNotComplete",
            "The request was rejected because Route 53 was still processing a prior request.",
        ));
    }
    zone.sets = rules::applied(&zone.name, &zone.sets, &changes).map_err(|faults| invalid_batch(&faults))?;
    let (made, change) = (ids::change(), RecordChange::now(id));
    let info = info(world, &made, &change);
    world.record_changes.insert(made, change);
    Ok(response("ChangeResourceRecordSetsResponse", vec![info]))
}

fn insync(world: &World) -> Duration {
    Duration::from_millis(world.limits.insync_ms)
}

fn info(world: &World, id: &str, change: &RecordChange) -> Element {
    let status = if change.is_pending(insync(world)) {
        "PENDING"
    } else {
        "INSYNC"
    };
    let children = vec![
        Element::leaf("Id", format!("/change/{id}")),
        Element::leaf("Status", status),
        Element::leaf("SubmittedAt", timestamp(change.submitted)),
    ];
    Element::node("ChangeInfo", children)
}

/// A page, from the record set that is named or the first one after it.
fn list(world: &World, id: &str, from: &[Option<String>; 3], max_items: Option<&str>) -> Answer<Reply> {
    let HostedZone { sets, .. } = world.hosted_zones.get(id).ok_or_else(|| no_zone(id))?;
    let most = match max_items.map(str::parse::<usize>) {
        None => MOST_ON_A_PAGE,
        Some(Ok(0)) | Some(Err(_)) => return Err(invalid("maxitems is no number above 0")),
        Some(Ok(most)) => most.min(MOST_ON_A_PAGE),
    };
    let [name, kind, identifier] = from;
    if name.is_none() && kind.is_some() || kind.is_none() && identifier.is_some() {
        return Err(invalid("type needs name, and identifier needs type"));
    }
    let start = (
        name.as_deref()
            .map(|name| reversed(&normalized(name)))
            .unwrap_or_default(),
        kind.clone().unwrap_or_default(),
        identifier.clone(),
    );
    let mut page = sets.range(start..).map(|(_, set)| set).collect::<Vec<_>>();
    let next = (page.len() > most).then(|| page[most]);
    page.truncate(most);
    let page = page.into_iter().map(RecordSet::element).collect();
    let mut children = vec![
        Element::node("ResourceRecordSets", page),
        Element::leaf("IsTruncated", next.is_some().to_string()),
    ];
    if let Some(next) = next {
        children.push(Element::leaf("NextRecordName", &next.name));
        children.push(Element::leaf("NextRecordType", &next.kind));
        if let Some(identifier) = &next.identifier {
            children.push(Element::leaf("NextRecordIdentifier", identifier));
        }
    }
    children.push(Element::leaf("MaxItems", most.to_string()));
    Ok(response("ListResourceRecordSetsResponse", children))
}

fn response(name: &str, children: Vec<Element>) -> Reply {
    Reply::ok(Element::node(name, children).document(NAMESPACE))
}
