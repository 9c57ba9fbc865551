//! The conclusion from the facts: whether the domain is served, and if not, what to do next, in one sentence. Pure.

use std::net::IpAddr;

use serde::Serialize;

use super::expected::Expected;
use super::facts::{Answer, Dns, Facts, Header, Http, Served, Tls};
use crate::shown;

/// The conclusion from the facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The domain is served as it should be.
    pub ok: bool,
    /// What to do next, or what is worth knowing.
    pub text: String,
}

/// Makes the broker send the configuration to CloudFront again, and replace the certificate if it expires soon.
const AGAIN: &str = "`cf update-service <name> -c '{\"timestamp\": \"now\"}'`";

/// Reports the first problem, in the order in which one would fix them.
pub fn judge(facts: &Facts, expected: &Expected) -> Verdict {
    let wrong = unready(expected)
        .or_else(|| names(facts, expected))
        .or_else(|| handshake(facts, expected))
        .or_else(|| certificate(facts))
        .or_else(|| answer(facts, expected))
        .or_else(|| forwarding(facts));
    match wrong {
        Some(text) => Verdict { ok: false, text },
        None => Verdict {
            ok: true,
            text: well(facts),
        },
    }
}

fn unready(expected: &Expected) -> Option<String> {
    expected.attached.is_none().then(|| {
        "no certificate is attached yet: `cf service <name>` shows what it waits for; set no CNAME before".to_owned()
    })
}

fn names(facts: &Facts, expected: &Expected) -> Option<String> {
    let (domain, to) = (&facts.domain, &expected.distribution);
    let record = format!("name {domain}, value {to} (at the apex of a zone: ALIAS or ANAME)");
    match &facts.dns {
        Dns::Cname { .. } | Dns::SameAddresses { .. } => None,
        // A server that presents our certificate has our key: the name is an ALIAS that resolved differently elsewhere
        // in the world.
        Dns::Elsewhere { .. } if shows_ours(facts) && !expected.address_given => None,
        Dns::NoSuchName { chain } => Some(match chain.last() {
            None => format!("the name does not exist: add a CNAME record, {record}"),
            Some(last) => format!("it leads to {last}, which does not exist: change the CNAME record, {record}"),
        }),
        Dns::Elsewhere { chain, addresses } => Some(match (chain.last(), addresses.is_empty()) {
            (Some(last), _) => format!("it points at {last}: change the CNAME record, {record}"),
            (None, true) => format!("the name has no address: add a CNAME record, {record}"),
            (None, false) => format!(
                "it points at {}: replace its A and AAAA records by a CNAME record, {record}",
                list(addresses)
            ),
        }),
        Dns::Failed { why } => Some(format!(
            "DNS could not tell where it leads ({why}): ask again, or another server with --resolver; if it stays, the \
             zone's servers are broken"
        )),
    }
}

fn shows_ours(facts: &Facts) -> bool {
    matches!(facts.tls, Tls::Verified { .. }) && facts.certificate.as_ref().is_some_and(|shown| shown.attached)
}

fn handshake(facts: &Facts, expected: &Expected) -> Option<String> {
    let issuer = facts.certificate.as_ref().map_or("?", |shown| &shown.issuer);
    Some(match &facts.tls {
        Tls::Verified { .. } => return None,
        Tls::WrongName => format!(
            "the edge shows a certificate for {} only: a deployment takes some minutes; if it stays, {AGAIN}",
            facts
                .certificate
                .as_ref()
                .map_or_else(|| "?".to_owned(), |shown| shown::plain(&shown.names.join(", ")))
        ),
        Tls::UnknownIssuer => format!(
            "its certificate is from {issuer:?}, which is not trusted here: name the root of a test CA with --ca-roots"
        ),
        Tls::Expired => format!("its certificate has expired: {AGAIN} gets another"),
        Tls::NotYetValid => "its certificate is not valid yet: is the clock of this machine right?".to_owned(),
        Tls::NoHandshake { why } => {
            format!("the edge has no certificate for it ({why}): a deployment takes some minutes; if it stays, {AGAIN}")
        }
        Tls::NoConnection { why } => {
            format!("no connection ({why}): is port 443 open from here? --connect names another address")
        }
        Tls::NotTried => format!(
            "{} has no address: was the distribution deleted by hand?",
            expected.distribution
        ),
    })
}

fn certificate(facts: &Facts) -> Option<String> {
    let shown = facts.certificate.as_ref().filter(|shown| !shown.attached)?;
    Some(format!(
        "the edge shows another certificate (serial {}) than the database says is attached: a deployment takes some \
         minutes; if it stays, {AGAIN}",
        shown.serial
    ))
}

fn answer(facts: &Facts, expected: &Expected) -> Option<String> {
    let answer = match &facts.http {
        Http::Answered(answer) => answer,
        Http::Failed { why } => return Some(format!("TLS is fine, but GET got no answer: {why}")),
        Http::NotTried => return None,
    };
    if let Some(target) = expected.redirect_to.as_ref().filter(|target| **target != facts.name) {
        let right = format!("https://{target}");
        let location = answer.location.as_deref().unwrap_or_default();
        let rest = location.strip_prefix(&right);
        let redirects = answer.status == 301 && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        return (!redirects).then(|| {
            format!(
                "redirect_to is {target}, but it answers {}: if it stays for some minutes, {AGAIN}",
                status(answer)
            )
        });
    }
    (answer.status >= 500).then(|| {
        format!(
            "CloudFront gets HTTP {} from the origin {}: check the app",
            answer.status, expected.origin
        )
    })
}

fn forwarding(facts: &Facts) -> Option<String> {
    [("Host", &facts.host), ("X-Forwarded-For", &facts.x_forwarded_for)]
        .into_iter()
        .find_map(|(name, header)| match header {
            Header::Mismatch { value, expected } => Some(format!(
                "the app sees {name} {}, and by the settings it should be {expected}: {AGAIN} configures CloudFront \
                 again",
                value.as_deref().unwrap_or("not at all")
            )),
            Header::AsConfigured { .. } | Header::NotAsked | Header::NoEcho { .. } => None,
        })
}

fn well(facts: &Facts) -> String {
    let mut text = match &facts.http {
        Http::Answered(answer) if answer.status != 200 => format!("is served (the app answers {})", status(answer)),
        _ => "is served".to_owned(),
    };
    if let Some(shown) = facts.certificate.as_ref().filter(|shown| ends_soon(shown)) {
        text.push_str(&format!(
            "; its certificate ends in {} days: {AGAIN} gets another",
            shown.days_left
        ));
    }
    for (name, header) in [("Host", &facts.host), ("X-Forwarded-For", &facts.x_forwarded_for)] {
        if let Header::NoEcho { why } = header {
            text.push_str(&format!("; {name} is not known: --echo returned no echo ({why})"));
            break;
        }
    }
    text
}

/// A third of its lifetime or less is left: an update replaces it.
fn ends_soon(shown: &Served) -> bool {
    shown.days_left * 3 <= (shown.not_after - shown.not_before).whole_days()
}

fn status(answer: &Answer) -> String {
    match &answer.location {
        Some(location) => format!("{} to {}", answer.status, shown::plain(location)),
        None => answer.status.to_string(),
    }
}

fn list(addresses: &[IpAddr]) -> String {
    let all: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests;
