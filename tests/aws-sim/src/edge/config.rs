//! A deployed configuration in the form that the edge needs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::sign::CertifiedKey;

use super::pass::Rule;
use crate::cloudfront::functions::Function;
use crate::cloudfront::functions::associations::{VIEWER_REQUEST, associations, of_behaviour};
use crate::cloudfront::policies;
use crate::state::World;
use crate::xml::Element;

/// The deployed configuration of one distribution.
#[derive(Debug)]
pub struct EdgeConfig {
    /// Whether requests of viewers are answered at all.
    pub enabled: bool,
    /// Aliases, lower case.
    pub aliases: Vec<String>,
    /// Id of the certificate in use.
    pub certificate_id: Option<String>,
    /// Chain and key of that certificate.
    pub keyed: Option<Arc<CertifiedKey>>,
    /// Names of all functions that are associated.
    pub functions: Vec<String>,
    /// Path of the default root object without its slash, or empty.
    pub root_object: String,
    /// Origins by id.
    pub origins: HashMap<String, Origin>,
    /// Origin groups by id.
    pub groups: HashMap<String, Group>,
    /// Behaviours in order, the default one last.
    pub behaviours: Vec<Behaviour>,
    /// Custom error responses by status.
    pub errors: HashMap<u16, ErrorResponse>,
}

/// An origin.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Host name.
    pub domain: String,
    /// Prefix of every path.
    pub path: String,
    /// Headers added to every request.
    pub headers: Vec<(String, String)>,
    /// `http-only`, `https-only` or `match-viewer`.
    pub protocol: String,
    /// Port for http.
    pub http_port: u16,
    /// Port for https.
    pub https_port: u16,
    /// The timeout of each response.
    pub read_timeout: Duration,
    /// The timeout of each connection attempt.
    pub connect_timeout: Duration,
    /// The number of connection attempts.
    pub attempts: u32,
}

/// An origin group.
#[derive(Debug)]
pub struct Group {
    /// Origin ids: primary and secondary.
    pub members: Vec<String>,
    /// Statuses of the primary origin that make the edge use the secondary.
    pub statuses: Vec<u16>,
}

/// A cache behaviour.
#[derive(Debug)]
pub struct Behaviour {
    /// Path pattern; `None` for the default behaviour.
    pub pattern: Option<String>,
    /// Id of an origin or an origin group.
    pub target: String,
    /// `allow-all`, `https-only` or `redirect-to-https`.
    pub viewer_policy: String,
    /// Allowed methods.
    pub methods: Vec<String>,
    /// Methods whose responses are cached.
    pub cached_methods: Vec<String>,
    /// Whether the headers are governed by ForwardedValues rather than policies.
    pub legacy: bool,
    /// Headers in the cache key, and therefore forwarded.
    pub key_headers: Rule,
    /// Headers forwarded in addition.
    pub sent_headers: Rule,
    /// Cookies in the cache key, and therefore forwarded.
    pub key_cookies: Rule,
    /// Cookies forwarded in addition.
    pub sent_cookies: Rule,
    /// Query strings in the cache key, and therefore forwarded.
    pub key_query: Rule,
    /// Query strings forwarded in addition.
    pub sent_query: Rule,
    /// In seconds: minimum, default and maximum.
    pub ttl: (u64, u64, u64),
    /// Name of the function that processes each request first.
    pub viewer_request: Option<String>,
}

/// A custom error response.
#[derive(Debug, Clone)]
pub struct ErrorResponse {
    /// Path of the page to return and the status to return it with.
    pub page: Option<(String, u16)>,
    /// Seconds for which the error is cached.
    pub ttl: u64,
}

impl EdgeConfig {
    /// From a complete, validated configuration; includes the certificate's key.
    pub fn new(config: &Element, world: &World) -> Self {
        let certificate_id = config.given("ViewerCertificate/IAMCertificateId").map(str::to_owned);
        let certificate = certificate_id.as_deref().and_then(|id| world.certificate_by_id(id));
        let named = |list: &str| {
            config
                .items(list)
                .filter_map(|item| item.text_at("Id").map(|id| (id.to_owned(), item)))
                .collect::<Vec<_>>()
        };
        let behaviours = config
            .items("CacheBehaviors")
            .chain(config.child("DefaultCacheBehavior"));
        Self {
            enabled: config.is_true("Enabled"),
            aliases: config
                .item_texts("Aliases")
                .iter()
                .map(|alias| alias.to_ascii_lowercase())
                .collect(),
            keyed: certificate.map(|certificate| Arc::clone(&certificate.keyed)),
            certificate_id,
            functions: associations(config)
                .filter_map(|(arn, _)| Function::name_in(arn).map(str::to_owned))
                .collect(),
            root_object: config.text_at("DefaultRootObject").unwrap_or_default().to_owned(),
            origins: named("Origins")
                .into_iter()
                .map(|(id, item)| (id, Origin::new(item)))
                .collect(),
            groups: named("OriginGroups")
                .into_iter()
                .map(|(id, item)| (id, Group::new(item)))
                .collect(),
            behaviours: behaviours.map(Behaviour::new).collect(),
            errors: config
                .items("CustomErrorResponses")
                .filter_map(error_response)
                .collect(),
        }
    }
}

impl Origin {
    fn new(origin: &Element) -> Self {
        let custom = origin.child("CustomOriginConfig").cloned().unwrap_or_default();
        let port = |name: &str, usual: u16| {
            custom
                .number(name)
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or(usual)
        };
        let seconds = |parent: &Element, name: &str, usual: u64| {
            Duration::from_secs(
                parent
                    .number(name)
                    .and_then(|number| u64::try_from(number).ok())
                    .unwrap_or(usual),
            )
        };
        let headers = origin.items("CustomHeaders").filter_map(|header| {
            Some((
                header.text_at("HeaderName")?.to_owned(),
                header.text_at("HeaderValue")?.to_owned(),
            ))
        });
        Self {
            domain: origin.text_at("DomainName").unwrap_or_default().to_ascii_lowercase(),
            path: origin.text_at("OriginPath").unwrap_or_default().to_owned(),
            headers: headers.collect(),
            protocol: custom
                .text_at("OriginProtocolPolicy")
                .unwrap_or("match-viewer")
                .to_owned(),
            http_port: port("HTTPPort", 80),
            https_port: port("HTTPSPort", 443),
            read_timeout: seconds(&custom, "OriginReadTimeout", 30),
            connect_timeout: seconds(origin, "ConnectionTimeout", 10),
            attempts: origin
                .number("ConnectionAttempts")
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(3),
        }
    }
}

impl Group {
    fn new(group: &Element) -> Self {
        Self {
            members: group
                .items("Members")
                .filter_map(|member| member.text_at("OriginId").map(str::to_owned))
                .collect(),
            statuses: group
                .items("FailoverCriteria/StatusCodes")
                .filter_map(|code| code.text.parse().ok())
                .collect(),
        }
    }
}

impl Behaviour {
    fn new(behaviour: &Element) -> Self {
        let texts = |path: &str| behaviour.item_texts(path);
        let mut new = Self {
            pattern: behaviour.given("PathPattern").map(str::to_owned),
            target: behaviour.text_at("TargetOriginId").unwrap_or_default().to_owned(),
            viewer_policy: behaviour.text_at("ViewerProtocolPolicy").unwrap_or_default().to_owned(),
            methods: texts("AllowedMethods"),
            cached_methods: texts("AllowedMethods/CachedMethods"),
            legacy: true,
            key_headers: Rule::Nothing,
            sent_headers: Rule::Nothing,
            key_cookies: Rule::Nothing,
            sent_cookies: Rule::Nothing,
            key_query: Rule::Nothing,
            sent_query: Rule::Nothing,
            ttl: (0, 0, 0),
            viewer_request: of_behaviour(behaviour)
                .find(|(_, event)| *event == VIEWER_REQUEST)
                .and_then(|(arn, _)| Function::name_in(arn).map(str::to_owned)),
        };
        match behaviour.given("CachePolicyId").and_then(policies::cache_policy) {
            Some(policy) => new.by_policies(policy, behaviour.given("OriginRequestPolicyId")),
            None => new.by_forwarded_values(behaviour),
        }
        new
    }

    fn by_policies(&mut self, cache: &policies::CachePolicy, origin_request: Option<&str>) {
        self.legacy = false;
        self.ttl = cache.ttl;
        self.key_headers = cache.headers.into();
        self.key_cookies = cache.cookies.into();
        self.key_query = cache.query.into();
        if let Some(policy) = origin_request.and_then(policies::origin_request_policy) {
            self.sent_headers = policy.headers.into();
            self.sent_cookies = policy.cookies.into();
            self.sent_query = policy.query.into();
        }
    }

    fn by_forwarded_values(&mut self, behaviour: &Element) {
        let ttl = |name: &str| {
            behaviour
                .number(name)
                .and_then(|seconds| u64::try_from(seconds).ok())
                .unwrap_or(0)
        };
        self.ttl = (ttl("MinTTL"), ttl("DefaultTTL"), ttl("MaxTTL"));
        let headers = behaviour.item_texts("ForwardedValues/Headers");
        self.key_headers = match &headers[..] {
            [] => Rule::Nothing,
            [all] if all == "*" => Rule::All,
            _ => Rule::Only(headers),
        };
        self.key_cookies = match behaviour.text_at("ForwardedValues/Cookies/Forward") {
            Some("all") => Rule::All,
            Some("whitelist") => Rule::Only(behaviour.item_texts("ForwardedValues/Cookies/WhitelistedNames")),
            _ => Rule::Nothing,
        };
        if behaviour.is_true("ForwardedValues/QueryString") {
            let keys = behaviour.item_texts("ForwardedValues/QueryStringCacheKeys");
            self.sent_query = Rule::All;
            self.key_query = if keys.is_empty() { Rule::All } else { Rule::Only(keys) };
        }
    }

    /// Whether the viewer's Host reaches the origin.
    pub fn forwards_host(&self) -> bool {
        self.passes_header("host")
    }

    /// Whether a viewer's header is forwarded to the origin by configuration.
    pub fn passes_header(&self, name: &str) -> bool {
        self.key_headers.passes(name) || self.sent_headers.passes(name)
    }

    /// Whether any cookie can reach the origin; if not, the origin's `Set-Cookie` is removed too.
    pub fn passes_cookies(&self) -> bool {
        self.key_cookies != Rule::Nothing || self.sent_cookies != Rule::Nothing
    }
}

fn error_response(response: &Element) -> Option<(u16, ErrorResponse)> {
    let code = response.number("ErrorCode").and_then(|code| u16::try_from(code).ok())?;
    let page = response.given("ResponsePagePath").map(|path| {
        let status = response
            .number("ResponseCode")
            .and_then(|status| u16::try_from(status).ok());
        (path.to_owned(), status.unwrap_or(code))
    });
    let ttl = response
        .number("ErrorCachingMinTTL")
        .and_then(|seconds| u64::try_from(seconds).ok())
        .unwrap_or(10);
    Some((code, ErrorResponse { page, ttl }))
}
