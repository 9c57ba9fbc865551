//! What was seen at a domain, in its tenant's words.

use crate::outside::{
    Answer, Cache, Checked, CheckedDomain, Dns, Facts, Header, Http, Problem, Served, Tls, mend_name,
};
use crate::status::words::capitalized;

/// Makes the broker send the configuration to CloudFront again, and replace the certificate if it ends soon.
const AGAIN: &str = "`cf update-service NAME -c '{\"timestamp\": \"now\"}'`";

/// What to do, or that it is served.
pub(super) fn conclusion(one: &CheckedDomain, check: &Checked) -> String {
    let facts = &one.facts;
    let Some(problem) = one.problem else {
        return served(facts);
    };
    match problem {
        Problem::NotReady => "There is no certificate in use yet: set no CNAME before there is one.".to_owned(),
        Problem::Name => name(facts, check),
        Problem::Tls => tls_problem(facts, check),
        Problem::OtherCertificate => format!(
            "Another certificate is presented for it than this service's (serial {}). A deployment takes some minutes; if it stays, {AGAIN}.",
            facts.certificate.as_ref().map_or("?", |shown| &shown.serial)
        ),
        Problem::NoAnswer => format!(
            "TLS is fine, but nothing is answered: {}. Try again in a minute.",
            no_answer(&facts.http)
        ),
        Problem::Redirect => format!(
            "It is to be redirected to {} (redirect_to), but it answers {}. If that stays for some minutes, {AGAIN}.",
            check.redirect_to.as_deref().unwrap_or("?"),
            answered(&facts.http)
        ),
        Problem::Origin => format!(
            "CloudFront gets HTTP {} from your app at {}, or no answer: check the app.",
            answered(&facts.http),
            check.origin
        ),
        Problem::Headers => other_header(facts),
    }
}

fn served(facts: &Facts) -> String {
    match &facts.http {
        Http::Answered(answer) if answer.status != 200 => {
            format!("It is served; the answer is HTTP {}.", status(answer))
        }
        _ => "It is served.".to_owned(),
    }
}

fn name(facts: &Facts, check: &Checked) -> String {
    match (&facts.dns, mend_name(facts, &check.distribution)) {
        (_, Some(mend)) => capitalized(&mend) + ".",
        (Dns::Failed { why }, None) => format!(
            "DNS does not say where it leads ({why}). Try again in a minute; if that stays, your domain's name servers are broken."
        ),
        (_, None) => "It does not lead to the distribution.".to_owned(),
    }
}

fn tls_problem(facts: &Facts, check: &Checked) -> String {
    let presented = facts.certificate.as_ref();
    match &facts.tls {
        Tls::WrongName => format!(
            "The certificate that is presented for it is for {} only. A deployment takes some minutes; if it stays, {AGAIN}.",
            presented.map_or_else(|| "other names".to_owned(), |shown| shown.names.join(", "))
        ),
        Tls::UnknownIssuer => format!(
            "Its certificate is from {}, which browsers don't trust.",
            presented.map_or("an unknown CA", |shown| &shown.issuer)
        ),
        Tls::Expired => format!("Its certificate has expired: {AGAIN} gets another."),
        Tls::NotYetValid => "Its certificate is not valid yet: tell the broker's operator.".to_owned(),
        Tls::NoHandshake { why } => format!(
            "No certificate is presented for it ({why}). A deployment takes some minutes; if it stays, {AGAIN}."
        ),
        Tls::NoConnection { why } => format!("It can't be connected to ({why}). Try again in a minute."),
        Tls::NotPublic => {
            "It has no address that can be connected to from outside: private addresses, for example, which the broker refuses.".to_owned()
        }
        Tls::NotTried | Tls::Verified { .. } => {
            format!("{} has no address: tell the broker's operator.", check.distribution)
        }
    }
}

fn no_answer(http: &Http) -> &str {
    match http {
        Http::Failed { why } => why,
        Http::Answered(_) | Http::NotTried => "nothing was sent",
    }
}

fn answered(http: &Http) -> String {
    match http {
        Http::Answered(answer) => status(answer),
        Http::Failed { .. } | Http::NotTried => "nothing".to_owned(),
    }
}

fn status(answer: &Answer) -> String {
    match &answer.location {
        Some(location) => format!("{} to {location}", answer.status),
        None => answer.status.to_string(),
    }
}

fn headers(facts: &Facts) -> [(&'static str, &Header); 2] {
    [("Host", &facts.host), ("X-Forwarded-For", &facts.x_forwarded_for)]
}

fn other_header(facts: &Facts) -> String {
    let mut all = headers(facts).into_iter();
    let other = all.find_map(|(name, header)| match header {
        Header::Mismatch { value, expected } => Some(format!(
            "Your app gets {name} {}, and by the settings it should be {expected}: {AGAIN} configures CloudFront again.",
            value.as_deref().unwrap_or("not at all")
        )),
        _ => None,
    });
    other.unwrap_or_else(|| "Your app gets other headers than it should.".to_owned())
}

/// Each thing that was seen.
pub(super) fn each(facts: &Facts, check: &Checked) -> Vec<String> {
    let as_what = (facts.name != facts.domain).then(|| format!("Looked at as {}.", facts.name));
    let seen = [
        as_what,
        Some(dns(&facts.dns)),
        tls(&facts.tls, facts.certificate.as_ref()),
        http(&facts.http),
        cache(&facts.cache),
    ];
    let told = headers(facts).map(|(name, header)| told_header(name, header, check));
    seen.into_iter().chain(told).flatten().collect()
}

fn dns(dns: &Dns) -> String {
    let last = |chain: &[String]| chain.last().cloned().unwrap_or_default();
    let told = match dns {
        Dns::Cname { chain } => format!("leads to {} by CNAME", last(chain)),
        Dns::SameAddresses { .. } => "has the addresses of the distribution".to_owned(),
        Dns::Elsewhere { chain, addresses } => match (chain.is_empty(), addresses.first()) {
            (false, _) => format!("leads to {}", last(chain)),
            (true, Some(first)) => format!("leads to {first}"),
            (true, None) => "has no address".to_owned(),
        },
        Dns::NoSuchName { chain } if chain.is_empty() => "does not exist".to_owned(),
        Dns::NoSuchName { chain } => format!("leads to {}, which does not exist", last(chain)),
        Dns::Failed { why } => format!("no answer ({why})"),
    };
    format!("DNS: {told}.")
}

fn tls(tls: &Tls, certificate: Option<&Served>) -> Option<String> {
    let presented = certificate.map(|shown| {
        let whose = match shown.attached {
            true => "this service's certificate",
            false => "another certificate than this service's",
        };
        format!("{whose}, by {}, until {}", shown.issuer, shown.not_after.date())
    });
    let told = match tls {
        Tls::Verified { version } => format!("{version}, verified"),
        Tls::WrongName => "the certificate is for other names".to_owned(),
        Tls::UnknownIssuer => "browsers don't trust the certificate".to_owned(),
        Tls::Expired => "the certificate has expired".to_owned(),
        Tls::NotYetValid => "the certificate is not valid yet".to_owned(),
        Tls::NoHandshake { why } => format!("no certificate ({why})"),
        Tls::NoConnection { why } => format!("no connection ({why})"),
        Tls::NotPublic => "not tried, since no address is one that can be connected to from outside".to_owned(),
        Tls::NotTried => return None,
    };
    Some(match presented {
        Some(presented) => format!("TLS: {told}; {presented}."),
        None => format!("TLS: {told}."),
    })
}

fn http(http: &Http) -> Option<String> {
    match http {
        Http::Answered(answer) => Some(format!("Answer: HTTP {}.", status(answer))),
        Http::Failed { why } => Some(format!("Answer: none ({why}).")),
        Http::NotTried => None,
    }
}

fn cache(cache: &Cache) -> Option<String> {
    let told = match cache {
        Cache::Hit => "the second answer came from CloudFront's cache".to_owned(),
        Cache::Miss => "the second answer did not come from CloudFront's cache, though nothing forbids it".to_owned(),
        Cache::NotCacheable { why } => format!("CloudFront keeps nothing of this ({why})"),
        Cache::Told { word } => format!("CloudFront says {word}"),
        Cache::Unknown => return None,
    };
    Some(format!("Cache: {told}."))
}

fn told_header(name: &str, header: &Header, check: &Checked) -> Option<String> {
    Some(match header {
        Header::AsConfigured { value } => format!("{name}: your app gets {value}."),
        Header::Mismatch { value, expected } => format!(
            "{name}: your app gets {}, not {expected}.",
            value.as_deref().unwrap_or("none")
        ),
        Header::NoEcho { why } => format!(
            "{name}: not seen, since {} does not answer with the request's headers ({why}).",
            check.echo.as_deref().unwrap_or("?")
        ),
        Header::NotAsked => return None,
    })
}
