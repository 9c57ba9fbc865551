//! CloudFront's managed policies, which exist in every account: users name them, CloudFront expects their ids.
//!
//! Source: developer guide, "Use managed cache policies", "Use managed origin request policies", "Use managed response
//! headers policies".

/// A managed policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Managed {
    /// The name in the API and the console.
    pub name: &'static str,
    /// The id, which is the same in every account.
    pub id: &'static str,
}

const fn managed(name: &'static str, id: &'static str) -> Managed {
    Managed { name, id }
}

/// Nothing is cached, and neither query string, cookies nor headers are passed on.
pub const CACHING_DISABLED: Managed = managed("Managed-CachingDisabled", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad");

/// Policies for the cache key and the cache duration.
pub const CACHE: [Managed; 5] = [
    managed("Managed-CachingOptimized", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
    managed(
        "Managed-CachingOptimizedForUncompressedObjects",
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
    ),
    CACHING_DISABLED,
    managed("UseOriginCacheControlHeaders", "83da9c7e-98b4-4e11-a168-04f0df8e2c65"),
    managed(
        "UseOriginCacheControlHeaders-QueryStrings",
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
    ),
];

/// Policies for what is passed to the origin in addition to the cache key.
pub const ORIGIN_REQUEST: [Managed; 7] = [
    managed(ALL_VIEWER, "216adef6-5c7f-47e4-b989-5492eafa07d3"),
    managed(ALL_VIEWER_EXCEPT_HOST, "b689b0a8-53d0-40ab-baf2-68738e2966ac"),
    managed(
        "Managed-AllViewerAndCloudFrontHeaders-2022-06",
        "33f36d7e-f396-46d9-90e0-52428a34d9dc",
    ),
    managed("Managed-CORS-CustomOrigin", "59781a5b-3903-41f3-afcb-af62929ccde1"),
    managed("Managed-CORS-S3Origin", "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"),
    managed("Managed-HostHeaderOnly", "bf0718e1-ba1e-49d1-88b1-f726733018ae"),
    managed(
        "Managed-UserAgentRefererHeaders",
        "acba4595-bd28-49b8-b9fe-13317c0390fa",
    ),
];

/// Policies for headers added to responses.
pub const RESPONSE_HEADERS: [Managed; 5] = [
    managed(SECURITY_HEADERS, "67f7725c-6f97-4210-82d7-5512b31e9d03"),
    managed("Managed-SimpleCORS", "60669652-455b-4ae9-85a4-c4c02393f86c"),
    managed("Managed-CORS-With-Preflight", "5cc3b908-e619-4b99-88e5-2cf7f45965bd"),
    managed(
        "Managed-CORS-and-SecurityHeadersPolicy",
        "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    ),
    managed(
        "Managed-CORS-with-preflight-and-SecurityHeadersPolicy",
        "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
    ),
];

/// Everything that the viewer sent, including the Host header.
pub const ALL_VIEWER: &str = "Managed-AllViewer";
/// Everything that the viewer sent except the Host header.
pub const ALL_VIEWER_EXCEPT_HOST: &str = "Managed-AllViewerExceptHostHeader";
/// `Strict-Transport-Security` and the other headers with which browsers protect users.
pub const SECURITY_HEADERS: &str = "Managed-SecurityHeadersPolicy";

/// The policy of that name among these.
pub fn named(name: &str, among: &[Managed]) -> Option<Managed> {
    among.iter().copied().find(|policy| policy.name == name)
}

impl serde::Serialize for Managed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> serde::Deserialize<'de> for Managed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        [&CACHE[..], &ORIGIN_REQUEST, &RESPONSE_HEADERS]
            .into_iter()
            .find_map(|among| named(&name, among))
            .ok_or_else(|| serde::de::Error::custom(format!("there is no managed policy {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_stored_by_its_name() {
        let stored = serde_json::to_value(CACHE[2]).unwrap();
        assert_eq!(stored, "Managed-CachingDisabled");
        assert_eq!(serde_json::from_value::<Managed>(stored).unwrap(), CACHE[2]);
        assert!(serde_json::from_value::<Managed>("Managed-Nothing".into()).is_err());
    }
}
