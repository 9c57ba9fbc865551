//! The target of a request, and the targets to which it may be redirected (CA/Browser Forum Baseline Requirements
//! §3.2.2.4.19; the rules beyond it are Let's Encrypt's, boulder `va/http.go`).

use std::net::IpAddr;

use http::Uri;

use super::Refusal;
use crate::shown;

/// The ports used for http:// and https:// URLs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) http: u16,
    pub(super) https: u16,
}

/// The target of one request. The host is a lower-case name, never an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) path: String,
}

impl Target {
    /// The first target, as the CA's (RFC 8555 §8.3).
    pub(super) fn first(domain: &str, token: &str, ports: Ports) -> Self {
        let path = format!("/.well-known/acme-challenge/{token}");
        Self {
            tls: false,
            host: domain.to_ascii_lowercase(),
            port: ports.http,
            path,
        }
    }

    /// The target of a `Location` header, if it may be followed.
    pub(super) fn redirected(&self, location: &[u8], ports: Ports) -> Result<Self, Refusal> {
        let unreadable = || Refusal::Unreadable(shown::quoted(location));
        let text = std::str::from_utf8(location).map_err(|_| unreadable())?.trim();
        let text = text.split('#').next().unwrap_or_default();
        let (tls, rest) = match scheme(text) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, _)) => return Err(Refusal::Scheme(shown::plain(scheme.as_bytes()))),
            None => (self.tls, text),
        };
        if !rest.starts_with("//") {
            if scheme(text).is_some() {
                return Err(unreadable());
            }
            let uri: Uri = self.merged(rest).parse().map_err(|_| unreadable())?;
            return Ok(Self {
                path: path_of(&uri),
                ..self.clone()
            });
        }
        let name = if tls { "https" } else { "http" };
        let uri: Uri = format!("{name}:{rest}").parse().map_err(|_| unreadable())?;
        let host = host(&uri).ok_or_else(unreadable)??;
        Ok(Self {
            tls,
            host,
            port: port(&uri, tls, ports)?,
            path: path_of(&uri),
        })
    }

    /// A reference without an authority, resolved against this target's path (RFC 3986 §5.2).
    fn merged(&self, reference: &str) -> String {
        let own = self.path.split('?').next().unwrap_or_default();
        match reference.chars().next() {
            None => self.path.clone(),
            Some('/') => reference.to_owned(),
            Some('?') => format!("{own}{reference}"),
            Some(_) => {
                let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
                let (path, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
                format!("{}{query}", without_dots(&format!("{folder}/{path}")))
            }
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        f.write_str(&shown::plain(
            format!("{scheme}://{}{}", self.host, self.path).as_bytes(),
        ))
    }
}

/// The scheme of an absolute reference, and the text after its colon.
fn scheme(reference: &str) -> Option<(&str, &str)> {
    let end = reference.find([':', '/', '?'])?;
    let (scheme, rest) = (&reference[..end], reference[end..].strip_prefix(':')?);
    let valid = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(valid)).then_some((scheme, rest))
}

/// Names only: a CA doesn't follow a redirect to an IP address.
fn host(uri: &Uri) -> Option<Result<String, Refusal>> {
    let host = uri.host()?.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() {
        return None;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Some(match bare.parse::<IpAddr>() {
        Ok(_) => Err(Refusal::Address(shown::plain(bare.as_bytes()))),
        Err(_) if host.starts_with('[') => Err(Refusal::Address(shown::plain(bare.as_bytes()))),
        Err(_) => Ok(host),
    })
}

/// Only the standard ports and their configured substitutes.
fn port(uri: &Uri, tls: bool, ports: Ports) -> Result<u16, Refusal> {
    // A port beyond 65535 is parsed as none, so the text after the host decides.
    let has_port = uri
        .authority()
        .is_some_and(|authority| !authority.as_str().ends_with(authority.host()));
    match uri.port_u16() {
        Some(port) if [80, 443, ports.http, ports.https].contains(&port) => Ok(port),
        Some(port) => Err(Refusal::Port(port)),
        None if has_port => Err(Refusal::Unreadable(shown::quoted(uri.to_string().as_bytes()))),
        None => Ok(if tls { ports.https } else { ports.http }),
    }
}

fn path_of(uri: &Uri) -> String {
    match uri.path_and_query().map_or("/", |path| path.as_str()) {
        path if path.starts_with('/') => path.to_owned(),
        query => format!("/{query}"),
    }
}

/// RFC 3986 §5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports {
        http: 5002,
        https: 5001,
    };

    fn from(location: &str) -> Result<String, Refusal> {
        let first = Target::first("WWW.Example.com", "tok", PORTS);
        first.redirected(location.as_bytes(), PORTS).map(|to| {
            let scheme = if to.tls { "https" } else { "http" };
            format!("{scheme}://{}:{}{}", to.host, to.port, to.path)
        })
    }

    #[test]
    fn locations_that_are_followed() {
        for (location, leads_to) in [
            ("https://www.example.com/x?y=z#f", "https://www.example.com:5001/x?y=z"),
            ("HTTP://Other.Example./", "http://other.example:5002/"),
            ("http://other.example", "http://other.example:5002/"),
            ("http://other.example?q", "http://other.example:5002/?q"),
            ("http://other.example:80/a", "http://other.example:80/a"),
            ("https://other.example:443/a", "https://other.example:443/a"),
            ("http://other.example:5001/a", "http://other.example:5001/a"),
            ("//other.example/a", "http://other.example:5002/a"),
            ("/a/b?c=http://x", "http://www.example.com:5002/a/b?c=http://x"),
            ("other", "http://www.example.com:5002/.well-known/acme-challenge/other"),
            ("../up?q=..", "http://www.example.com:5002/.well-known/up?q=.."),
            ("../../../..", "http://www.example.com:5002/"),
            ("?q=1", "http://www.example.com:5002/.well-known/acme-challenge/tok?q=1"),
            ("", "http://www.example.com:5002/.well-known/acme-challenge/tok"),
            ("http://user@other.example/", "http://other.example:5002/"),
        ] {
            assert_eq!(from(location).as_deref(), Ok(leads_to), "{location}");
        }
    }

    #[test]
    fn locations_that_are_not() {
        for (location, why) in [
            ("ftp://other.example/", Refusal::Scheme("ftp".into())),
            ("javascript:alert(1)", Refusal::Scheme("javascript".into())),
            ("http://other.example:8080/", Refusal::Port(8080)),
            ("http://other.example:22/", Refusal::Port(22)),
            ("http://203.0.113.7/", Refusal::Address("203.0.113.7".into())),
            ("http://[::1]/", Refusal::Address("::1".into())),
            (
                "https://[::ffff:169.254.169.254]/",
                Refusal::Address("::ffff:169.254.169.254".into()),
            ),
            ("http:/x", Refusal::Unreadable("\"http:/x\"".into())),
            ("http:///x", Refusal::Unreadable("\"http:///x\"".into())),
        ] {
            assert_eq!(from(location), Err(why), "{location}");
        }
        assert!(matches!(from("http://a b/"), Err(Refusal::Unreadable(_))));
        assert!(matches!(
            from("http://other.example:99999/"),
            Err(Refusal::Unreadable(_))
        ));
    }

    proptest::proptest! {
        /// For any Location that a web server sends: a name at one of our ports with a normalized path, or a short
        /// refusal.
        #[test]
        fn a_location_leads_to_a_name_or_nowhere(location in proptest::prop_oneof![
            proptest::collection::vec(proptest::num::u8::ANY, 0..300),
            proptest::strategy::Strategy::prop_map(
                "(https?:|HTTP:|ftp:|x:)?(//)?([a-z]{0,5}(:[a-z]{0,3})?@)?(\\[?[0-9a-fx:.]{1,20}\\]?|[a-z]{1,9}\\.test|[a-z]{1,9}\\.test|[!-~]{0,9})(:[0-9]{0,6})?[/?#.a-z%@:\\\\]{0,30}",
                String::into_bytes,
            ),
        ]) {
            let first = Target::first("www.example.com", "tok", PORTS);
            match first.redirected(&location, PORTS) {
                Ok(to) => {
                    proptest::prop_assert!([80, 443, PORTS.http, PORTS.https].contains(&to.port));
                    proptest::prop_assert!(to.host.parse::<IpAddr>().is_err() && !to.host.contains(['[', ']', '@', '/', ':']), "{:?}", to);
                    proptest::prop_assert!(!to.host.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii_graphic()), "{:?}", to);
                    proptest::prop_assert!(to.path.starts_with('/') && !to.path.contains([' ', '\r', '\n', '#']), "{:?}", to);
                    proptest::prop_assert!(to.to_string().chars().count() <= 101);
                }
                Err(refusal) => {
                    let text = refusal.to_string();
                    proptest::prop_assert!(text.len() <= 200 && !text.contains(char::is_control), "{:?}", text);
                }
            }
        }
    }
}
