//! http-01 (RFC 8555 §8.3): a file at the domain's web server, which CloudFront or a redirect fetches from broker-api.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ChallengeType, LookFor, Method, Offered, Place, Redirect, Tenancy, ToSet};

/// The path that the CA requests.
pub const CHALLENGE_PATH: &str = "/.well-known/acme-challenge/";

/// The data of an http-01 challenge.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http01 {
    /// The last segment of the path.
    pub token: String,
    /// The whole body, except white space at its end.
    pub key_authorization: String,
}

impl fmt::Debug for Http01 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http01")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl ChallengeType for Http01 {
    const ACME_TYPE: &'static str = "http-01";
    const MADE_WITH_THE_KEY: bool = true;
    const OUTLASTS_ITS_ORDER: bool = false;
    const KEPT: bool = true;
    const NAMES_THE_ACCOUNT: bool = false;
    const NAMES_THE_TENANT: bool = false;

    fn heading(wildcards: bool) -> &'static str {
        match wildcards {
            true => "by HTTP, where it is no wildcard: redirect",
            false => "by HTTP: redirect",
        }
    }

    fn read(offered: &Offered<'_>) -> Option<Result<Self, String>> {
        let (token, key_authorization) = offered.key_authorization(Method::Http01)?;
        Some(Ok(Self {
            token,
            key_authorization,
        }))
    }

    fn relies_on_the_accounts_url(&self) -> bool {
        false
    }

    fn place(&self, domain: &str) -> Place {
        Place::Http(domain.to_owned())
    }

    fn to_set(&self, domain: &str, tenancy: &Tenancy<'_>) -> ToSet {
        ToSet::Redirect(Redirect {
            host: domain.to_owned(),
            tenant: tenancy.tenant.to_owned(),
            token: self.token.clone(),
        })
    }

    fn look_for(&self, _domain: &str) -> LookFor<'_> {
        LookFor::File(self)
    }
}

/// Where broker-api answers one tenant's http-01 challenges.
///
/// The tenant is part of the address, so a redirect that an owner left behind on their web server can't be used by the
/// next tenant who claims the domain.
pub fn responder_path(tenant: &str, token: &str) -> String {
    format!("{}{token}", responder_prefix(tenant))
}

/// [`responder_path`] without the token: the target of a user's redirect.
pub fn responder_prefix(tenant: &str) -> String {
    format!("{}{CHALLENGE_PATH}", responder_origin_path(tenant))
}

/// The CloudFront `OriginPath` that leads to a tenant's part of the responder.
pub fn responder_origin_path(tenant: &str) -> String {
    format!("/acme/{}", path_segment(tenant))
}

/// A tenant's name as one path segment: any special character becomes `~` and its code in hexadecimal.
pub fn path_segment(tenant: &str) -> String {
    tenant
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => c.to_string(),
            other => format!("~{:x}.", other as u32),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_never_share_a_responder_path() {
        assert_eq!(
            responder_path("org-1", "tok"),
            "/acme/org-1/.well-known/acme-challenge/tok"
        );
        assert_ne!(path_segment("a/b"), path_segment("a~2f.b"));
        assert!(!path_segment("../x").contains('/'));
    }
}
