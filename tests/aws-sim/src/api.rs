//! The API listener: one address for all services, as an SDK with a custom endpoint URL expects.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;

use crate::error::{Answer, ApiError};
use crate::state::Sim;
use crate::{cloudfront, iam, ids, route53, sigv4};

const MAX_BODY: usize = 8 * 1024 * 1024;

/// A successful response before serialization.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers besides the content type and the request id.
    pub headers: Vec<(&'static str, String)>,
    /// XML document, or empty.
    pub body: String,
}

impl Reply {
    /// A document with status 200.
    pub fn ok(body: String) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body,
        }
    }

    /// No content.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The connection must be dropped without a response, as a fault requires.
#[derive(Debug, thiserror::Error)]
#[error("dropped by an injected fault")]
pub struct Dropped;

enum Call {
    CloudFront(cloudfront::router::Operation),
    Iam(iam::query::Form),
    Route53(route53::router::Operation),
}

impl Call {
    fn read(parts: &Parts, body: &[u8]) -> Option<Self> {
        if parts.uri.path() == "/" {
            return Some(Self::Iam(iam::query::Form::read(body)));
        }
        let cloudfront = || cloudfront::router::route(&parts.method, &parts.uri).map(Self::CloudFront);
        route53::router::route(&parts.method, &parts.uri)
            .map(Self::Route53)
            .or_else(cloudfront)
    }

    fn service(&self) -> &'static str {
        match self {
            Self::CloudFront(_) => "cloudfront",
            Self::Iam(_) => "iam",
            Self::Route53(_) => "route53",
        }
    }

    fn operation(&self) -> String {
        match self {
            Self::CloudFront(operation) => operation.name().to_owned(),
            Self::Iam(form) => form.action().to_owned(),
            Self::Route53(operation) => operation.name().to_owned(),
        }
    }

    fn perform(&self, sim: &Sim, parts: &Parts, body: &[u8], request_id: &str) -> Answer<Reply> {
        let key = sigv4::verify(parts, body, self.service(), &sim.settings.access_keys)?;
        match self {
            Self::CloudFront(operation) => {
                let asked = cloudfront::rights::needed(operation, &sim.world(), body);
                asked.iter().try_for_each(|asked| key.allow(asked))?;
                cloudfront::operations::perform(sim, operation, key, &parts.headers, body)
            }
            Self::Iam(form) => {
                let asked = iam::rights::needed(form, &sim.world());
                asked.iter().try_for_each(|asked| key.allow(asked))?;
                iam::operations::perform(sim, form, request_id)
            }
            Self::Route53(operation) => {
                sim.world().another_call()?;
                key.allow(&route53::rights::needed(operation, body))?;
                route53::operations::perform(sim, operation, body)
            }
        }
    }

    fn namespace(&self) -> &'static str {
        match self {
            Self::CloudFront(_) => cloudfront::NAMESPACE,
            Self::Iam(_) => iam::xml::NAMESPACE,
            Self::Route53(_) => route53::NAMESPACE,
        }
    }
}

/// Answers one API request.
pub async fn serve(sim: Arc<Sim>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Dropped> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY)
        .collect()
        .await
        .map_err(|_| Dropped)?
        .to_bytes();
    let response = answer(&sim, &parts, &body).await?;
    if sim.journal.is_open() {
        let sent = response.body().clone().collect().await.unwrap_or_default().to_bytes();
        sim.journal
            .record(&parts, &body, &response, &String::from_utf8_lossy(&sent));
    }
    Ok(response)
}

async fn answer(sim: &Sim, parts: &Parts, body: &[u8]) -> Result<Response<Full<Bytes>>, Dropped> {
    let request_id = ids::request();
    let Some(call) = Call::read(parts, body) else {
        let error = ApiError::new(
            "UnknownOperationException",
            404,
            format!("{} {}", parts.method, parts.uri),
        );
        return Ok(respond(
            404,
            &[],
            error.document(cloudfront::NAMESPACE, &request_id),
            &request_id,
        ));
    };
    let (service, operation) = (call.service(), call.operation());
    let action = format!("{service}:{operation}");
    let fault = sim.faults.take(service, &operation);
    if let Some(fault) = &fault {
        tokio::time::sleep(fault.delay()).await;
    }
    let spoils = fault.filter(|fault| fault.close || fault.code.is_some());
    let outcome = match &spoils {
        Some(fault) if !fault.after_effect => None,
        _ => Some(call.perform(sim, parts, body, &request_id)),
    };
    if spoils.as_ref().is_some_and(|fault| fault.close) {
        tracing::info!(%action, "connection dropped");
        sim.counters.count(&action, "Closed");
        return Err(Dropped);
    }
    let result = match spoils.and_then(|fault| fault.error()) {
        Some(error) => Err(error),
        None => outcome.unwrap_or_else(|| Err(ApiError::new("InternalFailure", 500, "no outcome"))),
    };
    match result {
        Ok(reply) => {
            tracing::info!(%action, status = reply.status, "ok");
            sim.counters.count(&action, "OK");
            Ok(respond(reply.status, &reply.headers, reply.body, &request_id))
        }
        Err(error) => {
            tracing::info!(%action, status = error.status, code = %error.code, message = %error.message, "refused");
            sim.counters.count(&action, &error.code);
            Ok(respond(
                error.status,
                &[],
                error.document(call.namespace(), &request_id),
                &request_id,
            ))
        }
    }
}

fn respond(status: u16, headers: &[(&'static str, String)], body: String, request_id: &str) -> Response<Full<Bytes>> {
    let empty = body.is_empty();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let out = response.headers_mut();
    if !empty {
        out.insert("content-type", HeaderValue::from_static("text/xml"));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            out.insert(*name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        out.insert("x-amzn-requestid", value);
    }
    response
}
