//! What is wrong with a domain first, in the order in which one would mend it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::facts::{Dns, Facts};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// No certificate is attached to the distribution yet.
    NotReady,
    /// The name doesn't lead to the distribution.
    Name,
    /// There is no TLS with a certificate that is good for the name.
    Tls,
    /// The certificate is not the one that is attached.
    OtherCertificate,
    /// Nothing is answered, though TLS is fine.
    NoAnswer,
    /// It isn't redirected as it should be.
    Redirect,
    /// CloudFront gets an error from the origin, or no answer.
    Origin,
    /// Other headers reach the app than should.
    Headers,
}

/// How a name comes to lead to the distribution, as the rest of a sentence. `None`: it does, or nobody knows where it leads.
pub fn mend_name(facts: &Facts, distribution: &str) -> Option<String> {
    let domain = &facts.domain;
    let record = format!("name {domain}, value {distribution} (at the apex of a zone: ALIAS or ANAME)");
    match &facts.dns {
        Dns::Cname { .. } | Dns::SameAddresses { .. } | Dns::Failed { .. } => None,
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
    }
}

fn list(addresses: &[IpAddr]) -> String {
    let all: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    all.join(", ")
}
