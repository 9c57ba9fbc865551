//! What a user can set on a service instance.

/// The CloudFront settings of an instance, after the defaults were filled in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Settings {
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
