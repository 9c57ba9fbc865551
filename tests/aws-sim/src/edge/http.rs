//! One request at the edge, from the viewer's Host to the response.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;

use super::config::{Behaviour, EdgeConfig};
use super::forward::{self, ViewerRequest};
use super::function::{self, Ran};
use super::origins;
use super::pages::{self, Answer};
use super::route::{self, Site};
use super::{cache, config};
use crate::state::Sim;
use crate::{ids, names};

const MAX_BODY: usize = 64 * 1024 * 1024;
const ERROR_SECONDS: u64 = 10;
const NOT_CONFIGURED: &str = "Bad request. We can't connect to the server for this app or website at this time. There might be too much \
                              traffic or a configuration error.";
const NO_METHOD: &str = "This distribution is not configured to allow the HTTP request method that was used for this request. The \
                         distribution supports only cachable requests.";

/// What every request at the edge needs.
#[derive(Debug)]
pub struct Edge {
    /// Shared state.
    pub sim: Arc<Sim>,
    /// Port named in redirects to https.
    pub https_port: u16,
    /// `1.1 ….cloudfront.net (CloudFront)`
    pub via: String,
}

impl Edge {
    /// An edge whose redirects name this port.
    pub fn new(sim: Arc<Sim>, https_port: u16) -> Self {
        Self {
            sim,
            https_port,
            via: format!(
                "1.1 {}.cloudfront.net (CloudFront)",
                ids::hex(ids::token(16).as_bytes())
            ),
        }
    }
}

/// Answers one viewer request.
pub async fn serve(
    edge: Arc<Edge>,
    https: bool,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let host = parts
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let host = names::without_port(host);
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            return Ok(finish(
                &edge,
                pages::error(StatusCode::BAD_REQUEST, "Bad request."),
                "Error from cloudfront",
            ));
        }
    };
    let path = parts.uri.path().to_owned();
    let head = parts.method == Method::HEAD;
    let viewer = ViewerRequest {
        parts,
        body,
        host,
        path,
        peer,
        https,
    };
    let (mut answer, x_cache) = answer(&edge, viewer).await;
    if head {
        *answer.body_mut() = Bytes::new();
    }
    Ok(finish(&edge, answer, x_cache))
}

async fn answer(edge: &Edge, mut viewer: ViewerRequest) -> (Answer, &'static str) {
    let refused = |reason: &str| (pages::error(StatusCode::FORBIDDEN, reason), "Error from cloudfront");
    let Some(site) = route::by_host(&edge.sim, &viewer.host) else {
        return refused(NOT_CONFIGURED);
    };
    if !site.config.enabled {
        return refused(NOT_CONFIGURED);
    }
    if viewer.path == "/" && !site.config.root_object.is_empty() {
        viewer.path = format!("/{}", site.config.root_object);
    }
    let Some(behaviour) = route::behaviour(&site.config, &viewer.path) else {
        return refused(NOT_CONFIGURED);
    };
    if !viewer.https {
        match behaviour.viewer_policy.as_str() {
            "redirect-to-https" => {
                let page = pages::redirect(&viewer.parts.method, &https_url(edge, &viewer));
                return (page, "Redirect from cloudfront");
            }
            "https-only" => {
                return refused("Bad request. This distribution is configured to accept HTTPS requests only.");
            }
            _ => {}
        }
    }
    if !behaviour
        .methods
        .iter()
        .any(|method| method == viewer.parts.method.as_str())
    {
        return refused(NO_METHOD);
    }
    match run_function(edge, &site, behaviour, &viewer).await {
        None | Some(Ran::Untouched) => {}
        Some(Ran::Request(changed)) => viewer = *changed,
        Some(Ran::Response(made)) => return (made, "FunctionGeneratedResponse from cloudfront"),
        Some(Ran::Failed(page)) => return (page, "FunctionExecutionError from cloudfront"),
        Some(Ran::Refused(page)) => return (page, "FunctionValidationError from cloudfront"),
    }
    cached(edge, &site, behaviour, &viewer).await
}

/// Runs the behaviour's viewer-request function, as currently published: publishing needs no deployment of
/// distributions. After the viewer protocol policy, which redirects by itself, and before the cache.
async fn run_function(edge: &Edge, site: &Site, behaviour: &Behaviour, viewer: &ViewerRequest) -> Option<Ran> {
    let name = behaviour.viewer_request.as_deref()?;
    let (code, domain) = {
        let world = edge.sim.world();
        let code = world
            .functions
            .get(name)
            .and_then(|function| Some(function.live.as_ref()?.code.clone()));
        let domain = world.distributions.get(&site.id).map(|it| it.domain_name.clone());
        (code, domain.unwrap_or_default())
    };
    let viewer = viewer.clone();
    let id = site.id.clone();
    // It may use the CPU for its whole time limit.
    let ran = tokio::task::spawn_blocking(move || function::run(code.as_deref(), &viewer, &id, &domain)).await;
    Some(ran.unwrap_or_else(|_| function::failed("the function's thread ended")))
}

fn https_url(edge: &Edge, viewer: &ViewerRequest) -> String {
    let port = if edge.https_port == 443 {
        String::new()
    } else {
        format!(":{}", edge.https_port)
    };
    let path = viewer.parts.uri.path_and_query().map_or("/", |path| path.as_str());
    format!("https://{}{port}{path}", viewer.host)
}

async fn cached(edge: &Edge, site: &Site, behaviour: &Behaviour, viewer: &ViewerRequest) -> (Answer, &'static str) {
    let method = viewer.parts.method.as_str();
    let cachable = behaviour.cached_methods.iter().any(|cached| cached == method)
        && !viewer.parts.headers.contains_key("range")
        && behaviour.key_headers != super::pass::Rule::All;
    let key = forward::cache_key(viewer, behaviour, &site.id);
    if cachable && let Some((mut answer, age)) = edge.sim.cache.get(&key) {
        answer.headers_mut().insert("age", HeaderValue::from(age.as_secs()));
        let x_cache = if is_error(&answer) {
            "Error from cloudfront"
        } else {
            "Hit from cloudfront"
        };
        return (answer, x_cache);
    }
    let mut answer = by_target(edge, &site.config, behaviour, viewer).await;
    let status = answer.status().as_u16();
    let rule = site.config.errors.get(&status).cloned();
    let seconds = if is_error(&answer) {
        let least = rule.as_ref().map_or(ERROR_SECONDS, |rule| rule.ttl);
        cache::error_seconds(&answer, least, behaviour.ttl.2)
    } else {
        cache::seconds(&answer, behaviour.ttl)
    };
    let x_cache = if is_error(&answer) {
        "Error from cloudfront"
    } else {
        "Miss from cloudfront"
    };
    if let Some(config::ErrorResponse {
        page: Some((path, shown)),
        ..
    }) = rule
        && let Some(page) = error_page(edge, &site.config, viewer, &path, shown).await
    {
        answer = page;
    }
    if cachable && seconds > 0 && keeps(status) {
        edge.sim.cache.put(key, answer.clone(), seconds);
    }
    (answer, x_cache)
}

fn is_error(answer: &Answer) -> bool {
    answer.status().is_client_error() || answer.status().is_server_error()
}

/// Statuses whose responses are cached (Developer Guide, "HTTP 3xx, 4xx and 5xx status codes and caching").
fn keeps(status: u16) -> bool {
    matches!(
        status,
        200 | 203 | 204 | 300 | 301 | 302 | 307 | 308 | 404 | 405 | 410 | 414 | 500..=504 | 403
    )
}

async fn error_page(
    edge: &Edge,
    config: &EdgeConfig,
    viewer: &ViewerRequest,
    path: &str,
    shown: u16,
) -> Option<Answer> {
    let behaviour = route::behaviour(config, path)?;
    let mut ask = viewer.clone();
    ask.parts.method = Method::GET;
    ask.path = path.to_owned();
    ask.body = Bytes::new();
    let mut page = by_target(edge, config, behaviour, &ask).await;
    if !page.status().is_success() {
        return None;
    }
    *page.status_mut() = StatusCode::from_u16(shown).ok()?;
    Some(page)
}

/// Sends the request to the origin, or to the origin group: its secondary origin for the listed statuses and when the
/// primary doesn't respond, for GET, HEAD and OPTIONS only (Developer Guide, "Optimize high availability with
/// CloudFront origin failover").
async fn by_target(edge: &Edge, config: &EdgeConfig, behaviour: &Behaviour, viewer: &ViewerRequest) -> Answer {
    let Some(group) = config.groups.get(&behaviour.target) else {
        return ask(edge, config, behaviour, viewer, &behaviour.target).await.0;
    };
    let may_fail_over = matches!(viewer.parts.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    let mut members = group.members.iter();
    let (first, second) = (members.next(), members.next());
    let (answer, connected) = ask(edge, config, behaviour, viewer, first.map_or("", String::as_str)).await;
    let failed = !connected || group.statuses.contains(&answer.status().as_u16());
    match second {
        Some(second) if failed && may_fail_over => ask(edge, config, behaviour, viewer, second).await.0,
        _ => answer,
    }
}

/// Sends the request to one origin; also returns whether the origin responded at all.
async fn ask(
    edge: &Edge,
    config: &EdgeConfig,
    behaviour: &Behaviour,
    viewer: &ViewerRequest,
    origin: &str,
) -> (Answer, bool) {
    let Some(origin) = config.origins.get(origin) else {
        return (
            pages::error(StatusCode::BAD_GATEWAY, "The origin does not exist."),
            false,
        );
    };
    let https = match origin.protocol.as_str() {
        "http-only" => false,
        "https-only" => true,
        _ => viewer.https,
    };
    let host = forward::host(viewer, behaviour, origin).to_owned();
    let request = match forward::request(viewer, behaviour, origin, &edge.via) {
        Ok(request) => request,
        Err(error) => return (pages::error(StatusCode::BAD_REQUEST, &error.to_string()), true),
    };
    match origins::fetch(&edge.sim.settings, origin, https, &host, request).await {
        Ok(mut answer) => {
            clean(&mut answer, behaviour);
            (answer, true)
        }
        Err(error) => {
            tracing::info!(origin = %origin.domain, %error, "no answer from the origin");
            (pages::error(error.status(), &error.to_string()), false)
        }
    }
}

fn clean(answer: &mut Answer, behaviour: &Behaviour) {
    let headers = answer.headers_mut();
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-cache",
        "x-amz-cf-id",
        "x-amz-cf-pop",
    ] {
        headers.remove(name);
    }
    if !behaviour.passes_cookies() {
        headers.remove("set-cookie");
    }
}

fn finish(edge: &Edge, answer: Answer, x_cache: &'static str) -> Response<Full<Bytes>> {
    let (mut parts, body) = answer.into_parts();
    let via = match parts.headers.get("via").and_then(|via| via.to_str().ok()) {
        Some(before) => format!("{before}, {}", edge.via),
        None => edge.via.clone(),
    };
    parts.version = http::Version::HTTP_11;
    parts.headers.insert("x-cache", HeaderValue::from_static(x_cache));
    parts
        .headers
        .insert("x-amz-cf-pop", HeaderValue::from_static("SIM50-C1"));
    for (name, value) in [("via", via), ("x-amz-cf-id", ids::token(54))] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            parts.headers.insert(name, value);
        }
    }
    Response::from_parts(parts, Full::new(body))
}
