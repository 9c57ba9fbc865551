//! Host names, aliases and the rules by which they cover one another.

/// Whether this is a full host name (at least two labels of letters, digits and inner hyphens).
pub fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

/// Whether this may be an alias: a host name, or `*.` and a host name.
pub fn is_alias(name: &str) -> bool {
    is_host_name(name.strip_prefix("*.").unwrap_or(name))
}

/// Whether an alias receives requests for a host: equal, or a wildcard that the host is below, at any depth (Developer
/// Guide, "Use wildcards in alternate domain names": `*.example.com` takes `marketing.product-name.example.com`). Both
/// in lower case.
pub fn takes(alias: &str, host: &str) -> bool {
    let parent = alias.strip_prefix('*').filter(|parent| parent.starts_with('.'));
    alias == host || parent.is_some_and(|parent| host.ends_with(parent))
}

/// Whether a name on a certificate, or an alias, covers a name: equal, or a wildcard in the leftmost label and exactly one
/// level (Developer Guide, "Requirements for using alternate domain names").
pub fn covers(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    if pattern == name {
        return true;
    }
    match (pattern.strip_prefix("*."), name.split_once('.')) {
        (Some(parent), Some((first, rest))) => parent == rest && first != "*",
        _ => false,
    }
}

/// Whether two aliases conflict or overlap: equal, or one is a wildcard that covers the other.
pub fn overlap(one: &str, other: &str) -> bool {
    covers(one, other) || covers(other, one)
}

/// A `Host` value without its port, lower case and without a trailing dot.
pub fn without_port(host: &str) -> String {
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcard_covers_one_level_only() {
        assert!(covers("*.example.com", "www.example.com"));
        assert!(!covers("*.example.com", "a.b.example.com"));
        assert!(!covers("*.example.com", "example.com"));
        assert!(covers("*.example.com", "*.example.com"));
    }

    #[test]
    fn a_wildcard_alias_takes_whatever_is_below_it() {
        for host in ["www.example.com", "a.b.example.com"] {
            assert!(takes("*.example.com", host), "{host}");
        }
        for host in ["example.com", "example.com.evil.example", "wwwexample.com"] {
            assert!(!takes("*.example.com", host), "{host}");
        }
    }

    #[test]
    fn ports_are_stripped() {
        assert_eq!(without_port("WWW.example.com.:8443"), "www.example.com");
    }
}
