//! The CA's texts, sanitized for a user's terminal.

use instant_acme::{Identifier, Problem};
use pipeline::Rejection;
use pipeline::domain::without_wildcard;
use pipeline::reason::Request;
use pipeline::shown::harmless;

use crate::client::directory::is_domain;

/// The longest text of the CA that is shown.
const MOST_CHARS: usize = 300;
const MOST_CHARS_OF_CAUSE: usize = 4000;

/// A text from outside: control characters are escaped (so that nothing can control a terminal), and it is cut to a
/// readable length.
pub(crate) fn clean(text: &str) -> String {
    harmless(text.trim(), MOST_CHARS)
}

/// A whole problem document for the operator. PostgreSQL accepts no NUL, and a log entry is one line.
pub(crate) fn cause(request: Request, problem: &Problem) -> String {
    harmless(format!("{request}: {problem}").trim(), MOST_CHARS_OF_CAUSE)
}

/// The last part of an error type (RFC 8555 §6.7): `rateLimited` of `urn:ietf:params:acme:error:rateLimited`.
pub(crate) fn short_type(problem_type: Option<&str>) -> Option<&str> {
    problem_type?.strip_prefix("urn:ietf:params:acme:error:")
}

/// The CA's error for the user: its detail and the short type.
pub(crate) fn said(problem: &Problem) -> String {
    phrase(problem.detail.as_deref(), problem.r#type.as_deref(), problem.status)
}

fn phrase(detail: Option<&str>, problem_type: Option<&str>, status: Option<u16>) -> String {
    let kind = short_type(problem_type).map(clean).filter(|kind| !kind.is_empty());
    let detail = detail.map(clean).map(|detail| detail.trim_end_matches('.').to_string());
    match (detail.filter(|detail| !detail.is_empty()), kind, status) {
        (Some(detail), Some(kind), _) => format!("{detail} ({kind})"),
        (Some(detail), None, _) => detail,
        (None, Some(kind), _) => kind,
        (None, None, Some(status)) => format!("HTTP {status}, nothing more"),
        (None, None, None) => "no reason was given".to_string(),
    }
}

/// The domains that a problem names in its subproblems (RFC 8555 §6.7.1), each with the CA's text. Strings that can't
/// be a domain are skipped: users read these names.
pub(crate) fn per_domain(problem: &Problem) -> Vec<Rejection> {
    problem
        .subproblems
        .iter()
        .filter_map(|sub| match &sub.identifier {
            Some(Identifier::Dns(domain)) if could_be_domain(domain) => Some(Rejection {
                domain: domain.to_ascii_lowercase(),
                reason: phrase(sub.detail.as_deref(), sub.r#type.as_deref(), None),
            }),
            _ => None,
        })
        .collect()
}

/// The domain of the order that a name from the CA refers to: some CAs name the authorization of a wildcard without its
/// `*.`, like its identifier (RFC 8555 §7.1.4).
pub(crate) fn of_order(name: &str, domains: &[String]) -> String {
    let wildcard = format!("*.{name}");
    match domains.iter().any(|domain| domain == name) || !domains.contains(&wildcard) {
        true => name.to_string(),
        false => wildcard,
    }
}

fn could_be_domain(name: &str) -> bool {
    is_domain(without_wildcard(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_ca_says_can_not_steer_a_terminal_or_fill_it() {
        assert_eq!(clean("a\u{1b}[2Jb\nc\u{202e}"), "a\\u{1b}[2Jb\\nc\\u{202e}");
        assert_eq!(clean(&"x".repeat(1000)).chars().count(), 301);
    }

    #[test]
    fn a_wildcard_is_meant_by_its_name_where_that_is_not_ordered_itself() {
        let domains = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (wildcard, both) = (domains(&["*.a.example"]), domains(&["*.a.example", "a.example"]));
        assert_eq!(of_order("a.example", &wildcard), "*.a.example");
        assert_eq!(of_order("*.a.example", &wildcard), "*.a.example");
        assert_eq!(of_order("a.example", &both), "a.example");
        assert_eq!(of_order("b.example", &both), "b.example");
    }

    #[test]
    fn subproblems_name_their_domains() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"urn:ietf:params:acme:error:malformed","detail":"Some were rejected","subproblems":[
                {"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"forbidden.","identifier":{"type":"dns","value":"A.example"}},
                {"type":"urn:ietf:params:acme:error:caa","identifier":{"type":"dns","value":"b.example"}},
                {"detail":"nobody's"}]}"#,
        )
        .unwrap();
        assert_eq!(said(&problem), "Some were rejected (malformed)");
        assert_eq!(
            per_domain(&problem),
            [("a.example", "forbidden (rejectedIdentifier)"), ("b.example", "caa")].map(|(domain, reason)| Rejection {
                domain: domain.into(),
                reason: reason.into()
            })
        );
    }
}
