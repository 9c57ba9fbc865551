//! What a probe has found, and how the user reads it.

use pipeline::outcome::Method;
use pipeline::status::PROVED;

/// What was seen on one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The way.
    pub method: Method,
    /// One line for the user: which record, what was seen, what was expected, at which server.
    pub text: String,
    /// Something is there, but wrong: somebody has begun on this way, so this is to be told first.
    pub relevant: bool,
}

/// The outcome of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The way that is in place.
    pub in_place: Option<Method>,
    /// Why the CA may not issue all the same, by the domain's CAA records; one line for the user, with what to change.
    pub forbidden: Option<String>,
    /// One per way that has answered, in the order of preference.
    pub seen: Vec<Seen>,
}

impl Finding {
    /// The way that the CA is to be told to use.
    pub fn ready(&self) -> Option<Method> {
        self.in_place.filter(|_| self.forbidden.is_none())
    }

    /// The finding in one line: what forbids the CA to issue, what is in place, or what is there but wrong, or that there
    /// is nothing yet.
    pub fn summary(&self) -> String {
        match (&self.forbidden, self.in_place) {
            (None, _) => self.proof(),
            (Some(forbidden), Some(method)) => format!("{PROVED} by {}, but {forbidden}", method.as_str()),
            (Some(forbidden), None) => format!("{forbidden}; {}", self.proof()),
        }
    }

    fn proof(&self) -> String {
        if let Some(method) = self.in_place {
            let text = self
                .seen
                .iter()
                .find(|seen| seen.method == method)
                .map_or("", |seen| &seen.text);
            return format!("{}: {text}", method.as_str());
        }
        let wrong = joined(self.seen.iter().filter(|seen| seen.relevant));
        if !wrong.is_empty() {
            return wrong;
        }
        match joined(self.seen.iter()) {
            none if none.is_empty() => "nothing to look for: the order offers no way to verify the domain".to_owned(),
            all => format!("nothing found yet: {all}"),
        }
    }
}

fn joined<'a>(seen: impl Iterator<Item = &'a Seen>) -> String {
    seen.map(|seen| seen.text.as_str()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(method: Method, text: &str, relevant: bool) -> Seen {
        Seen {
            method,
            text: text.to_owned(),
            relevant,
        }
    }

    #[test]
    fn what_is_there_but_wrong_is_told_alone() {
        let mut finding = Finding {
            in_place: None,
            forbidden: None,
            seen: vec![
                seen(
                    Method::DnsPersist01,
                    "TXT _validation-persist.x: no such name (NXDOMAIN) at ns1",
                    false,
                ),
                seen(
                    Method::Dns01,
                    "TXT _acme-challenge.x is \"abc\", expected \"xyz\" (at ns1)",
                    true,
                ),
                seen(Method::Http01, "HTTP 404 from 1.2.3.4", false),
            ],
        };
        assert_eq!(
            finding.summary(),
            "TXT _acme-challenge.x is \"abc\", expected \"xyz\" (at ns1)"
        );
        finding.seen[1].relevant = false;
        assert_eq!(
            finding.summary(),
            "nothing found yet: TXT _validation-persist.x: no such name (NXDOMAIN) at ns1; TXT _acme-challenge.x is \
             \"abc\", expected \"xyz\" (at ns1); HTTP 404 from 1.2.3.4"
        );
        finding.in_place = Some(Method::Http01);
        assert_eq!(finding.summary(), "http-01: HTTP 404 from 1.2.3.4");
        assert!(
            Finding {
                in_place: None,
                forbidden: None,
                seen: vec![]
            }
            .summary()
            .starts_with("nothing to look for")
        );
    }

    #[test]
    fn what_forbids_the_ca_to_issue_is_told_first() {
        let text = "TXT _acme-challenge.x is as expected (at ns1)";
        let mut finding = Finding {
            in_place: Some(Method::Dns01),
            forbidden: None,
            seen: vec![seen(Method::Dns01, text, false)],
        };
        assert_eq!(finding.ready(), Some(Method::Dns01));
        finding.forbidden = Some("CAA x allows nobody".to_owned());
        assert_eq!(finding.ready(), None);
        assert_eq!(finding.summary(), "it is proved by dns-01, but CAA x allows nobody");
        finding.in_place = None;
        finding.seen[0].text = "no such name".to_owned();
        assert_eq!(
            finding.summary(),
            "CAA x allows nobody; nothing found yet: no such name"
        );
    }
}
