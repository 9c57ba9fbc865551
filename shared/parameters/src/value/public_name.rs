//! Names that can't belong to anybody on the public Internet: no resolver finds them, or no CA issues for them. They
//! are refused at once instead of being waited for. Names that the public DNS may contain some day are left to the CA,
//! whose list is newer than ours.

use pipeline::domain::without_wildcard;

use crate::shown;

/// Top-level domains that the public DNS does not have, and their purpose. They are those of IANA's registry of
/// special-use domain names (<https://www.iana.org/assignments/special-use-domain-names/>, RFC 6761), and `internal`,
/// which ICANN has reserved separately (resolution 2024.07.29.06). `example.com`, `example.net` and `example.org` are
/// in the registry, too, but they exist. Everything that the registry lists below `arpa` is covered by `arpa` here:
/// nobody is given names there.
const NEVER_PUBLIC: [(&str, &str); 9] = [
    ("alt", "names outside the DNS (RFC 9476)"),
    ("arpa", "the Internet's own infrastructure (RFC 3172)"),
    ("example", "documentation (RFC 6761)"),
    ("internal", "private networks (ICANN, 2024)"),
    ("invalid", "names that are not to exist (RFC 6761)"),
    ("local", "the local network (RFC 6762)"),
    ("localhost", "one's own machine (RFC 6761)"),
    ("onion", "Tor (RFC 7686)"),
    ("test", "tests (RFC 6761)"),
];

/// CloudFront's own names. Only AWS can prove one.
const CLOUDFRONT: &str = "cloudfront.net";

/// Whether a name, which is not a wildcard, can be found on the Internet.
///
/// # Errors
/// Why not, and what would be right.
pub(crate) fn can_be_found(name: &str) -> Result<(), String> {
    let top = name.rsplit('.').next().unwrap_or_default();
    match NEVER_PUBLIC.into_iter().find(|(reserved, _)| *reserved == top) {
        None => Ok(()),
        Some((reserved, purpose)) => Err(format!(
            "{} ends in .{reserved}, which is reserved for {purpose} and not in the public DNS; write a name that is",
            shown(name)
        )),
    }
}

/// Whether anyone can prove a domain, wildcard or not, to a public CA.
///
/// # Errors
/// Why not, and what would be right.
pub(crate) fn can_be_proved(domain: &str) -> Result<(), String> {
    let name = without_wildcard(domain);
    can_be_found(name)?;
    if name == CLOUDFRONT || name.ends_with(&format!(".{CLOUDFRONT}")) {
        return Err(format!(
            "{} is CloudFront's own; write the name that visitors are to use, whose CNAME leads there in the end",
            shown(domain)
        ));
    }
    // Baseline Requirements 3.2.2.6: a CA does not issue for a name that a registry controls, or for a wildcard that
    // covers such names.
    let below = format!("x.{name}");
    if is_public_suffix(name) || (name != domain && is_public_suffix(&below)) {
        return Err(format!(
            "{} is a public suffix (publicsuffix.org): the names below it belong to many owners, so no CA issues for it; write \
             one of your own, such as {}",
            shown(domain),
            shown(&format!("www.yours.{name}"))
        ));
    }
    Ok(())
}

/// According to the section of registries ("ICANN DOMAINS"). A suffix of the other section, such as `github.io`, has an
/// owner, who may request it.
fn is_public_suffix(name: &str) -> bool {
    psl::suffix(name.as_bytes())
        .is_some_and(|suffix| suffix.typ() == Some(psl::Type::Icann) && suffix.as_bytes() == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_of_registries_are_nobodys_and_private_ones_are_their_owners() {
        for suffix in [
            "co.uk",
            "*.co.uk",
            "*.com",
            "foo.ck",
            "*.ck",
            "xn--55qx5d.cn",
            "kobe.jp.*",
            "com.au",
        ] {
            let domain = suffix.trim_end_matches(".*");
            let refused = can_be_proved(domain);
            match domain {
                // Not a suffix, but a wildcard of it covers some.
                "kobe.jp" => assert!(refused.is_ok() && can_be_proved("*.kobe.jp").is_err()),
                _ => assert!(refused.is_err_and(|why| why.contains("is a public suffix")), "{domain}"),
            }
        }
        for domain in [
            "github.io",
            "*.github.io",
            "shop.co.uk",
            "*.shop.co.uk",
            "www.ck",
            "city.kobe.jp",
            "example.com",
            "*.example.org",
            "faas.not-known-yet",
            "notcloudfront.net",
        ] {
            assert_eq!(can_be_proved(domain), Ok(()), "{domain}");
        }
    }

    #[test]
    fn special_use_names_are_refused_with_what_they_are_for() {
        for (name, says) in [
            ("www.shop.test", ".test, which is reserved for tests"),
            ("printer.local", "the local network"),
            ("app.apps.internal", "private networks"),
            ("10.in-addr.arpa", "infrastructure"),
            ("home.arpa", "infrastructure"),
            ("abc.onion", "Tor"),
            ("*.shop.example", "documentation"),
            ("a.localhost", "one's own machine"),
        ] {
            let why = can_be_proved(name).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
        let why = can_be_proved("d111111abcdef8.cloudfront.net").unwrap_err();
        assert!(
            why.contains("CloudFront's own") && can_be_found("d1.cloudfront.net").is_ok(),
            "{why}"
        );
    }
}
