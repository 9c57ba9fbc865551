//! What an error of Route 53 means, and what to do about it.

use aws::{AccessTrouble, Failure, Reason, shown};
use pipeline::reason::DnsWriteProblem;

use super::{SERVER, Writer, failed};

/// Whether a batch was refused because of the records that are there, so that one for those may be accepted. The words
/// are those of Route 53 (cert-manager issues 5388 and 3460, external-dns issue 3217).
pub(super) fn is_about_what_is_there(said: &str) -> bool {
    const WORDS: [&str; 3] = [
        "but it was not found",
        "do not match the current values",
        "non multivalue answer rrset exists",
    ];
    WORDS.iter().any(|words| said.contains(words))
}

/// A batch was refused for another reason.
pub(super) fn batch(writer: &Writer, said: &str) -> DnsWriteProblem {
    let said = shown(said);
    refused(if said.contains("is not permitted in zone") {
        format!(
            "InvalidChangeBatch: {said}: set ROUTE53_ZONE_ID to the id of the hosted zone that {} is in",
            writer.below
        )
    } else {
        format!("InvalidChangeBatch: {said}")
    })
}

/// The problem that a failed call is.
pub(super) fn problem(writer: &Writer, failure: &Failure) -> DnsWriteProblem {
    let server = || SERVER.to_owned();
    let status = match &failure.reason {
        Reason::NoAnswer(why) => {
            let (server, why) = (server(), why.clone());
            return DnsWriteProblem::Unreachable { server, why };
        }
        Reason::Incomplete(_) | Reason::Raced => return failed(failure.reason.to_string()),
        Reason::NoCredentials(_) => None,
        Reason::Refused { status, .. } => Some(*status),
    };
    let code = failure.code();
    if code == "PriorRequestNotComplete" {
        return DnsWriteProblem::Busy { server: server() };
    }
    if failure.is_throttled() {
        return DnsWriteProblem::Throttled { server: server() };
    }
    if status.is_some_and(|status| status >= 500 || status == 408) {
        return failed(format!("{code} ({})", status.unwrap_or_default()));
    }
    match AccessTrouble::of(failure) {
        // The SDK signs its next call with AWS' own time.
        Some(AccessTrouble { what, clock: true, .. }) => failed(what),
        Some(AccessTrouble {
            what,
            to_do,
            known: true,
            ..
        }) => refused(format!(
            "{what} in zone {}: {to_do} (certificate-issuer-policy.json has ROUTE53_ZONE_ID and DELEGATION_ZONE in it)",
            writer.zone_id
        )),
        Some(AccessTrouble { what, to_do, .. }) => refused(format!("{what}: {to_do}")),
        None => refused(told(writer, failure)),
    }
}

/// A refusal that is not about the access.
fn told(writer: &Writer, failure: &Failure) -> String {
    let (code, words) = (failure.code(), failure.words());
    match code {
        "NoSuchHostedZone" => format!(
            "NoSuchHostedZone: the account of these credentials has no hosted zone {}: set ROUTE53_ZONE_ID to the id of the zone that {} \
             is in, and use credentials of its account",
            writer.zone_id, writer.below
        ),
        "" => format!(
            "{}: the answer is not one of AWS: check AWS_ENDPOINT_URL_ROUTE_53 and proxies",
            failure.reason
        ),
        _ => format!("{code}: {words}"),
    }
}

fn refused(said: String) -> DnsWriteProblem {
    let server = SERVER.to_owned();
    DnsWriteProblem::Refused { server, said }
}
