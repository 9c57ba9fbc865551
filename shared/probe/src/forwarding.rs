//! Whether the app receives what the settings promise. Pure.

use std::net::IpAddr;

use pipeline::outside::Header;

use crate::echo::Echo;
use crate::expected::Expected;
use crate::shown;

/// The result of the request for an echo.
#[derive(Debug, Clone)]
pub(crate) enum Echoed {
    /// It wasn't requested.
    NotAsked,
    /// It was requested, and this was returned instead.
    Nothing(String),
    /// An echo.
    Echo(Echo),
}

impl Echoed {
    /// The header as the app received it, or why that is unknown.
    fn header(&self, name: &str) -> Result<Option<&str>, Header> {
        match self {
            Self::NotAsked => Err(Header::NotAsked),
            Self::Nothing(why) => Err(Header::NoEcho { why: why.clone() }),
            Self::Echo(echo) => Ok(echo.header(name)),
        }
    }
}

/// `Host`: the domain if the settings forward it, else the origin's own name.
pub(crate) fn host(echoed: &Echoed, domain: &str, expected: &Expected) -> Header {
    let seen = match echoed.header("host") {
        Err(unknown) => return unknown,
        // Some frameworks store it apart from the other headers.
        Ok(None) => {
            let why = "the echo has no Host".to_owned();
            return Header::NoEcho { why };
        }
        Ok(Some(seen)) => seen,
    };
    let right = if expected.forwards_host {
        domain
    } else {
        &expected.origin
    };
    let name = seen.rsplit_once(':').map_or(seen, |(name, _)| name);
    let value = shown::plain(seen);
    if name.eq_ignore_ascii_case(right) {
        Header::AsConfigured { value }
    } else {
        Header::Mismatch {
            value: Some(value),
            expected: right.to_owned(),
        }
    }
}

/// `X-Forwarded-For`: CloudFront always adds the viewer's address ("Request and response behavior for custom origins").
pub(crate) fn x_forwarded_for(echoed: &Echoed) -> Header {
    let seen = match echoed.header("x-forwarded-for") {
        Err(unknown) => return unknown,
        Ok(seen) => seen,
    };
    let is_address = |part: &str| part.trim().parse::<IpAddr>().is_ok();
    match seen {
        Some(seen) if seen.split(',').any(is_address) => Header::AsConfigured {
            value: shown::plain(seen),
        },
        seen => Header::Mismatch {
            value: seen.map(shown::plain),
            expected: "the viewer's address".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(forwards_host: bool) -> Expected {
        Expected {
            distribution: "d1.cloudfront.net".into(),
            attached: None,
            challenges: std::collections::HashMap::new(),
            origin: "origin.example".into(),
            forwards_host,
            keeps_nothing: None,
            redirect_to: None,
            address_given: false,
        }
    }

    fn echoed(text: &str) -> Echoed {
        Echo::read(text.as_bytes()).map_or_else(|| Echoed::Nothing("no echo".into()), Echoed::Echo)
    }

    #[test]
    fn the_host_is_compared_with_what_is_configured() {
        let judged = |text: &str, forwards| host(&echoed(text), "www.example.com", &expected(forwards));
        let right = |value: &str| Header::AsConfigured { value: value.into() };
        assert_eq!(judged("Host: WWW.example.com", true), right("WWW.example.com"));
        assert_eq!(judged("Host: origin.example:8080", false), right("origin.example:8080"));
        let wrong = |value: &str, expected: &str| Header::Mismatch {
            value: Some(value.into()),
            expected: expected.into(),
        };
        assert_eq!(
            judged("Host: origin.example", true),
            wrong("origin.example", "www.example.com")
        );
        assert_eq!(
            judged("Host: www.example.com", false),
            wrong("www.example.com", "origin.example")
        );
        assert!(matches!(
            judged("X-Forwarded-For: 192.0.2.1", true),
            Header::NoEcho { .. }
        ));
        assert!(matches!(judged("<html>", true), Header::NoEcho { .. }));
        assert_eq!(
            host(&Echoed::NotAsked, "www.example.com", &expected(true)),
            Header::NotAsked
        );
    }

    #[test]
    fn the_viewers_address_has_to_be_one() {
        for value in ["192.0.2.1", "unknown, 2001:db8::1"] {
            let judged = x_forwarded_for(&echoed(&format!("X-Forwarded-For: {value}")));
            assert_eq!(judged, Header::AsConfigured { value: value.into() });
        }
        assert!(matches!(
            x_forwarded_for(&echoed("Host: a")),
            Header::Mismatch { value: None, .. }
        ));
        let odd = x_forwarded_for(&echoed("X-Forwarded-For: unknown"));
        assert!(matches!(odd, Header::Mismatch { value: Some(_), .. }));
    }
}
