//! A CA that was asked in place of another one refuses because of CAA records (RFC 8659): challenge-verifier did not see
//! them, for instance because the CA's names are not known.

use instant_acme::Problem;
use pipeline::Outcome;
use pipeline::reason::Spent;
use store::{Order, Task};
use worker::Stop;

use crate::ca::Cas;
use crate::client::words::{per_domain, short_type};

/// Gives the order up, without blame for a domain, where a problem is about CAA records: the preferred CA may be allowed.
/// None where it isn't, or the order is at the preferred CA.
pub(crate) async fn given_up(
    cas: &Cas,
    task: &Task,
    order: &Order,
    problem: Option<&Problem>,
) -> Result<Option<Outcome>, Stop> {
    let Some(problem) = problem.filter(|problem| order.fallback && is_about_caa(problem)) else {
        return Ok(None);
    };
    cas.store.set_caa_forbids(task).await?;
    let named = per_domain(problem).into_iter().next().map(|rejection| rejection.domain);
    let domain = named.unwrap_or_else(|| task.instance.domains.join(", "));
    Ok(Some(Outcome::spent(Spent::CaaForbids { domain })))
}

/// Whether the problem, or that of a domain, is about CAA records.
pub(crate) fn is_about_caa(problem: &Problem) -> bool {
    let is_caa = |kind: Option<&str>| short_type(kind) == Some("caa");
    is_caa(problem.r#type.as_deref()) || problem.subproblems.iter().any(|sub| is_caa(sub.r#type.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_about_caa_as_a_whole_or_for_a_domain() {
        let problem = |kind: &str, sub: &str| -> Problem {
            serde_json::from_str(&format!(
                r#"{{"type":"urn:ietf:params:acme:error:{kind}","subproblems":[{{"type":"urn:ietf:params:acme:error:{sub}",
                     "identifier":{{"type":"dns","value":"a.example"}}}}]}}"#
            ))
            .unwrap()
        };
        assert!(is_about_caa(&problem("caa", "dns")));
        assert!(is_about_caa(&problem("unauthorized", "caa")));
        assert!(!is_about_caa(&problem("unauthorized", "dns")));
    }
}
