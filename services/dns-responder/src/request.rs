//! Bytes to a question. Pure.

use hickory_proto::op::{Message, ResponseCode};
use tracing::Dispatch;
use tracing::dispatcher::with_default;

/// Longer than any question; what is longer can't be read. An answer by UDP isn't longer either.
pub(crate) const LONGEST: usize = 1232;
/// The length of a header (RFC 1035 §4.1.1).
const HEADER: usize = 12;
const QR: u8 = 0x80;
const OPCODE: u8 = 0x78;
const RECURSION_DESIRED: u8 = 0x01;

/// What arrived.
#[derive(Debug)]
pub enum Request {
    /// Nothing that may be answered: it is no question. Two servers that answered each other's answers would never stop.
    Ignored,
    /// A question that gets this header in return, and nothing else.
    Rejected([u8; HEADER]),
    /// One question.
    Question(Box<Message>),
}

/// Reads what arrived.
pub fn read(bytes: &[u8]) -> Request {
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        return Request::Ignored;
    };
    if header[2] & QR != 0 {
        return Request::Ignored;
    }
    if header[2] & OPCODE != 0 {
        return Request::Rejected(rejection(header, ResponseCode::NotImp));
    }
    if !has_a_questions_counts(header) {
        return Request::Rejected(rejection(header, ResponseCode::FormErr));
    }
    // What hickory has to say about a stranger's bytes must not fill the log: it warns of each SIG(0) record and bad option.
    let quiet = Dispatch::none();
    match with_default(&quiet, || Message::from_vec(bytes)) {
        // RFC 7873 §5.4: a question without a question is for a cookie, which is in the OPT record.
        Ok(message) if message.queries.len() == 1 || message.edns.is_some() => Request::Question(Box::new(message)),
        _ => Request::Rejected(rejection(header, ResponseCode::FormErr)),
    }
}

/// Whether the sections can be a question's: judged before any record is read, since names that lead through each other make
/// a reader walk far. More than one question has no meaning (RFC 9619 §4). There is no answer; in the authority section IXFR has
/// an SOA record (RFC 1995 §3), in the additional one are at most OPT and TSIG.
fn has_a_questions_counts(header: &[u8; HEADER]) -> bool {
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    count(4) <= 1 && count(6) == 0 && count(8) <= 1 && count(10) <= 2
}

/// A header that says only what is wrong.
pub(crate) fn rejection(header: &[u8; HEADER], code: ResponseCode) -> [u8; HEADER] {
    let mut answer = [0; HEADER];
    answer[..2].copy_from_slice(&header[..2]);
    answer[2] = QR | header[2] & (OPCODE | RECURSION_DESIRED);
    answer[3] = code.low();
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// A question for the root, with these counts of its other sections, and these records.
    fn with_records(counts: [u16; 3], records: &[u8]) -> Vec<u8> {
        let counts = counts.map(u16::to_be_bytes).concat();
        [&[0, 1, 0, 0, 0, 1][..], &counts, &[0, 0, 16, 0, 1], records].concat()
    }

    #[test]
    fn a_message_with_more_records_than_a_question_has_is_rejected_before_they_are_read() {
        // An address of the root.
        let record = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1];
        for (counts, taken) in [
            ([0, 0, 0], true),
            ([0, 1, 2], true),
            ([1, 0, 0], false),
            ([0, 2, 0], false),
            ([0, 0, 3], false),
        ] {
            let bytes = with_records(counts, &record.repeat(counts.iter().sum::<u16>().into()));
            assert!(Message::from_vec(&bytes).is_ok(), "it can be read: {counts:?}");
            assert_eq!(matches!(read(&bytes), Request::Question(_)), taken, "{counts:?}");
        }
    }

    #[test]
    fn names_that_lead_through_a_chain_of_pointers_are_not_followed() {
        // The first record's data is a chain of pointers, each to the one before, and every other record's name is its end.
        let (links, names) = (1000_u16, 145_u16);
        let first = 17 + 11;
        let pointer = |to: u16| (0xc000 | to).to_be_bytes();
        let mut records = [&[0, 255, 0, 0, 1, 0, 0, 0, 0][..], &(2 * links).to_be_bytes()].concat();
        records.extend(pointer(12));
        records.extend((1..links).flat_map(|link| pointer(first + 2 * (link - 1))));
        for _ in 0..names {
            records.extend(pointer(first + 2 * (links - 1)));
            records.extend([255, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0]);
        }
        let bytes = with_records([names + 1, 0, 0], &records);
        assert!(bytes.len() < 4096, "{}", bytes.len());
        assert!(Message::from_vec(&bytes).is_ok(), "hickory follows them");
        let Request::Rejected(answer) = read(&bytes) else {
            panic!()
        };
        assert_eq!(answer[3], ResponseCode::FormErr.low());
    }

    struct Counting(Arc<AtomicUsize>);

    impl Subscriber for Counting {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn nobody_can_fill_the_log_with_nonsense() {
        // A question for the root, and an OPT record whose option is cut off, for which hickory warns.
        let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 16, 0, 1];
        bytes.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 2, 0, 10]);
        let logged = Arc::new(AtomicUsize::new(0));
        tracing::subscriber::with_default(Counting(logged.clone()), || {
            assert!(Message::from_vec(&bytes).is_ok());
            let loud = logged.load(Ordering::Relaxed);
            assert!(loud > 0, "the warning is no more: what is quiet now?");
            assert!(matches!(read(&bytes), Request::Question(_)));
            assert_eq!(logged.load(Ordering::Relaxed), loud);
        });
    }
}
