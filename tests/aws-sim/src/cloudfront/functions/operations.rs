//! The operations on functions. `If-Match` is always the ETag of the stage `DEVELOPMENT`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use time::OffsetDateTime;

use super::{Function, Version, views};
use crate::api::Reply;
use crate::cloudfront::errors::{invalid, refuse};
use crate::cloudfront::operations::{document, if_match, page_size};
use crate::cloudfront::{schema, tags};
use crate::error::{Answer, ApiError};
use crate::ids;
use crate::state::World;
use crate::xml::Element;

/// Developer Guide, "Quotas on CloudFront Functions": maximum function size.
const MAX_CODE: usize = 10 * 1024;
const MAX_NAME: usize = 64;
const DEVELOPMENT: &str = "DEVELOPMENT";
const LIVE: &str = "LIVE";

/// `CreateFunction`: 201, and only the stage `DEVELOPMENT`.
pub fn create(world: &mut World, body: &[u8]) -> Answer<Reply> {
    let request = schema::document(body, "CreateFunctionRequest")?;
    let version = read(&request)?;
    if let Some(given) = request.child("Tags") {
        tags::read(given)?;
    }
    let name = request.text_at("Name").unwrap_or_default();
    let fits = (1..=MAX_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !fits {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [a-zA-Z0-9-_]{{1,64}}"
        )));
    }
    if world.functions.contains_key(name) {
        return Err(refuse(
            "FunctionAlreadyExists",
            "A function with the same name already exists in this account.",
        ));
    }
    if world.functions.len() >= world.limits.function_quota {
        let message = "You have reached the maximum number of CloudFront functions for this AWS account.";
        return Err(refuse("TooManyFunctions", message));
    }
    let function = Function {
        name: name.to_owned(),
        created: version.modified,
        development: version,
        live: None,
    };
    let location = format!(
        "https://cloudfront.amazonaws.com/2020-05-31/function/{}",
        function.arn()
    );
    let mut reply = document(&views::summary(world, &function, DEVELOPMENT, &function.development))
        .header("etag", &function.development.etag)
        .header("location", location);
    reply.status = 201;
    world.functions.insert(function.name.clone(), function);
    Ok(reply)
}

/// `DescribeFunction`: everything except the code.
pub fn describe(world: &World, name: &str, stage: Option<&str>) -> Answer<Reply> {
    let (function, stage, version) = staged(world, name, stage)?;
    Ok(document(&views::summary(world, function, stage, version)).header("etag", &version.etag))
}

/// `GetFunction`: the code, unchanged.
pub fn get(world: &World, name: &str, stage: Option<&str>) -> Answer<Reply> {
    let (_, _, version) = staged(world, name, stage)?;
    Ok(Reply::ok(version.code.clone())
        .header("content-type", "application/octet-stream")
        .header("etag", &version.etag))
}

/// `UpdateFunction`: replaces the stage `DEVELOPMENT`; `LIVE` stays unchanged.
pub fn update(world: &mut World, name: &str, headers: &HeaderMap, body: &[u8]) -> Answer<Reply> {
    let version = read(&schema::document(body, "UpdateFunctionRequest")?)?;
    let function = world.functions.get_mut(name).ok_or_else(no_such_function)?;
    if_match(headers, &function.development.etag)?;
    function.development = version;
    let (function, stage, version) = staged(world, name, None)?;
    // The service model spells this header so (`UpdateFunctionResult`), and SDKs read no other.
    Ok(document(&views::summary(world, function, stage, version)).header("ettag", &version.etag))
}

/// `PublishFunction`: copies `DEVELOPMENT` to `LIVE`, for every behaviour that uses the function.
pub fn publish(world: &mut World, name: &str, headers: &HeaderMap) -> Answer<Reply> {
    let function = world.functions.get_mut(name).ok_or_else(no_such_function)?;
    if_match(headers, &function.development.etag)?;
    function.live = Some(Version {
        etag: ids::distribution(),
        ..function.development.clone()
    });
    let (function, stage, version) = staged(world, name, Some(LIVE))?;
    Ok(document(&views::summary(world, function, stage, version)))
}

/// `DeleteFunction`: both stages.
pub fn delete(world: &mut World, name: &str, headers: &HeaderMap) -> Answer<Reply> {
    let function = world.functions.get(name).ok_or_else(no_such_function)?;
    if_match(headers, &function.development.etag)?;
    if !world.users_of_function(name).is_empty() {
        let message = "Cannot delete the function because it's attached to one or more cache behaviors.";
        return Err(refuse("FunctionInUse", message));
    }
    world.functions.remove(name);
    Ok(Reply::empty(204))
}

/// `ListFunctions`, sorted by name.
pub fn list(world: &World, marker: Option<&str>, max_items: Option<&str>, stage: Option<&str>) -> Answer<Reply> {
    let max = page_size(max_items)?;
    let stage = stage_named(stage)?;
    let mut rest = world
        .functions
        .values()
        .filter(|it| marker.is_none_or(|marker| it.name.as_str() > marker))
        .filter_map(|it| Some((it, version_of(it, stage)?)));
    let page = rest.by_ref().take(max).collect::<Vec<_>>();
    let more = rest.next().is_some();
    let next = page.last().filter(|_| more).map(|(last, _)| last.name.as_str());
    let items = page
        .iter()
        .map(|(it, version)| views::summary(world, it, stage, version));
    Ok(document(&views::list(items.collect(), max, next)))
}

fn read(request: &Element) -> Answer<Version> {
    schema::check_function(request)?;
    let code = BASE64_STANDARD
        .decode(request.text_at("FunctionCode").unwrap_or_default().trim())
        .ok()
        .and_then(|code| String::from_utf8(code).ok())
        .filter(|code| !code.is_empty())
        .ok_or_else(|| invalid("The parameter FunctionCode is not valid."))?;
    if code.len() > MAX_CODE {
        return Err(refuse("FunctionSizeLimitExceeded", "The function is too large."));
    }
    let config = |member: &str| {
        let text = request.at("FunctionConfig").and_then(|config| config.text_at(member));
        text.unwrap_or_default().to_owned()
    };
    if request
        .at("FunctionConfig")
        .is_some_and(|config| config.items("KeyValueStoreAssociations").next().is_some())
    {
        return Err(invalid("There is no key value store of this name."));
    }
    Ok(Version {
        code,
        comment: config("Comment"),
        runtime: config("Runtime"),
        etag: ids::distribution(),
        modified: OffsetDateTime::now_utc(),
    })
}

fn staged<'w>(world: &'w World, name: &str, stage: Option<&str>) -> Answer<(&'w Function, &'static str, &'w Version)> {
    let stage = stage_named(stage)?;
    let function = world.functions.get(name).ok_or_else(no_such_function)?;
    let version = version_of(function, stage).ok_or_else(no_such_function)?;
    Ok((function, stage, version))
}

fn stage_named(stage: Option<&str>) -> Answer<&'static str> {
    match stage {
        None | Some(DEVELOPMENT) => Ok(DEVELOPMENT),
        Some(LIVE) => Ok(LIVE),
        Some(_) => Err(invalid("The parameter Stage must be DEVELOPMENT or LIVE.")),
    }
}

fn version_of<'f>(function: &'f Function, stage: &str) -> Option<&'f Version> {
    if stage == LIVE {
        function.live.as_ref()
    } else {
        Some(&function.development)
    }
}

fn no_such_function() -> ApiError {
    refuse("NoSuchFunctionExists", "The function does not exist.")
}
