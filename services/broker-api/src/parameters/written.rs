//! The parameters as they are written. The schemas of the catalog are made of this type, and the parser reads by it.

use std::sync::LazyLock;

use pipeline::instance::{Cookies, PriceClass};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::domains::{ByComma, Domains};
use super::edge::{Pages, Seconds};
use super::headers::Headers;
use super::keys;
use super::origin::{Host, Path};
use super::policies::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};
use super::redirect::Target;
use super::{Faults, ParameterError};
use crate::form::Read;

/// Every parameter there is, each read alone. `null` counts as absent.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Parameters", description = "What a user can set; null is the default")]
pub(super) struct Written {
    /// The domains, as a list or separated by commas
    pub(super) domains: Option<Read<Domains>>,
    /// The domains, separated by commas (older form of domains)
    pub(super) domain: Option<Read<ByComma>>,
    /// Host name of the origin
    pub(super) origin: Option<Read<Host>>,
    /// Folder at the origin, such as /assets
    pub(super) path: Option<Read<Path>>,
    /// Fetch from the origin by plain HTTP
    pub(super) insecure_origin: Option<Read<bool>>,
    /// Host name that is asked when the origin is unreachable, too slow or answers 5xx
    pub(super) failover_origin: Option<Read<Host>>,
    /// Request headers passed to the origin, as a list or separated by commas; "*" alone: all
    pub(super) forward_headers: Option<Read<Headers>>,
    /// Older form of forward_headers
    pub(super) headers: Option<Read<Headers>>,
    /// Cookies passed to the origin, as a list or separated by commas; "*" or true: all (the default); "" or false: none
    pub(super) forward_cookies: Option<Read<Cookies>>,
    /// Older form of forward_cookies
    pub(super) cookies: Option<Read<Cookies>>,
    /// How long CloudFront keeps what comes without Cache-Control, in seconds
    pub(super) default_ttl: Option<Read<Seconds>>,
    /// Pages of the origin that are shown for its errors: path by HTTP status
    pub(super) error_responses: Option<Read<Pages>>,
    /// CloudFront's managed policy in place of forward_headers, forward_cookies and default_ttl
    pub(super) cache_policy: Option<Read<CachePolicy>>,
    /// Managed policy of what is passed to the origin, beside cache_policy
    pub(super) origin_request_policy: Option<Read<OriginRequestPolicy>>,
    /// Managed policy of headers that are added to answers
    pub(super) response_headers_policy: Option<Read<ResponseHeadersPolicy>>,
    /// Short for response_headers_policy Managed-SecurityHeadersPolicy
    pub(super) hsts: Option<Read<bool>>,
    /// Which of CloudFront's edges serve
    pub(super) price_class: Option<Read<PriceClass>>,
    /// Compress at the edge (the default)
    pub(super) compress: Option<Read<bool>>,
    /// HTTP/3 beside HTTP/2
    pub(super) http3: Option<Read<bool>>,
    /// The host that answers, such as www.example.com; every other domain is redirected to it
    pub(super) redirect_to: Option<Read<Target>>,
}

/// The schema of [`Written`]: draft 4, the one that Cloud Controller takes, without references.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut settings = SchemaSettings::draft07();
    settings.meta_schema = Some("http://json-schema.org/draft-04/schema#".into());
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<Written>().to_value()
});

/// The names of all parameters, in the order of the alphabet.
pub(super) static KNOWN: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let properties = SCHEMA["properties"].as_object();
    properties
        .map(|all| all.keys().map(String::as_str).collect())
        .unwrap_or_default()
});

impl Written {
    /// Reads each parameter alone: those that are right, and what is wrong with the others.
    pub(super) fn read(object: &Map<String, Value>) -> (Self, Faults) {
        let mut faults = keys::check(object);
        let mut right = Map::new();
        for (key, value) in object.iter().filter(|(key, _)| KNOWN.contains(&key.as_str())) {
            let one = Map::from_iter([(key.clone(), value.clone())]);
            match serde_json::from_value::<Self>(Value::Object(one)) {
                Ok(_) => drop(right.insert(key.clone(), value.clone())),
                Err(error) => {
                    let told = error.to_string();
                    told.lines()
                        .for_each(|fault| faults.push(ParameterError::new(key, fault)));
                }
            }
        }
        (serde_json::from_value(Value::Object(right)).unwrap_or_default(), faults)
    }
}
