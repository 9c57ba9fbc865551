//! What a server's error code means, and what to do about it.

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::tsig::{TSIG, TsigError};
use pipeline::reason::DnsWriteProblem;

use super::response::Request;
use super::{Writer, names};

/// The problem that the error response reports.
pub(super) fn problem(writer: &Writer, request: &Request, response: &Message) -> DnsWriteProblem {
    let code = response.metadata.response_code;
    let tsig = response.signature().map(|record| &record.data);
    let error = tsig.and_then(|tsig| tsig.error.map(|error| (error, tsig)));
    let zone = names::text(&writer.zone);
    let said = match (code, error) {
        (ResponseCode::NotAuth, Some((error, tsig))) => not_authentic(writer, request, error, tsig),
        (ResponseCode::NotAuth, None) => format!(
            "NOTAUTH: it is not authoritative for the zone {zone}, or not its primary: check RFC2136_SERVER and RFC2136_ZONE"
        ),
        (ResponseCode::Refused, None) if tsig.is_none() => format!(
            "REFUSED, without a signature: it doesn't know the key {} with this secret, or the clocks differ, or its policy \
             doesn't let the key {}",
            key(writer),
            right(writer, request.op_code)
        ),
        (ResponseCode::Refused, _) => {
            let right = right(writer, request.op_code);
            format!("REFUSED: its policy doesn't let the key {} {right}", key(writer))
        }
        (ResponseCode::NotZone, _) => {
            format!("NOTZONE: a name of the change is not in its zone {zone}: check DELEGATION_ZONE and RFC2136_ZONE")
        }
        (ResponseCode::NotImp, _) => {
            "NOTIMP: it takes no updates, or is not the zone's primary: check RFC2136_SERVER".to_owned()
        }
        (ResponseCode::ServFail, _) => return writer.failed("SERVFAIL"),
        (ResponseCode::FormErr, _) => return writer.failed("FORMERR"),
        (code, _) => return writer.failed(format!("{} ({code})", u16::from(code))),
    };
    let server = writer.server.clone();
    DnsWriteProblem::Refused { server, said }
}

/// What the server has against the signature (RFC 8945 §5.2).
fn not_authentic(writer: &Writer, request: &Request, error: TsigError, tsig: &TSIG) -> String {
    let (key, algorithm) = (key(writer), writer.signer.algorithm().to_name());
    match error {
        // Knot says so to a key without rights, too.
        TsigError::BadKey => format!(
            "NOTAUTH, BADKEY: it has no key {key} of {algorithm}, or one that may not do this: set RFC2136_KEY_NAME and \
             RFC2136_KEY_ALGORITHM to those in its configuration, and let the key {}",
            right(writer, request.op_code)
        ),
        TsigError::BadSig => format!(
            "NOTAUTH, BADSIG: its key {key} has another secret: set RFC2136_KEY to the secret in its configuration"
        ),
        TsigError::BadTime => format!(
            "NOTAUTH, BADTIME: {}: correct the one that is wrong (NTP)",
            difference(request, tsig)
        ),
        TsigError::BadTrunc => "NOTAUTH, BADTRUNC: it doesn't accept the signature's length".to_owned(),
        TsigError::Unknown(error) => format!("NOTAUTH, TSIG error {error}"),
    }
}

/// The difference of the clocks; the server tells its own (RFC 8945 §5.2.3).
fn difference(request: &Request, tsig: &TSIG) -> String {
    let [a, b, c, d, e, f] = tsig.other[..] else {
        return "its clock and this machine's differ by more than 5 minutes".to_owned();
    };
    let theirs = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let way = if theirs < request.signed_at {
        "behind"
    } else {
        "ahead of"
    };
    let seconds = theirs.abs_diff(request.signed_at);
    format!("its clock is {seconds} s {way} this machine's")
}

fn key(writer: &Writer) -> String {
    names::text(writer.signer.signer_name())
}

/// The right that the request needs, and where a server has it.
fn right(writer: &Writer, op_code: OpCode) -> String {
    if op_code == OpCode::Update {
        let below = names::text(&writer.below);
        format!("change TXT records below {below} (BIND: update-policy; Knot: acl with action update)")
    } else {
        let zone = names::text(&writer.zone);
        format!("transfer the zone {zone} (BIND: allow-transfer; Knot: acl with action transfer)")
    }
}
