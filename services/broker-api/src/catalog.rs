//! GET /v2/catalog (OSBAPI, "Catalog Management").

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::Broker;
use crate::parameters::{MOST_DOMAINS, MOST_HEADERS, MOST_PATH};
use crate::settings::BrokerArgs;

/// How long the platform polls an operation: 8 days. The broker itself gives up after 7 (the operations' deadline), so
/// it speaks first and the user reads its reason, not the platform's time-out.
const MAXIMUM_POLLING_SECONDS: u32 = 8 * 86_400;

pub(crate) async fn get(State(broker): State<Arc<Broker>>) -> Json<Value> {
    Json(broker.catalog.clone())
}

pub(crate) fn catalog(args: &BrokerArgs) -> Value {
    json!({"services": [{
        "id": args.service_id.0,
        "name": args.service_name.0,
        "description": "HTTPS for your own domains, served by Amazon CloudFront, with certificates from an ACME CA",
        "bindable": false,
        "instances_retrievable": true,
        "bindings_retrievable": false,
        "plan_updateable": false,
        "allow_context_updates": false,
        "tags": ["cdn", "https", "certificate", "domain"],
        "metadata": {
            "displayName": "CDN with HTTPS",
            "longDescription": "Serves your domains through Amazon CloudFront with a certificate from an ACME certificate \
                authority such as Let's Encrypt. `cf service` shows the DNS records to set while it is created.",
            "providerDisplayName": "cdn-broker",
        },
        "plans": [{
            "id": args.plan_id.0,
            "name": args.plan_name.0,
            "description": "A CloudFront distribution and a certificate for up to 100 domains",
            "bindable": false,
            "plan_updateable": false,
            "maximum_polling_duration": MAXIMUM_POLLING_SECONDS,
            "schemas": {"service_instance": {"create": {"parameters": create_schema(args)}}},
        }],
    }]})
}

/// The schema of `parameters`, for user interfaces; the parser is stricter, and says what is wrong. Cloud Controller
/// wants draft 4 and no outside references.
fn create_schema(args: &BrokerArgs) -> Value {
    let list_or_text = |what: &str, most: usize| {
        json!({
            "description": what,
            "oneOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "maxItems": most},
            ],
        })
    };
    let cookies = json!({
        "description": "Cookies passed to the origin: \"*\" or true for all (the default), \"\" or false for none, else names, as a list or separated by commas",
        "oneOf": [{"type": "boolean"}, {"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    });
    let headers = "Request headers passed to the origin, as a list or separated by commas; \"*\" alone: all";
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "domains": list_or_text("The domains, as a list or separated by commas", MOST_DOMAINS),
            "domain": {"type": "string", "description": "The domains, separated by commas (older form of domains)"},
            "origin": {"type": "string", "maxLength": 253, "description": "Host name of the origin"},
            "path": {"type": "string", "maxLength": MOST_PATH, "description": "Folder at the origin, such as /assets"},
            "insecure_origin": {"type": "boolean", "description": "Fetch from the origin by plain HTTP"},
            "forward_headers": list_or_text(headers, MOST_HEADERS),
            "headers": list_or_text("Older form of forward_headers", MOST_HEADERS),
            "forward_cookies": cookies,
            "cookies": {"type": "boolean", "description": "Older form of forward_cookies"},
        },
        "oneOf": [{"required": ["domains"]}, {"required": ["domain"]}],
    });
    match &args.default_origin.0 {
        Some(origin) => schema["properties"]["origin"]["default"] = origin.as_str().into(),
        None => schema["required"] = json!(["origin"]),
    }
    schema
}
