//! Domains, including wildcards.

/// The parent of a wildcard: `example.com` for `*.example.com`.
pub fn wildcard_of(domain: &str) -> Option<&str> {
    domain.strip_prefix("*.")
}

/// The domain itself, or a wildcard's parent: the name of the CA's authorization (RFC 8555 §7.1.4), where the domain is
/// proved.
pub fn without_wildcard(domain: &str) -> &str {
    wildcard_of(domain).unwrap_or(domain)
}

/// Whether a certificate for the domain covers the host: it is the same name, or a wildcard, which stands for one label
/// (RFC 9525 §6.3). Both in lower case.
pub fn covers(domain: &str, host: &str) -> bool {
    let below = wildcard_of(domain).zip(host.split_once('.'));
    domain == host || below.is_some_and(|(parent, (_, rest))| parent == rest)
}

/// Each wildcard paired with each listed name that it already covers: CAs refuse both in one order (acme.sh issue
/// 1880). Both as written in `domains`.
pub fn redundant(domains: &[String]) -> impl Iterator<Item = (&String, &String)> {
    let wildcards = domains.iter().filter(|domain| wildcard_of(domain).is_some());
    wildcards.flat_map(move |wildcard| {
        let below = domains
            .iter()
            .filter(move |name| *name != wildcard && covers(wildcard, name));
        below.map(move |name| (wildcard, name))
    })
}

/// The name of a DNS zone as it is compared and stored: in lower case, without a trailing dot. `None`: the text is none.
pub fn zone_name(text: &str) -> Option<String> {
    let zone = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        let bytes = label.bytes();
        (1..=63).contains(&label.len())
            && bytes
                .into_iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (zone.len() <= LONGEST_NAME && zone.split('.').all(is_label)).then_some(zone)
}

/// In characters, without a trailing dot (RFC 1035 §2.3.4).
pub const LONGEST_NAME: usize = 253;

/// The message to a tenant whose domain another instance has proved.
pub fn proved_by_other(domain: &str) -> String {
    format!(
        "{domain} was proved by another service instance, so it belongs to that one. Leave {domain} out, or have it deleted there"
    )
}

/// The message to a tenant whose domain another instance has and still proves; `proof` is what was seen of that proof.
pub fn kept_by_other(domain: &str, proof: &str) -> String {
    format!(
        "{domain} belongs to another service instance, whose proof is in place: {proof}. Leave {domain} out. If it is yours to \
         give, have that proof removed, or {domain} deleted there"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_one_name_and_no_other_text_has() {
        for zone in ["acme.platform.example", "ACME.platform.Example."] {
            assert_eq!(zone_name(zone).as_deref(), Some("acme.platform.example"));
        }
        let long = format!("{}.example", "a".repeat(64));
        for text in ["", ".", "acme..example", "*.example", "a b.example", long.as_str()] {
            assert_eq!(zone_name(text), None, "{text:?}");
        }
        assert_eq!(
            zone_name(&["a"; 127].join(".")).map(|name| name.len()),
            Some(LONGEST_NAME)
        );
        assert_eq!(zone_name(&["a"; 128].join(".")), None);
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
}
