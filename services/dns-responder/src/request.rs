//! Bytes to a question. Pure.

use hickory_proto::op::{Message, ResponseCode};
use tracing::Dispatch;
use tracing::dispatcher::with_default;

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
    // More than one question has no meaning (RFC 9619 §4).
    if header[4..6] != [0, 1] {
        return Request::Rejected(rejection(header, ResponseCode::FormErr));
    }
    // What hickory has to say about a stranger's bytes must not fill the log: it warns of each SIG(0) record and bad option.
    let quiet = Dispatch::none();
    match with_default(&quiet, || Message::from_vec(bytes)) {
        Ok(message) if message.queries.len() == 1 => Request::Question(Box::new(message)),
        _ => Request::Rejected(rejection(header, ResponseCode::FormErr)),
    }
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
