//! The conclusion from the facts: whether the domain is served, and if not, what to do next, in one sentence. Pure.

use pipeline::outside::{Answer, Dns, Facts, Header, Http, Problem, Served, Tls, mend_name};
use probe::{Expected, first_problem};
use serde::Serialize;

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

/// Reports the first problem.
pub fn judge(facts: &Facts, expected: &Expected) -> Verdict {
    match first_problem(facts, expected) {
        Some(problem) => Verdict {
            ok: false,
            text: wrong(problem, facts, expected),
        },
        None => Verdict {
            ok: true,
            text: well(facts),
        },
    }
}

fn wrong(problem: Problem, facts: &Facts, expected: &Expected) -> String {
    match problem {
        Problem::NotReady => {
            "no certificate is attached yet: `cf service <name>` shows what it waits for; set no CNAME before"
                .to_owned()
        }
        Problem::Name => name(facts, expected),
        Problem::Tls => handshake(facts, expected),
        Problem::OtherCertificate => format!(
            "the edge shows another certificate (serial {}) than the database says is attached: a deployment takes some \
             minutes; if it stays, {AGAIN}",
            facts.certificate.as_ref().map_or("?", |shown| &shown.serial)
        ),
        Problem::NoAnswer => format!("TLS is fine, but GET got no answer: {}", no_answer(&facts.http)),
        Problem::Redirect => format!(
            "redirect_to is {}, but it answers {}: if it stays for some minutes, {AGAIN}",
            expected.redirect_to.as_deref().unwrap_or("?"),
            answered(&facts.http)
        ),
        Problem::Origin => format!(
            "CloudFront gets HTTP {} from the origin {}: check the app",
            answered(&facts.http),
            expected.origin
        ),
        Problem::Headers => headers(facts),
    }
}

fn name(facts: &Facts, expected: &Expected) -> String {
    let mend = mend_name(facts, &expected.distribution);
    mend.unwrap_or_else(|| {
        let why = match &facts.dns {
            Dns::Failed { why } => why,
            _ => "?",
        };
        format!(
            "DNS could not tell where it leads ({why}): ask again, or another server with --resolver; if it stays, the \
             zone's servers are broken"
        )
    })
}

fn handshake(facts: &Facts, expected: &Expected) -> String {
    let issuer = facts.certificate.as_ref().map_or("?", |shown| &shown.issuer);
    match &facts.tls {
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
        Tls::NotTried | Tls::NotPublic | Tls::Verified { .. } => format!(
            "{} has no address: was the distribution deleted by hand?",
            expected.distribution
        ),
    }
}

fn no_answer(http: &Http) -> &str {
    match http {
        Http::Failed { why } => why,
        Http::Answered(_) | Http::NotTried => "?",
    }
}

fn answered(http: &Http) -> String {
    match http {
        Http::Answered(answer) => status(answer),
        Http::Failed { .. } | Http::NotTried => "nothing".to_owned(),
    }
}

fn headers(facts: &Facts) -> String {
    for (name, header) in [("Host", &facts.host), ("X-Forwarded-For", &facts.x_forwarded_for)] {
        if let Header::Mismatch { value, expected } = header {
            return format!(
                "the app sees {name} {}, and by the settings it should be {expected}: {AGAIN} configures CloudFront again",
                value.as_deref().unwrap_or("not at all")
            );
        }
    }
    String::new()
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

#[cfg(test)]
mod tests;
