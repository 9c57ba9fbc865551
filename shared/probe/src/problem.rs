//! What is wrong with a domain first, by what was seen and what is to be seen. Pure.

use pipeline::outside::{Dns, Facts, Header, Http, Problem, Tls};

use crate::expected::Expected;

/// The first problem, in the order in which one would mend them. `None`: the domain is served as it should be.
pub fn first_problem(facts: &Facts, expected: &Expected) -> Option<Problem> {
    let in_order = [
        (expected.attached.is_none(), Problem::NotReady),
        (!leads_there(facts, expected), Problem::Name),
        (!matches!(facts.tls, Tls::Verified { .. }), Problem::Tls),
        (shows_another(facts), Problem::OtherCertificate),
        (matches!(facts.http, Http::Failed { .. }), Problem::NoAnswer),
        (!redirects(facts, expected), Problem::Redirect),
        (is_an_error(facts, expected), Problem::Origin),
        (has_other_headers(facts), Problem::Headers),
    ];
    in_order
        .into_iter()
        .find_map(|(is_so, problem)| is_so.then_some(problem))
}

fn leads_there(facts: &Facts, expected: &Expected) -> bool {
    match &facts.dns {
        Dns::Cname { .. } | Dns::SameAddresses { .. } => true,
        // A server that presents our certificate has our key: the name is an ALIAS that resolved differently elsewhere
        // in the world.
        Dns::Elsewhere { .. } => shows_ours(facts) && !expected.address_given,
        Dns::NoSuchName { .. } | Dns::Failed { .. } => false,
    }
}

fn shows_ours(facts: &Facts) -> bool {
    matches!(facts.tls, Tls::Verified { .. }) && facts.certificate.as_ref().is_some_and(|shown| shown.attached)
}

fn shows_another(facts: &Facts) -> bool {
    facts.certificate.as_ref().is_some_and(|shown| !shown.attached)
}

/// The host that this domain is to be redirected to.
fn target<'e>(facts: &Facts, expected: &'e Expected) -> Option<&'e str> {
    expected.redirect_to.as_deref().filter(|target| *target != facts.name)
}

/// As it should be; also if it is not to be redirected.
fn redirects(facts: &Facts, expected: &Expected) -> bool {
    let (Http::Answered(answer), Some(target)) = (&facts.http, target(facts, expected)) else {
        return true;
    };
    let location = answer.location.as_deref().unwrap_or_default();
    let rest = location.strip_prefix(&format!("https://{target}"));
    answer.status == 301 && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_an_error(facts: &Facts, expected: &Expected) -> bool {
    let Http::Answered(answer) = &facts.http else {
        return false;
    };
    answer.status >= 500 && target(facts, expected).is_none()
}

fn has_other_headers(facts: &Facts) -> bool {
    let mut headers = [&facts.host, &facts.x_forwarded_for].into_iter();
    headers.any(|header| matches!(header, Header::Mismatch { .. }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use pipeline::outside::Answer;

    use super::*;

    fn expected() -> Expected {
        Expected {
            distribution: "d1.cloudfront.net".into(),
            attached: Some(vec![1]),
            challenges: HashMap::new(),
            origin: "origin.example".into(),
            forwards_host: true,
            keeps_nothing: None,
            redirect_to: None,
            address_given: false,
        }
    }

    fn served() -> Facts {
        Facts {
            dns: Dns::Cname {
                chain: vec!["d1.cloudfront.net".into()],
            },
            tls: Tls::Verified { version: "1.3".into() },
            http: answered(200, None),
            ..Facts::unknown("www.example.com", "www")
        }
    }

    fn answered(status: u16, location: Option<&str>) -> Http {
        Http::Answered(Answer {
            status,
            location: location.map(str::to_owned),
            ..Answer::default()
        })
    }

    #[test]
    fn the_first_problem_is_the_one_that_is_told() {
        assert_eq!(first_problem(&served(), &expected()), None);
        let of = |facts: Facts| first_problem(&facts, &expected());
        let unready = Expected {
            attached: None,
            ..expected()
        };
        let nothing = Facts::unknown("www.example.com", "www");
        assert_eq!(first_problem(&nothing, &unready), Some(Problem::NotReady));
        assert_eq!(of(nothing), Some(Problem::Name));
        let (tls, http) = (Tls::NotPublic, Http::NotTried);
        assert_eq!(of(Facts { tls, http, ..served() }), Some(Problem::Tls));
        let http = Http::Failed { why: "closed".into() };
        assert_eq!(of(Facts { http, ..served() }), Some(Problem::NoAnswer));
        let http = answered(502, None);
        assert_eq!(of(Facts { http, ..served() }), Some(Problem::Origin));
        let host = Header::Mismatch {
            value: None,
            expected: "www.example.com".into(),
        };
        assert_eq!(of(Facts { host, ..served() }), Some(Problem::Headers));
    }

    #[test]
    fn a_redirect_leads_to_the_host_that_is_set_and_to_no_other() {
        let to = Expected {
            redirect_to: Some("example.com".into()),
            ..expected()
        };
        let of = |status, location| {
            let http = answered(status, location);
            first_problem(&Facts { http, ..served() }, &to)
        };
        assert_eq!(of(301, Some("https://example.com/")), None);
        assert_eq!(of(301, Some("https://example.com")), None);
        for (status, location) in [
            (301, Some("https://example.com.evil.example/")),
            (301, Some("http://example.com/")),
            (302, Some("https://example.com/")),
            (301, None),
            (200, None),
            (502, None),
        ] {
            assert_eq!(of(status, location), Some(Problem::Redirect), "{status} {location:?}");
        }
    }
}
