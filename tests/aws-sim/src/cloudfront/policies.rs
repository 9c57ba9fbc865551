//! The managed policies that exist in every account, by their fixed ids.
//!
//! Source: Developer Guide, "Use managed cache policies", "Use managed origin request policies", "Use managed response
//! headers policies".

/// Which headers, cookies or query strings a policy forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// None.
    Nothing,
    /// All of them.
    All,
    /// All except these.
    AllExcept(&'static [&'static str]),
    /// Only these.
    Only(&'static [&'static str]),
}

/// A managed cache policy.
#[derive(Debug, Clone, Copy)]
pub struct CachePolicy {
    /// Fixed id.
    pub id: &'static str,
    /// In seconds: minimum, default and maximum.
    pub ttl: (u64, u64, u64),
    /// Headers in the cache key.
    pub headers: Pass,
    /// Cookies in the cache key.
    pub cookies: Pass,
    /// Query strings in the cache key.
    pub query: Pass,
}

/// A managed origin request policy.
#[derive(Debug, Clone, Copy)]
pub struct OriginRequestPolicy {
    /// Fixed id.
    pub id: &'static str,
    /// Headers sent to the origin.
    pub headers: Pass,
    /// Cookies sent to the origin.
    pub cookies: Pass,
    /// Query strings sent to the origin.
    pub query: Pass,
}

const DAY: u64 = 86_400;
const YEAR: u64 = 31_536_000;
const ORIGIN_CONTROL: &[&str] = &[
    "Host",
    "Origin",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
];

const fn cache(id: &'static str, ttl: (u64, u64, u64), headers: Pass, cookies: Pass, query: Pass) -> CachePolicy {
    CachePolicy {
        id,
        ttl,
        headers,
        cookies,
        query,
    }
}

const fn request(id: &'static str, headers: Pass, cookies: Pass, query: Pass) -> OriginRequestPolicy {
    OriginRequestPolicy {
        id,
        headers,
        cookies,
        query,
    }
}

/// Cache policies.
pub const CACHE: &[CachePolicy] = &[
    // CachingOptimized
    cache(
        "658327ea-f89d-4fab-a63d-7e88639e58f6",
        (1, DAY, YEAR),
        Pass::Nothing,
        Pass::Nothing,
        Pass::Nothing,
    ),
    // CachingOptimizedForUncompressedObjects
    cache(
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
        (1, DAY, YEAR),
        Pass::Nothing,
        Pass::Nothing,
        Pass::Nothing,
    ),
    // CachingDisabled
    cache(
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        (0, 0, 0),
        Pass::Nothing,
        Pass::Nothing,
        Pass::Nothing,
    ),
    // UseOriginCacheControlHeaders
    cache(
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
        (0, 0, YEAR),
        Pass::Only(ORIGIN_CONTROL),
        Pass::All,
        Pass::Nothing,
    ),
    // UseOriginCacheControlHeaders-QueryStrings
    cache(
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
        (0, 0, YEAR),
        Pass::Only(ORIGIN_CONTROL),
        Pass::All,
        Pass::All,
    ),
    // Amplify
    cache(
        "2e54312d-136d-493c-8eb9-b001f22f67d2",
        (2, 2, 600),
        Pass::Only(&["Authorization", "CloudFront-Viewer-Country", "Host"]),
        Pass::All,
        Pass::All,
    ),
    // Elemental-MediaPackage
    cache(
        "08627262-05a9-4f76-9ded-b50ca2e3a84f",
        (0, DAY, YEAR),
        Pass::Only(&["Origin"]),
        Pass::Nothing,
        Pass::Only(&["aws.manifestfilter", "start", "end", "m"]),
    ),
];

/// Origin request policies.
pub const ORIGIN_REQUEST: &[OriginRequestPolicy] = &[
    // AllViewer
    request("216adef6-5c7f-47e4-b989-5492eafa07d3", Pass::All, Pass::All, Pass::All),
    // AllViewerExceptHostHeader
    request(
        "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        Pass::AllExcept(&["Host"]),
        Pass::All,
        Pass::All,
    ),
    // AllViewerAndCloudFrontHeaders-2022-06
    request("33f36d7e-f396-46d9-90e0-52428a34d9dc", Pass::All, Pass::All, Pass::All),
    // CORS-CustomOrigin
    request(
        "59781a5b-3903-41f3-afcb-af62929ccde1",
        Pass::Only(&["Origin"]),
        Pass::Nothing,
        Pass::Nothing,
    ),
    // CORS-S3Origin
    request(
        "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
        Pass::Only(&[
            "Origin",
            "Access-Control-Request-Headers",
            "Access-Control-Request-Method",
        ]),
        Pass::Nothing,
        Pass::Nothing,
    ),
    // HostHeaderOnly
    request(
        "bf0718e1-ba1e-49d1-88b1-f726733018ae",
        Pass::Only(&["Host"]),
        Pass::Nothing,
        Pass::Nothing,
    ),
    // UserAgentRefererHeaders
    request(
        "acba4595-bd28-49b8-b9fe-13317c0390fa",
        Pass::Only(&["User-Agent", "Referer"]),
        Pass::Nothing,
        Pass::Nothing,
    ),
    // Elemental-MediaTailor-PersonalizedManifests
    request(
        "775133bc-15f2-49f9-abea-afb2e0bf67d2",
        Pass::Only(&[
            "Origin",
            "Access-Control-Request-Headers",
            "Access-Control-Request-Method",
            "User-Agent",
            "X-Forwarded-For",
        ]),
        Pass::Nothing,
        Pass::All,
    ),
];

/// Response headers policies: SimpleCORS, CORS-With-Preflight, SecurityHeadersPolicy and their two combinations. The edge
/// does not apply them.
pub const RESPONSE_HEADERS: &[&str] = &[
    "60669652-455b-4ae9-85a4-c4c02393f86c",
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
    "67f7725c-6f97-4210-82d7-5512b31e9d03",
    "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
];

/// The cache policy of this id.
pub fn cache_policy(id: &str) -> Option<&'static CachePolicy> {
    CACHE.iter().find(|policy| policy.id == id)
}

/// The origin request policy of this id.
pub fn origin_request_policy(id: &str) -> Option<&'static OriginRequestPolicy> {
    ORIGIN_REQUEST.iter().find(|policy| policy.id == id)
}
