//! Reads a response, and verifies that it is from the server that has the key (RFC 8945 §5.3).

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::tsig::TSIG;
use hickory_proto::rr::{Record, TSigVerifier, TSigner};
use pipeline::reason::DnsWriteProblem;

use super::{Writer, explain, names};

/// Maximum difference of the two clocks (RFC 8945 §10 recommends 300 s).
pub(super) const FUDGE_SECONDS: u16 = 300;

/// A signed request, as far as it is needed to verify its responses.
pub(super) struct Request {
    pub(super) id: u16,
    pub(super) op_code: OpCode,
    /// Seconds since 1970.
    pub(super) signed_at: u64,
    verifier: TSigVerifier,
}

impl Request {
    /// Signs the message.
    ///
    /// # Errors
    /// When it can't be encoded.
    pub(super) fn sign(signer: &TSigner, message: &mut Message, signed_at: u64) -> Result<Self, String> {
        let verifier = message.finalize(signer, signed_at).map_err(|error| error.to_string())?;
        Ok(Self {
            id: message.metadata.id,
            op_code: message.metadata.op_code,
            signed_at,
            verifier: verifier.ok_or("the request is not signed")?,
        })
    }

    /// The response, if it is a success and its signature is valid.
    ///
    /// An error response may be unsigned: servers that don't know the key can't sign it (RFC 8945 §5.2.1), and Knot signs
    /// nothing for a zone that it doesn't have. To forge one gains no more than to cut the connection. A response with a
    /// signature that is not valid counts for nothing.
    pub(super) fn response(&mut self, writer: &Writer, bytes: &[u8]) -> Result<Message, DnsWriteProblem> {
        // Parsed before it is verified: this refuses records after the TSIG record, which hickory's verifier asserts.
        let message =
            Message::from_vec(bytes).map_err(|error| writer.failed(format!("its response is unreadable: {error}")))?;
        let metadata = &message.metadata;
        if (metadata.id, metadata.op_code, metadata.message_type) != (self.id, self.op_code, MessageType::Response) {
            return Err(unsigned(writer, "it responds to another request".to_owned()));
        }
        let verified = is_possible(message.signature()) && self.verifier.verify(bytes).is_ok();
        match (metadata.response_code, message.signature()) {
            (ResponseCode::NoError, _) if verified => Ok(message),
            (_, _) if verified => Err(explain::problem(writer, self, &message)),
            (ResponseCode::NoError, None) => Err(unsigned(writer, "it has no TSIG record".to_owned())),
            (_, None) => Err(explain::problem(writer, self, &message)),
            // The server can't sign it: it doesn't have the key, or not the same one (RFC 8945 §5.2.1 and §5.2.2).
            (ResponseCode::NotAuth, Some(tsig)) if tsig.data.mac.is_empty() && tsig.data.error.is_some() => {
                Err(explain::problem(writer, self, &message))
            }
            (_, Some(tsig)) => Err(unsigned(writer, why_not(writer, tsig))),
        }
    }
}

/// hickory's verifier subtracts the one from the other.
fn is_possible(tsig: Option<&Record<TSIG>>) -> bool {
    tsig.is_some_and(|tsig| tsig.data.time >= u64::from(tsig.data.fudge))
}

fn unsigned(writer: &Writer, why: String) -> DnsWriteProblem {
    let server = writer.server.clone();
    DnsWriteProblem::Unsigned { server, why }
}

fn why_not(writer: &Writer, tsig: &Record<TSIG>) -> String {
    let signer = &writer.signer;
    if &tsig.name != signer.signer_name() || &tsig.data.algorithm != signer.algorithm() {
        let (key, algorithm) = (names::text(&tsig.name), tsig.data.algorithm.to_name());
        return format!("its TSIG record names the key {key} and the algorithm {algorithm}");
    }
    "its TSIG record is not valid: something between here and there changed it, or the server's clock is off".to_owned()
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Query;
    use hickory_proto::rr::TSigResponseContext;
    use hickory_proto::rr::rdata::TXT;
    use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
    use hickory_proto::rr::{RData, RecordType};
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn writer() -> Writer {
        let zone = names::parse("acme.platform.example").unwrap();
        let key = names::parse("cdn-broker").unwrap();
        Writer {
            server: "ns.example:53".to_owned(),
            zone: zone.clone(),
            below: zone,
            signer: TSigner::new(vec![7; 32], TsigAlgorithm::HmacSha256, key, FUDGE_SECONDS).unwrap(),
        }
    }

    /// A request, and the server's response.
    fn exchange(writer: &Writer) -> (Request, Vec<u8>) {
        let query = Query::query(writer.zone.clone(), RecordType::AXFR);
        let mut asked = Message::query();
        asked.add_query(query.clone());
        let request = Request::sign(&writer.signer, &mut asked, NOW).unwrap();
        let mac = asked.signature().unwrap().data.mac.clone();
        let mut response = Message::response(request.id, request.op_code);
        response.add_query(query);
        let text = RData::TXT(TXT::new(vec!["value".to_owned()]));
        response.add_answer(Record::from_rdata(writer.zone.clone(), 30, text));
        let context = TSigResponseContext::new(request.id, NOW, writer.signer.clone(), mac, None);
        let signature = context.sign(&response.to_vec().unwrap()).unwrap();
        response.set_signature(signature);
        (request, response.to_vec().unwrap())
    }

    #[test]
    fn a_signed_response_counts_once() {
        let writer = writer();
        let (mut request, bytes) = exchange(&writer);
        assert_eq!(request.response(&writer, &bytes).unwrap().answers.len(), 1);
        // In a transfer, the second message has to follow on the first one.
        request.response(&writer, &bytes).unwrap_err();
    }

    proptest! {
        #[test]
        fn random_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let writer = writer();
            let (mut request, _) = exchange(&writer);
            prop_assert!(request.response(&writer, &bytes).is_err());
        }

        #[test]
        fn what_was_changed_does_not_count(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let writer = writer();
            let (mut request, original) = exchange(&writer);
            let mut bytes = original.clone();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
            // The signature doesn't cover the TTL of its own record.
            if let Ok(message) = request.response(&writer, &bytes) {
                prop_assert_eq!(message.answers, Message::from_vec(&original).unwrap().answers);
            }
        }
    }
}
