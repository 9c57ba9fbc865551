//! One trace from the platform's request to every call that comes of it, through all five services.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use customer::{Platform, status};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use stack::{Handle, Options};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::world::{PATIENCE, domain, organization};

/// A span and whose it is.
#[derive(Clone)]
struct Seen {
    service: String,
    span: Span,
}

impl Seen {
    fn attribute(&self, key: &str) -> String {
        let found = self.span.attributes.iter().find(|attribute| attribute.key == key);
        match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
            Some(Value::StringValue(text)) => text.clone(),
            Some(Value::IntValue(number)) => number.to_string(),
            _ => String::new(),
        }
    }
}

type Spans = Arc<Mutex<Vec<Seen>>>;

/// An OTLP collector.
async fn collector() -> anyhow::Result<(String, Spans)> {
    async fn collect(State(spans): State<Spans>, body: Bytes) {
        let request = ExportTraceServiceRequest::decode(body).expect("an OTLP request");
        for resource in request.resource_spans {
            let named = resource.resource.iter().flat_map(|resource| &resource.attributes);
            let service = named
                .filter(|attribute| attribute.key == "service.name")
                .find_map(|attribute| match attribute.value.as_ref()?.value.as_ref()? {
                    Value::StringValue(name) => Some(name.clone()),
                    _ => None,
                })
                .unwrap_or_default();
            let all = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.lock().unwrap().extend(all.map(|span| Seen {
                service: service.clone(),
                span,
            }));
        }
    }
    let spans = Spans::default();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = axum::Router::new()
        .route("/v1/traces", post(collect))
        .with_state(spans.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((url, spans))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_spans_the_request_each_message_and_each_call() -> anyhow::Result<()> {
    let (url, spans) = collector().await?;
    let options = Options::fast()
        .with_env("all", "OTEL_EXPORTER_OTLP_ENDPOINT", &url)
        .with_env("all", "OTEL_BSP_SCHEDULE_DELAY", "200");
    let stack = Handle::start(options).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let (id, name) = ("traced", domain("traced"));
    let answer = platform
        .provision(id, &organization(), json!({"domains": [name]}))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = platform
        .poll(id, PATIENCE, "what to set, looked for twice", |answer| {
            status::persist_value(answer.description()).is_some() && answer.description().contains("nothing found yet")
        })
        .await?;
    let value = status::persist_value(told.description()).context("a value")?;
    stack
        .dns()?
        .set_txt(&format!("_validation-persist.{name}"), &value)
        .await?;
    platform.succeeded(id, PATIENCE).await?;

    let trace = traced(&spans, "distribution").await?;
    let by_id: HashMap<&[u8], &Seen> = trace.iter().map(|seen| (&*seen.span.span_id, seen)).collect();
    let services: BTreeSet<&str> = trace.iter().map(|seen| seen.service.as_str()).collect();
    assert_eq!(
        services.into_iter().collect::<Vec<_>>(),
        [
            "broker-api",
            "cert-installer",
            "certificate-issuer",
            "challenge-verifier",
            "distribution"
        ]
    );
    every_attempt_and_call_has_its_parent(&trace, &by_id)?;
    // An attempt that comes after another has a link to that one.
    let again: Vec<&Seen> = trace
        .iter()
        .filter(|seen| !seen.attribute("attempt").is_empty() && seen.attribute("attempt") != "0")
        .collect();
    assert!(!again.is_empty());
    for seen in again {
        let link = seen.span.links.first().context("a link")?;
        let before = by_id
            .get(&*link.span_id)
            .context("the attempt before is in the trace")?;
        assert_eq!(before.attribute("step"), seen.attribute("step"));
    }
    let broker = e.process("broker-api").context("a process")?;
    let health = broker.health_url.as_deref().context("its address")?;
    let metrics = reqwest::get(format!("{health}/metrics")).await?.text().await?;
    assert!(metrics.contains("http_requests_total"));
    Ok(())
}

fn every_attempt_and_call_has_its_parent(trace: &[Seen], by_id: &HashMap<&[u8], &Seen>) -> anyhow::Result<()> {
    let mut kinds = BTreeSet::new();
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for seen in trace {
        let parent = by_id.get(&*seen.span.parent_span_id);
        if seen.attribute("method") == "PUT" {
            assert!(seen.span.parent_span_id.is_empty() && seen.service == "broker-api");
            assert_eq!(seen.span.name, "PUT /v2/service_instances/{id}");
            continue;
        }
        let parent = parent.with_context(|| format!("{} has no parent in the trace", seen.span.name))?;
        match seen.attribute("peer").as_str() {
            "" => {
                kinds.insert(seen.attribute("kind"));
                // Attempts are siblings: a step that waits for days makes no trace that is as deep.
                assert_ne!(seen.attribute("step"), parent.attribute("step"), "{}", seen.span.name);
            }
            peer => {
                assert_eq!(parent.service, seen.service);
                let of_peer = calls.entry(peer.to_owned()).or_default();
                of_peer.insert(seen.attribute("operation"));
                assert!(!seen.attribute("outcome").is_empty(), "{}", seen.span.name);
            }
        }
    }
    for kind in [
        "place-order",
        "verify-challenge",
        "answer-challenges",
        "await-validation",
        "finalize-order",
        "upload-certificate",
        "create-distribution",
        "await-deployment",
    ] {
        assert!(kinds.contains(kind), "no {kind} in {kinds:?}");
    }
    for (peer, operation) in [
        ("cloudfront", "CreateDistributionWithTags"),
        ("iam", "UploadServerCertificate"),
        ("acme", "POST"),
        ("dns", "TXT"),
    ] {
        let found = calls.get(peer).is_some_and(|of_peer| of_peer.contains(operation));
        assert!(found, "no {operation} among {calls:?}");
    }
    Ok(())
}

/// The spans of the trace that the PUT began, once that service has told its last ones.
async fn traced(spans: &Spans, last: &str) -> anyhow::Result<Vec<Seen>> {
    let deadline = Instant::now() + PATIENCE;
    let mut before = 0;
    loop {
        sleep(Duration::from_millis(1000)).await;
        let all = spans.lock().unwrap().clone();
        let put = all.iter().find(|seen| seen.attribute("method") == "PUT");
        if let Some(put) = put {
            let trace: Vec<Seen> = all
                .iter()
                .filter(|seen| seen.span.trace_id == put.span.trace_id)
                .cloned()
                .collect();
            // Exporters tell every 200 ms: nothing more has come for five of those.
            if trace.len() == before && trace.iter().any(|seen| seen.service == last) {
                return Ok(trace);
            }
            before = trace.len();
        }
        ensure!(Instant::now() < deadline, "the trace is not complete: {before} spans");
    }
}
