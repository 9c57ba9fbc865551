//! The functions that a configuration uses, and the rules for them.
//!
//! Sources: service model, `FunctionAssociation`, `InvalidFunctionAssociation`, `TooManyFunctionAssociations`;
//! Developer Guide, "Restrictions on all edge functions" (one function per event type, no Lambda@Edge beside one in
//! viewer events).

use std::collections::HashSet;

use super::Function;
use crate::cloudfront::errors::refuse;
use crate::error::Answer;
use crate::state::World;
use crate::xml::Element;

/// The event type of functions that may respond in place of the origin.
pub const VIEWER_REQUEST: &str = "viewer-request";
const VIEWER_EVENTS: [&str; 2] = [VIEWER_REQUEST, "viewer-response"];

/// ARN and event type of the functions of one behaviour.
pub fn of_behaviour(behaviour: &Element) -> impl Iterator<Item = (&str, &str)> {
    behaviour.items("FunctionAssociations").map(|association| {
        (
            association.text_at("FunctionARN").unwrap_or_default(),
            association.text_at("EventType").unwrap_or_default(),
        )
    })
}

/// ARN and event type of the functions of all behaviours.
pub fn associations(config: &Element) -> impl Iterator<Item = (&str, &str)> {
    behaviours(config).flat_map(of_behaviour)
}

fn behaviours(config: &Element) -> impl Iterator<Item = &Element> {
    config
        .items("CacheBehaviors")
        .chain(config.child("DefaultCacheBehavior"))
}

/// Checks every association of a configuration.
pub fn check(world: &World, config: &Element) -> Answer<()> {
    for behaviour in behaviours(config) {
        let all = of_behaviour(behaviour).collect::<Vec<_>>();
        if all.len() > VIEWER_EVENTS.len() {
            let message =
                "You have reached the maximum number of CloudFront function associations for this distribution.";
            return Err(refuse("TooManyFunctionAssociations", message));
        }
        let mut events = HashSet::new();
        for (arn, event) in &all {
            if !VIEWER_EVENTS.contains(event) {
                return Err(invalid(format!(
                    "The event type {event} is not for a CloudFront function."
                )));
            }
            if !events.insert(event) {
                return Err(invalid(format!("The event type {event} has more than one function.")));
            }
            let function = Function::name_in(arn).and_then(|name| world.functions.get(name));
            if function.is_none_or(|function| function.live.is_none()) {
                return Err(invalid(format!(
                    "The function ARN {arn} is not valid: the function does not exist or is not published."
                )));
            }
        }
        let lambda = behaviour.items("LambdaFunctionAssociations").any(|one| {
            one.text_at("EventType")
                .is_some_and(|event| VIEWER_EVENTS.contains(&event))
        });
        if lambda && !all.is_empty() {
            return Err(invalid(
                "A cache behavior can't have both a CloudFront function and a Lambda@Edge function in viewer events.",
            ));
        }
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> crate::error::ApiError {
    refuse("InvalidFunctionAssociation", message)
}
