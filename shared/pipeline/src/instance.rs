//! The settings of a service instance that a user or the plan can choose.

use std::collections::BTreeMap;

use crate::access_logs::AccessLogs;
use crate::managed::Managed;

/// The CloudFront settings of an instance, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct InstanceSettings {
    /// Host name of the origin that CloudFront fetches from.
    pub origin: String,
    /// CloudFront `OriginPath`: empty, or begins with `/` and doesn't end with it.
    pub path: String,
    /// Fetch from the origin by plain HTTP.
    pub insecure_origin: bool,
    /// Request headers passed to the origin; `["*"]` alone means all.
    pub forward_headers: Vec<String>,
    /// Cookies passed to the origin.
    pub forward_cookies: Cookies,
    /// How long CloudFront caches responses without `Cache-Control`, in seconds.
    pub default_ttl: u32,
    /// Pages of the origin that are shown for its errors: path by HTTP status.
    pub error_responses: BTreeMap<u16, String>,
    /// Replaces `forward_headers`, `forward_cookies` and `default_ttl`.
    pub cache_policy: Option<Managed>,
    /// What is passed to the origin when a cache policy is used.
    pub origin_request_policy: Option<Managed>,
    /// Headers that CloudFront adds to responses.
    pub response_headers_policy: Option<Managed>,
    /// The edge locations that serve; none: the plan's or the operator's default.
    pub price_class: Option<PriceClass>,
    /// Compress at the edge.
    pub compress: bool,
    /// HTTP/3 in addition to HTTP/2.
    pub http3: bool,
    /// The origin used when the first one can't be reached, is too slow or answers 5xx.
    pub failover_origin: Option<String>,
    /// The host that serves; requests for any other host are redirected to it.
    pub redirect_to: Option<String>,
    /// Where access logs are delivered. Set by the plan alone: no user sets or reads it.
    pub access_logs: Option<AccessLogs>,
    /// The type of its certificates' keys; none: the operator's default. Set by the plan alone, too.
    pub certificate_key_type: Option<KeyType>,
    /// The CAs that are asked for its certificates, the preferred first; empty: all. Set by the plan alone, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificate_authorities: Vec<String>,
}

/// CloudFront's default for `DefaultTTL`, in seconds.
pub const DAY: u32 = 86_400;

impl Default for InstanceSettings {
    fn default() -> Self {
        Self {
            origin: String::new(),
            path: String::new(),
            insecure_origin: false,
            forward_headers: Vec::new(),
            forward_cookies: Cookies::All,
            default_ttl: DAY,
            error_responses: BTreeMap::new(),
            cache_policy: None,
            origin_request_policy: None,
            response_headers_policy: None,
            price_class: None,
            compress: true,
            http3: false,
            failover_origin: None,
            redirect_to: None,
            access_logs: None,
            certificate_key_type: None,
            certificate_authorities: Vec::new(),
        }
    }
}

/// The CloudFront edge locations that serve (developer guide, "Choose the price class").
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PriceClass {
    /// North America, Europe and Israel.
    #[serde(rename = "PriceClass_100")]
    Class100,
    /// Most of the world.
    #[serde(rename = "PriceClass_200")]
    Class200,
    /// Everywhere.
    #[serde(rename = "PriceClass_All")]
    All,
}

impl PriceClass {
    /// All price classes.
    pub const ALL: [Self; 3] = [Self::Class100, Self::Class200, Self::All];

    /// CloudFront's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Class100 => "PriceClass_100",
            Self::Class200 => "PriceClass_200",
            Self::All => "PriceClass_All",
        }
    }
}

/// Type of a certificate's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum KeyType {
    /// ECDSA on P-256.
    EcdsaP256,
    /// RSA with 2048 bits.
    #[serde(rename = "rsa-2048")]
    #[value(name = "rsa-2048")]
    Rsa2048,
}

impl KeyType {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::EcdsaP256, Self::Rsa2048];

    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::Rsa2048 => "rsa-2048",
        }
    }
}

/// Which cookies are passed to the origin.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cookies {
    /// Every cookie.
    All,
    /// None.
    None,
    /// These, by name.
    Only(Vec<String>),
}
