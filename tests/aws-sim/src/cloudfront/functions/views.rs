//! The response documents of the operations.

use super::{Function, Version};
use crate::cloudfront::views::timestamp;
use crate::state::World;
use crate::xml::Element;

/// A `FunctionSummary` of one stage.
pub fn summary(world: &World, function: &Function, stage: &str, version: &Version) -> Element {
    let config = vec![
        Element::leaf("Comment", &version.comment),
        Element::leaf("Runtime", &version.runtime),
        Element::node("KeyValueStoreAssociations", vec![Element::leaf("Quantity", "0")]),
    ];
    let metadata = vec![
        Element::leaf("FunctionARN", function.arn()),
        Element::leaf("Stage", stage),
        Element::leaf("CreatedTime", timestamp(function.created)),
        Element::leaf("LastModifiedTime", timestamp(version.modified)),
    ];
    Element::node(
        "FunctionSummary",
        vec![
            Element::leaf("Name", &function.name),
            Element::leaf("Status", status(world, function)),
            Element::node("FunctionConfig", config),
            Element::node("FunctionMetadata", metadata),
        ],
    )
}

/// Values as in the examples of the API reference and of the CLI.
fn status(world: &World, function: &Function) -> &'static str {
    if function.live.is_none() {
        "UNPUBLISHED"
    } else if world.users_of_function(&function.name).is_empty() {
        "UNASSOCIATED"
    } else {
        "DEPLOYED"
    }
}

/// A `FunctionList` page.
pub fn list(items: Vec<Element>, max_items: usize, next: Option<&str>) -> Element {
    let mut children = vec![
        Element::leaf("MaxItems", max_items.to_string()),
        Element::leaf("Quantity", items.len().to_string()),
    ];
    if let Some(next) = next {
        children.insert(0, Element::leaf("NextMarker", next));
    }
    if !items.is_empty() {
        children.push(Element::node("Items", items));
    }
    Element::node("FunctionList", children)
}
