//! A viewer-request function at the edge, actually executed (QuickJS).
//!
//! Sources: Developer Guide, "CloudFront Functions event structure" (the event, `value` and `multiValue`, allowed
//! return values), "General helper methods" (`rawQueryString`), "Restrictions on edge functions" (headers, memory, no
//! dynamic evaluation), "Quotas on CloudFront Functions".

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, Uri};
use rquickjs::promise::MaybePromise;
use rquickjs::{CatchResultExt as _, Context, Ctx, Function, Runtime};
use serde_json::{Map, Value, json};

use super::forward::ViewerRequest;
use super::pages::{self, Answer};
use crate::ids;

/// CloudFront lets a function compute for less than a millisecond; this limit allows for a busy machine.
const LIMIT: Duration = Duration::from_millis(500);
/// CloudFront: 2 MB. QuickJS needs memory for its own objects too.
const MEMORY: usize = 4 * 1024 * 1024;
const STACK: usize = 256 * 1024;
/// Neither passed to a function nor accepted from one ("Disallowed headers").
const DISALLOWED: [&str; 8] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "upgrade",
];
/// The module `cloudfront` and the functions that need it are not available; `rawQueryString` doesn't need it.
const CALL: &str = "(event, raw) => {
    event = JSON.parse(event);
    Object.defineProperty(event.request, 'rawQueryString', { value: () => raw });
    return handler(event);
}";

/// The result of a function.
#[derive(Debug)]
pub enum Ran {
    /// The request is processed unchanged.
    Untouched,
    /// The request is processed as changed.
    Request(Box<ViewerRequest>),
    /// The viewer gets this response, and the origin isn't contacted.
    Response(Answer),
    /// It threw, or exceeded its time or memory: 503.
    Failed(Answer),
    /// Its return value is invalid: 502.
    Refused(Answer),
}

/// The 503 for a function that did not complete.
pub fn failed(why: &str) -> Ran {
    tracing::warn!(why, "a function failed");
    let reason = "The CloudFront function associated with the CloudFront distribution is invalid or could not run.";
    Ran::Failed(pages::error(StatusCode::SERVICE_UNAVAILABLE, reason))
}

fn refused(why: &str) -> Ran {
    tracing::warn!(why, "a function returned what can't be used");
    let reason = "The CloudFront function returned an invalid value.";
    Ran::Refused(pages::error(StatusCode::BAD_GATEWAY, reason))
}

/// Runs the code for one request of the distribution.
pub fn run(code: Option<&str>, viewer: &ViewerRequest, distribution: &str, domain: &str) -> Ran {
    let Some(code) = code else {
        return failed("it is not published");
    };
    let event = event(viewer, distribution, domain);
    let returned = match evaluate(code, &event.to_string(), viewer.parts.uri.query()) {
        Ok(returned) => returned,
        Err(why) => return failed(&why),
    };
    match serde_json::from_str::<Value>(&returned) {
        Ok(Value::Object(object)) if object.contains_key("statusCode") => {
            response(&object).map_or_else(|why| refused(&why), Ran::Response)
        }
        Ok(request) if request == event["request"] => Ran::Untouched,
        Ok(Value::Object(object)) if object.contains_key("uri") => {
            changed(viewer, &object).map_or_else(|why| refused(&why), |viewer| Ran::Request(Box::new(viewer)))
        }
        _ => refused("neither a request nor a response"),
    }
}

fn evaluate(code: &str, event: &str, raw_query: Option<&str>) -> Result<String, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    runtime.set_memory_limit(MEMORY);
    runtime.set_max_stack_size(STACK);
    let deadline = Instant::now() + LIMIT;
    runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() > deadline)));
    let context = Context::full(&runtime).map_err(|error| error.to_string())?;
    context.with(|ctx| {
        let returned = call(&ctx, code, event, raw_query).catch(&ctx);
        returned.map_err(|error| error.to_string())
    })
}

fn call(ctx: &Ctx<'_>, code: &str, event: &str, raw_query: Option<&str>) -> rquickjs::Result<String> {
    let handler: Function<'_> = ctx.eval(CALL)?;
    ctx.globals().remove("eval")?;
    ctx.eval::<(), _>(code)?;
    let returned: MaybePromise<'_> = handler.call((event, raw_query))?;
    let returned: rquickjs::Value<'_> = returned.finish()?;
    match ctx.json_stringify(returned)? {
        Some(text) => text.to_string(),
        None => Ok("null".to_owned()),
    }
}

fn event(viewer: &ViewerRequest, distribution: &str, domain: &str) -> Value {
    let headers = viewer
        .parts
        .headers
        .iter()
        .filter(|(name, _)| name.as_str() != "cookie" && !DISALLOWED.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let cookies = viewer
        .parts
        .headers
        .get_all("cookie")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(pair);
    let query = viewer.parts.uri.query().unwrap_or_default();
    json!({
        "version": "1.0",
        "context": {
            "distributionDomainName": domain,
            "distributionId": distribution,
            "eventType": "viewer-request",
            "requestId": ids::token(54),
        },
        "viewer": {"ip": viewer.peer.to_string()},
        "request": {
            "method": viewer.parts.method.as_str(),
            "uri": viewer.path,
            "querystring": fields(query.split('&').filter_map(pair)),
            "headers": fields(headers),
            "cookies": fields(cookies),
        },
    })
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let name = name.trim();
    (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
}

/// `{name: {value, multiValue}}`: `multiValue` only for names that occur more than once; `value` is then the first.
fn fields(pairs: impl Iterator<Item = (String, String)>) -> Value {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => all.push((name, vec![value])),
        }
    }
    let field = |values: Vec<String>| {
        let mut field = json!({ "value": values.first() });
        if values.len() > 1 {
            field["multiValue"] = values.iter().map(|value| json!({ "value": value })).collect();
        }
        field
    };
    all.into_iter()
        .map(|(name, values)| (name, field(values)))
        .collect::<Map<_, _>>()
        .into()
}

/// The pairs in a function's return value in this form.
fn pairs(fields: Option<&Value>) -> Result<Vec<(String, String)>, String> {
    let Some(fields) = fields else { return Ok(Vec::new()) };
    let fields = fields.as_object().ok_or("headers, cookies and query are objects")?;
    let mut all = Vec::new();
    for (name, field) in fields {
        let values = match field["multiValue"].as_array() {
            Some(many) => many.iter().collect(),
            None => vec![field],
        };
        for value in values {
            let value = value["value"].as_str().ok_or_else(|| format!("{name} has no value"))?;
            all.push((name.clone(), value.to_owned()));
        }
    }
    Ok(all)
}

fn headers(of: &Map<String, Value>, into: &mut http::HeaderMap) -> Result<(), String> {
    for (name, value) in pairs(of.get("headers"))? {
        if DISALLOWED.contains(&name.as_str()) {
            return Err(format!("the header {name} is disallowed"));
        }
        let bad = |_| format!("the header {name} is not valid");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("no header: {name}"))?;
        into.append(key, HeaderValue::from_str(&value).map_err(bad)?);
    }
    Ok(())
}

fn response(returned: &Map<String, Value>) -> Result<Answer, String> {
    let status = returned
        .get("statusCode")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (200..=599).contains(status))
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or("statusCode is no status")?;
    let body = match returned.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) => Bytes::from(text.clone()),
        Some(body) => match (body["encoding"].as_str(), body["data"].as_str()) {
            (Some("text"), Some(text)) => Bytes::from(text.to_owned()),
            _ => return Err("the body is neither text nor {encoding: text, data}".to_owned()),
        },
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    headers(returned, answer.headers_mut())?;
    answer
        .headers_mut()
        .insert("server", HeaderValue::from_static("CloudFront"));
    Ok(answer)
}

fn changed(viewer: &ViewerRequest, returned: &Map<String, Value>) -> Result<ViewerRequest, String> {
    let mut changed = viewer.clone();
    let path = returned
        .get("uri")
        .and_then(Value::as_str)
        .filter(|uri| uri.starts_with('/'));
    let path = path.ok_or("uri is no path")?;
    let query = match returned.get("querystring") {
        Some(Value::String(query)) => query.clone(),
        query => {
            let pairs = pairs(query)?;
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("&")
        }
    };
    let target = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    changed.parts.uri = target.parse::<Uri>().map_err(|_| "uri is not valid")?;
    changed.path = path.to_owned();
    changed.parts.headers.clear();
    headers(returned, &mut changed.parts.headers)?;
    let cookies = pairs(returned.get("cookies"))?;
    let cookies = cookies.iter().map(|(name, value)| format!("{name}={value}"));
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    if let Some(cookies) = HeaderValue::from_str(&cookies)
        .ok()
        .filter(|cookies| !cookies.is_empty())
    {
        changed.parts.headers.insert("cookie", cookies);
    }
    Ok(changed)
}
