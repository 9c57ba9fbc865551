//! A domain's facts as one line of the table. Pure.

use pipeline::outside::{Cache, Dns, Facts, Header, Http, Persist, Served, Tls};

/// The columns; docs/cdnctl.md explains each.
pub(super) const HEADING: [&str; 12] = [
    "DOMAIN",
    "DNS",
    "PERSIST",
    "TLS",
    "ISSUER",
    "AGE",
    "LEFT",
    "ATTACHED",
    "HTTP",
    "CACHE",
    "HOST",
    "X-FORWARDED-FOR",
];

/// The cells, in the order of [`HEADING`].
pub(super) fn cells(facts: &Facts) -> [String; 12] {
    let of_certificate = |cell: fn(&Served) -> String| facts.certificate.as_ref().map_or_else(none, cell);
    [
        facts.domain.clone(),
        dns(&facts.dns),
        persist(facts.persist).to_owned(),
        tls(&facts.tls),
        of_certificate(|shown| shown.issuer.clone()),
        of_certificate(|shown| format!("{} d", shown.age_days)),
        of_certificate(|shown| format!("{} d", shown.days_left)),
        of_certificate(|shown| if shown.attached { "yes" } else { "no" }.to_owned()),
        http(&facts.http),
        cache(&facts.cache),
        header(&facts.host),
        header(&facts.x_forwarded_for),
    ]
}

fn none() -> String {
    "-".to_owned()
}

fn dns(dns: &Dns) -> String {
    let led = |chain: &[String]| chain.last().map_or_else(String::new, |last| format!("CNAME → {last}"));
    match dns {
        Dns::Cname { chain } => led(chain),
        Dns::SameAddresses { .. } => "same addresses".to_owned(),
        Dns::Elsewhere { chain, addresses } if chain.is_empty() => match addresses.first() {
            Some(first) => format!("elsewhere: {first}"),
            None => "no address".to_owned(),
        },
        Dns::Elsewhere { chain, .. } => format!("elsewhere: {}", led(chain)),
        Dns::NoSuchName { chain } if chain.is_empty() => "does not exist".to_owned(),
        Dns::NoSuchName { chain } => format!("{}: does not exist", led(chain)),
        Dns::Failed { .. } => "no answer".to_owned(),
    }
}

fn persist(persist: Persist) -> &'static str {
    match persist {
        Persist::Set => "set",
        Persist::Other => "other",
        Persist::None => "none",
        Persist::Unknown => "?",
        Persist::Unused => "-",
    }
}

fn tls(tls: &Tls) -> String {
    match tls {
        Tls::Verified { version } => format!("{version} verified"),
        Tls::WrongName => "wrong name".to_owned(),
        Tls::UnknownIssuer => "unknown issuer".to_owned(),
        Tls::Expired => "expired".to_owned(),
        Tls::NotYetValid => "not valid yet".to_owned(),
        Tls::NoHandshake { .. } => "no handshake".to_owned(),
        Tls::NoConnection { .. } => "no connection".to_owned(),
        Tls::NotTried => none(),
        Tls::NotPublic => "not public".to_owned(),
    }
}

fn http(http: &Http) -> String {
    match http {
        Http::Answered(answer) => answer.status.to_string(),
        Http::Failed { .. } => "no answer".to_owned(),
        Http::NotTried => none(),
    }
}

fn cache(cache: &Cache) -> String {
    match cache {
        Cache::Hit => "hit".to_owned(),
        Cache::Miss => "miss".to_owned(),
        Cache::NotCacheable { why } => format!("not cacheable ({why})"),
        Cache::Told { word } => word.clone(),
        Cache::Unknown => none(),
    }
}

fn header(header: &Header) -> String {
    match header {
        Header::AsConfigured { value } => value.clone(),
        Header::Mismatch { value: Some(value), .. } => format!("MISMATCH {value}"),
        Header::Mismatch { value: None, .. } => "MISMATCH none".to_owned(),
        Header::NotAsked => "not asked (--echo)".to_owned(),
        Header::NoEcho { .. } => "no echo".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_is_told_as_such() {
        let mut facts = Facts::unknown("www.example.com", "www");
        assert_eq!(
            cells(&facts).join("|"),
            "www.example.com|does not exist|?|-|-|-|-|-|-|-|not asked (--echo)|not asked (--echo)"
        );
        facts.dns = Dns::Elsewhere {
            chain: vec!["a.example".into(), "b.example".into()],
            addresses: Vec::new(),
        };
        facts.host = Header::Mismatch {
            value: Some("origin.example".into()),
            expected: "www.example.com".into(),
        };
        let row = cells(&facts);
        assert_eq!(
            (row[1].as_str(), row[10].as_str()),
            ("elsewhere: CNAME → b.example", "MISMATCH origin.example")
        );
    }
}
