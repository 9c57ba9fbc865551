//! Arbitrary datagrams: no panic, no answer to an answer, and every answer can be read and is no longer than allowed
//! (docs/fuzzing.md).
#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use dns_responder::rate_limit::Verdict;
use dns_responder::reply::{Reply, Transport};
use hickory_proto::op::{Message, MessageType};
use proptest::prelude::*;
use support::{APEX, TARGET, World};

/// What a question allows: 512 bytes, or what its OPT record says, up to what is never fragmented.
const MOST: usize = 1232;

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Send), Just(Verdict::Slip), Just(Verdict::Drop)]
}

fn harmless(bytes: &[u8], verdict: Verdict) -> Result<(), TestCaseError> {
    let world = World::new();
    for transport in [Transport::Udp, Transport::Tcp] {
        let reply = world.by(transport).limited(bytes, verdict);
        let is_question = bytes.len() >= 12 && bytes[2] & 0x80 == 0;
        prop_assert_eq!(matches!(reply, Reply::Ignored), !is_question);
        let Some(answer) = reply.bytes() else { continue };
        prop_assert!(
            transport == Transport::Tcp || answer.len() <= MOST,
            "{} bytes",
            answer.len()
        );
        prop_assert_eq!(&answer[..2], &bytes[..2]);
        let read = Message::from_vec(answer);
        prop_assert!(read.is_ok(), "{:?}: {:02x?}", read, answer);
        let read = read.unwrap();
        prop_assert_eq!(read.metadata.message_type, MessageType::Response);
        let asked = Message::from_vec(bytes).ok();
        let with_edns = asked.as_ref().is_some_and(|asked| asked.edns.is_some());
        prop_assert!(transport == Transport::Tcp || with_edns || answer.len() <= 512);
        if matches!(reply, Reply::Slipped(..)) {
            prop_assert!(answer.len() <= bytes.len() + 28, "{} for {}", answer.len(), bytes.len());
        }
    }
    Ok(())
}

/// A question for one of the zone's names, of any type and class, with an OPT record of any content.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let label = prop_oneof![
        Just(TARGET.as_bytes().to_vec()),
        Just(b"many".to_vec()),
        Just(b"ns1".to_vec()),
        prop::collection::vec(any::<u8>(), 1..64),
    ];
    let header = (any::<[u8; 2]>(), any::<[u8; 2]>());
    let types = prop_oneof![Just([0, 16, 0, 1]), Just([0, 255, 0, 1]), any::<[u8; 4]>()];
    let opt = (
        any::<u16>(),
        any::<[u8; 4]>(),
        prop::collection::vec(any::<u8>(), 0..60),
        any::<bool>(),
    );
    (header, prop::collection::vec(label, 0..3), types, prop::option::of(opt)).prop_map(
        |((id, flags), labels, types, opt)| {
            let mut bytes = [&id[..], &flags, &[0, 1, 0, 0, 0, 0, 0, u8::from(opt.is_some())]].concat();
            for label in labels
                .iter()
                .map(Vec::as_slice)
                .chain(APEX.trim_end_matches('.').split('.').map(str::as_bytes))
            {
                bytes.push(u8::try_from(label.len()).unwrap());
                bytes.extend(label);
            }
            bytes.push(0);
            bytes.extend(types);
            if let Some((size, ttl, content, as_cookie)) = opt {
                bytes.extend([0, 0, 41]);
                bytes.extend(size.to_be_bytes());
                bytes.extend(if as_cookie { [0; 4] } else { ttl });
                let option = if as_cookie {
                    [&[0, 10, 0, u8::try_from(content.len()).unwrap()], &content[..]].concat()
                } else {
                    content
                };
                bytes.extend(u16::try_from(option.len()).unwrap().to_be_bytes());
                bytes.extend(option);
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), verdict in verdict()) {
        harmless(&bytes, verdict)?;
    }

    #[test]
    fn nearly_questions(bytes in nearly(), verdict in verdict()) {
        harmless(&bytes, verdict)?;
    }

    #[test]
    fn questions_with_a_bit_flipped_or_cut_off(
        bytes in nearly(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 0..4),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
        verdict in verdict(),
    ) {
        let mut bytes = bytes;
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        harmless(&bytes, verdict)?;
    }
}
