//! The names of a domain's records: one place that knows them.

/// Where the standing record of draft-ietf-acme-dns-persist lives.
pub fn persist_record_name(domain: &str) -> String {
    format!("_validation-persist.{domain}")
}

/// Where an order's TXT record lives (RFC 8555 §8.4).
pub fn dns01_record_name(domain: &str) -> String {
    format!("_acme-challenge.{domain}")
}

/// The value of the standing record (draft-ietf-acme-dns-persist, an RFC 8659 issue-value).
pub fn persist_record_value(issuer_domain: &str, account_uri: &str) -> String {
    format!("{issuer_domain}; accounturi={account_uri}")
}

/// Where broker-api answers one tenant's http-01 challenges.
///
/// The tenant is part of the address, so a redirect that an owner left behind on their web server can't be used by
/// the next tenant who claims the domain.
pub fn responder_path(tenant: &str, token: &str) -> String {
    format!("{}{token}", responder_prefix(tenant))
}

/// [`responder_path`] without the token: what a user's redirect is made of.
pub fn responder_prefix(tenant: &str) -> String {
    format!("/acme/{}{CHALLENGE_PATH}", path_segment(tenant))
}

/// The CloudFront `OriginPath` that leads to a tenant's part of the responder.
pub fn responder_origin_path(tenant: &str) -> String {
    format!("/acme/{}", path_segment(tenant))
}

/// Where the CA looks (RFC 8555 §8.3).
pub const CHALLENGE_PATH: &str = "/.well-known/acme-challenge/";

/// What a tenant reads whose domain another instance has proved first.
pub fn proved_by_other(domain: &str) -> String {
    format!(
        "{domain} was proved by another service instance first, so it belongs to that one. Leave {domain} out, \
         or have the other instance removed."
    )
}

/// A tenant's name as one segment of a path: anything unusual becomes `~` and its code in hexadecimal.
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
