//! A domain, wildcard or not, and the names of its records: one place that knows them.

/// What `*.example.com` is a wildcard of: `example.com`.
pub fn wildcard_of(domain: &str) -> Option<&str> {
    domain.strip_prefix("*.")
}

/// Where a domain's records are: a wildcard is proved at the name it is a wildcard of (RFC 8555 §7.1.4).
fn base(domain: &str) -> &str {
    wildcard_of(domain).unwrap_or(domain)
}

/// Whether a certificate for the domain is one for the host: it is the same name, or a wildcard, which stands for one label
/// (RFC 9525 §6.3). Both in lower case.
pub fn covers(domain: &str, host: &str) -> bool {
    let below = wildcard_of(domain).zip(host.split_once('.'));
    domain == host || below.is_some_and(|(parent, (_, rest))| parent == rest)
}

/// Each wildcard with each name that it stands for already, beside it: CAs refuse both in one order (acme.sh issue 1880). All as
/// they are in `domains`.
pub fn redundant(domains: &[String]) -> impl Iterator<Item = (&String, &String)> {
    let wildcards = domains.iter().filter(|domain| wildcard_of(domain).is_some());
    wildcards.flat_map(move |wildcard| {
        let below = domains
            .iter()
            .filter(move |name| *name != wildcard && covers(wildcard, name));
        below.map(move |name| (wildcard, name))
    })
}

/// Where the standing record of draft-ietf-acme-dns-persist lives.
pub fn persist_record_name(domain: &str) -> String {
    format!("_validation-persist.{}", base(domain))
}

/// Where an order's TXT record lives (RFC 8555 §8.4).
pub fn dns01_record_name(domain: &str) -> String {
    format!("_acme-challenge.{}", base(domain))
}

/// The value of the standing record (draft-ietf-acme-dns-persist, an RFC 8659 issue-value). With `wildcard` it is good for the
/// wildcard of the name as well as for the name.
///
/// It has no blanks, which the grammar leaves to the writer: `cf` and terminals break lines at them, and a value that was copied with a
/// line break in it is another one.
pub fn persist_record_value(issuer_domain: &str, account_uri: &str, wildcard: bool) -> String {
    let policy = if wildcard { ";policy=wildcard" } else { "" };
    format!("{issuer_domain};accounturi={account_uri}{policy}")
}

/// Whether the standing record at a domain's name is to let wildcards pass: for the domain, or for a wildcard that `domains` has
/// beside it, since one record serves both.
pub fn needs_wildcard_policy<'d>(domain: &str, domains: impl IntoIterator<Item = &'d str>) -> bool {
    wildcard_of(domain).is_some() || domains.into_iter().any(|other| wildcard_of(other) == Some(domain))
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

/// What a tenant reads whose domain another instance has proved.
pub fn proved_by_other(domain: &str) -> String {
    format!(
        "{domain} was proved by another service instance, so it belongs to that one. Leave {domain} out, or have it deleted there"
    )
}

/// What a tenant reads whose domain another instance has, and proves still; `proof` is what was seen of that.
pub fn kept_by_other(domain: &str, proof: &str) -> String {
    format!(
        "{domain} belongs to another service instance, whose proof is in place: {proof}. Leave {domain} out. If it is yours to \
         give, have that proof removed, or {domain} deleted there"
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
    fn a_wildcard_is_proved_at_the_name_it_is_a_wildcard_of() {
        assert_eq!(persist_record_name("*.example.com"), "_validation-persist.example.com");
        assert_eq!(dns01_record_name("*.example.com"), "_acme-challenge.example.com");
        assert!(needs_wildcard_policy("*.example.com", []));
        assert!(needs_wildcard_policy("example.com", ["*.example.com"]));
        assert!(!needs_wildcard_policy(
            "www.example.com",
            ["*.example.com", "www.example.com"]
        ));
    }

    #[test]
    fn what_a_user_copies_has_no_blank() {
        let value = persist_record_value("ca.example", "https://ca.example/acct/1", true);
        assert_eq!(value, "ca.example;accounturi=https://ca.example/acct/1;policy=wildcard");
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(covers("*.example.com", "www.example.com") && covers("*.example.com", "*.example.com"));
        assert!(covers("www.example.com", "www.example.com"));
        for host in ["example.com", "a.b.example.com", "www.example.org", "*.b.example.com"] {
            assert!(!covers("*.example.com", host), "{host}");
        }
        assert!(!covers("example.com", "www.example.com") && !covers("www.example.com", "*.example.com"));
    }

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
