//! What questions are answered with: a message in, a message out.
#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use dns_responder::board::{Board, Freshness};
use dns_responder::rate_limit::Verdict;
use dns_responder::reply::{Reply, Transport};
use dns_responder::responder::Responder;
use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use support::{APEX, TARGET, World};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn question(text: &str, record_type: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(name(text), record_type));
    message
}

fn asked(world: &World, text: &str, record_type: RecordType) -> Message {
    world.ask(&question(text, record_type))
}

fn target() -> String {
    format!("{TARGET}.{APEX}")
}

/// An empty answer has the SOA record, from which resolvers take how long to remember it.
fn is_negative(answer: &Message, code: ResponseCode) {
    assert_eq!(answer.metadata.response_code, code, "{answer}");
    assert!(answer.metadata.authoritative && answer.answers.is_empty(), "{answer}");
    let [soa] = &answer.authorities[..] else {
        panic!("{answer}")
    };
    let RData::SOA(data) = &soa.data else {
        panic!("{answer}")
    };
    assert_eq!((soa.ttl, data.minimum), (5, 5));
    assert_eq!(soa.name.to_lowercase(), name(APEX));
}

#[test]
fn a_target_has_its_values_and_nothing_else() {
    let world = World::new();
    let answer = asked(&world, &target(), RecordType::TXT);
    assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    assert!(answer.metadata.authoritative && !answer.metadata.recursion_available);
    let texts: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
    assert_eq!(texts, [support::VALUES[0], support::VALUES[1]]);
    assert!(answer.answers.iter().all(|record| record.ttl == 5));
    for record_type in [
        RecordType::A,
        RecordType::NS,
        RecordType::CNAME,
        RecordType::CAA,
        RecordType::DNSKEY,
        RecordType::Unknown(65_280),
    ] {
        is_negative(&asked(&world, &target(), record_type), ResponseCode::NoError);
    }
}

#[test]
fn a_target_without_values_exists_and_a_name_that_nobody_was_given_does_not() {
    let world = World::new();
    is_negative(
        &asked(&world, &format!("resting.{APEX}"), RecordType::TXT),
        ResponseCode::NoError,
    );
    is_negative(
        &asked(&world, &format!("nobodys.{APEX}"), RecordType::TXT),
        ResponseCode::NXDomain,
    );
    is_negative(
        &asked(&world, &format!("below.{}", target()), RecordType::TXT),
        ResponseCode::NXDomain,
    );
    is_negative(
        &asked(&world, &format!("*.{APEX}"), RecordType::TXT),
        ResponseCode::NXDomain,
    );
}

#[test]
fn a_name_with_names_below_it_exists() {
    let world = World::new();
    is_negative(
        &asked(&world, &format!("deep.{APEX}"), RecordType::A),
        ResponseCode::NoError,
    );
    is_negative(
        &asked(&world, &format!("inner.{APEX}"), RecordType::NS),
        ResponseCode::NoError,
    );
    let below = asked(&world, &format!("of.inner.{APEX}"), RecordType::TXT);
    assert_eq!(below.answers.len(), 1);
}

#[test]
fn the_zone_names_itself_its_servers_and_their_addresses() {
    let world = World::new();
    let soa = asked(&world, APEX, RecordType::SOA);
    let RData::SOA(data) = &soa.answers[0].data else {
        panic!("{soa}")
    };
    assert_eq!((data.serial, data.minimum), (7, 5));
    assert_eq!(data.mname, name(&format!("ns1.{APEX}")));
    let ns = asked(&world, APEX, RecordType::NS);
    assert_eq!((ns.answers.len(), ns.additionals.len()), (3, 3), "{ns}");
    let addresses = asked(&world, &format!("ns1.{APEX}"), RecordType::AAAA);
    assert_eq!(addresses.answers[0].data.to_string(), "2001:db8::1");
    assert_eq!(asked(&world, &format!("ns1.{APEX}"), RecordType::A).answers.len(), 1);
    is_negative(
        &asked(&world, &format!("ns1.{APEX}"), RecordType::TXT),
        ResponseCode::NoError,
    );
    is_negative(&asked(&world, APEX, RecordType::TXT), ResponseCode::NoError);
    assert_eq!(
        asked(&world, &format!("ns3.deep.{APEX}"), RecordType::A).answers.len(),
        1
    );
}

#[test]
fn the_questions_spelling_stays_and_makes_no_difference() {
    let world = World::new();
    let mixed = target().replace("ab", "aB").replace("example", "eXaMpLe");
    let answer = asked(&world, &mixed, RecordType::TXT);
    assert_eq!(answer.answers.len(), 2);
    assert!(answer.queries[0].name().eq_case(&name(&mixed)), "{answer}");
    assert!(answer.answers[0].name.eq_case(&name(&mixed)), "{answer}");
}

#[test]
fn what_is_not_ours_or_not_for_everybody_is_refused() {
    let world = World::new();
    for (text, record_type) in [
        ("www.example.com.", RecordType::A),
        (".", RecordType::NS),
        ("platform.example.", RecordType::SOA),
        ("xacme.platform.example.", RecordType::SOA),
        (APEX, RecordType::AXFR),
        (APEX, RecordType::IXFR),
    ] {
        let answer = asked(&world, text, record_type);
        assert_eq!(
            answer.metadata.response_code,
            ResponseCode::Refused,
            "{text} {record_type}"
        );
        assert!(
            !answer.metadata.authoritative && answer.authorities.is_empty(),
            "{answer}"
        );
    }
    let mut chaos = question("version.bind.", RecordType::TXT);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(world.ask(&chaos).metadata.response_code, ResponseCode::Refused);
    let mut ours = question(&target(), RecordType::TXT);
    ours.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(world.ask(&ours).metadata.response_code, ResponseCode::Refused);
}

#[test]
fn any_gets_the_short_answer_of_rfc_8482() {
    let world = World::new();
    let answer = asked(&world, &target(), RecordType::ANY);
    let [record] = &answer.answers[..] else {
        panic!("{answer}")
    };
    assert!(matches!(&record.data, RData::HINFO(hinfo) if &*hinfo.cpu == b"RFC8482" && hinfo.os.is_empty()));
    is_negative(
        &asked(&world, &format!("resting.{APEX}"), RecordType::ANY),
        ResponseCode::NoError,
    );
    is_negative(
        &asked(&world, &format!("nobodys.{APEX}"), RecordType::ANY),
        ResponseCode::NXDomain,
    );
}

#[test]
fn what_is_no_question_gets_silence_and_what_is_no_good_one_a_header() {
    let world = World::new();
    let bytes = question(&target(), RecordType::TXT).to_vec().unwrap();
    for length in 0..12 {
        assert_eq!(world.reply(&bytes[..length]), Reply::Ignored, "{length}");
    }
    let mut answer = bytes.clone();
    answer[2] |= 0x80;
    assert_eq!(world.reply(&answer), Reply::Ignored);
    answer.truncate(14);
    assert_eq!(world.reply(&answer), Reply::Ignored, "nor is a broken answer");

    let code = |bytes: &[u8]| {
        let reply = world.reply(bytes);
        let bytes = reply.bytes().unwrap();
        assert_eq!(bytes.len(), 12);
        assert_eq!(bytes[2] & 0x80, 0x80);
        bytes[3] & 0xf
    };
    assert_eq!(code(&bytes[..bytes.len() - 1]), 1, "cut off");
    for count in [0, 2] {
        let mut several = bytes.clone();
        several[5] = count;
        several.extend_from_slice(&bytes[12..]);
        assert_eq!(code(&several), 1, "{count} questions");
    }
    for opcode in [OpCode::Status, OpCode::Notify, OpCode::Update, OpCode::Unknown(9)] {
        let mut other = bytes.clone();
        other[2] = u8::from(opcode) << 3;
        assert_eq!(code(&other), 4, "{opcode}");
    }
}

#[test]
fn a_datagram_from_port_0_is_not_answered() {
    let board = Arc::new(Board::new(Duration::from_secs(60)));
    board.set(support::names());
    let responder = Responder::new(support::zone(), board, None, None);
    let bytes = question(&target(), RecordType::TXT).to_vec().unwrap();
    for (from, answered) in [("192.0.2.1:0", false), ("192.0.2.1:1024", true)] {
        let answer = responder.answer(&bytes, from.parse().unwrap(), Transport::Udp);
        assert_eq!(answer.is_some(), answered, "{from}");
    }
}

#[test]
fn edns_is_answered_with_edns_and_no_answer_is_longer_than_what_arrives_in_one_piece() {
    let world = World::new();
    assert_eq!(asked(&world, &target(), RecordType::TXT).edns, None);
    for (offered, expected) in [
        (None, 512),
        (Some(512), 512),
        (Some(800), 800),
        (Some(4096), 1232),
        (Some(0), 512),
    ] {
        let mut question = question(&format!("many.{APEX}"), RecordType::TXT);
        if let Some(size) = offered {
            let mut edns = Edns::new();
            edns.set_dnssec_ok(true);
            edns.set_max_payload(size);
            question.set_edns(edns);
        }
        let bytes = world.reply(&question.to_vec().unwrap()).bytes().unwrap().to_vec();
        assert!(bytes.len() <= expected, "{offered:?}: {}", bytes.len());
        let answer = Message::from_vec(&bytes).unwrap();
        assert!(answer.metadata.truncation && answer.answers.is_empty(), "{answer}");
        assert_eq!(answer.edns.is_some(), offered.is_some());
        assert!(
            answer
                .edns
                .is_none_or(|edns| edns.flags().dnssec_ok && edns.max_payload() == 1232)
        );
        let by_tcp = world.by(Transport::Tcp).ask(&question);
        assert_eq!(by_tcp.answers.len(), 30);
        assert!(!by_tcp.metadata.truncation);
    }
}

#[test]
fn another_version_of_edns_is_told_ours() {
    let world = World::new();
    let mut question = question(&target(), RecordType::TXT);
    let mut edns = Edns::new();
    edns.set_version(1);
    question.set_edns(edns);
    let answer = world.ask(&question);
    assert_eq!(u16::from(answer.metadata.response_code), 16);
    assert_eq!(answer.edns.map(|edns| edns.version()), Some(0));
    assert!(answer.answers.is_empty());
}

#[test]
fn before_it_was_read_nothing_is_said_and_when_it_is_old_only_what_is_known() {
    let unread = World::new().with_freshness(Freshness::Unread);
    for text in [APEX.to_owned(), target(), format!("nobodys.{APEX}")] {
        let answer = asked(&unread, &text, RecordType::TXT);
        assert_eq!(answer.metadata.response_code, ResponseCode::ServFail, "{text}");
    }
    let old = World::new().with_freshness(Freshness::Old);
    assert_eq!(asked(&old, &target(), RecordType::TXT).answers.len(), 2);
    assert_eq!(asked(&old, APEX, RecordType::SOA).answers.len(), 1);
    is_negative(&asked(&old, &target(), RecordType::A), ResponseCode::NoError);
    for text in ["resting", "nobodys"] {
        let answer = asked(&old, &format!("{text}.{APEX}"), RecordType::TXT);
        assert_eq!(answer.metadata.response_code, ResponseCode::ServFail, "{text}");
    }
}

#[test]
fn a_network_beyond_its_limit_is_led_to_tcp_or_given_a_cookie_and_who_has_one_is_not_limited() {
    let world = World::new();
    let question = question(&target(), RecordType::TXT).to_vec().unwrap();
    let slipped = world.limited(&question, Verdict::Slip);
    let Reply::Slipped(_, bytes) = &slipped else {
        panic!("{slipped:?}")
    };
    let answer = Message::from_vec(bytes).unwrap();
    assert!(answer.metadata.truncation && answer.answers.is_empty());
    assert!(bytes.len() <= question.len());
    assert!(matches!(world.limited(&question, Verdict::Drop), Reply::Dropped(_)));
    let by_tcp = world.by(Transport::Tcp);
    assert!(matches!(by_tcp.limited(&question, Verdict::Drop), Reply::Sent(..)));

    let mine = support::with_cookie(&target(), &[7; 8]);
    let refused = Message::from_vec(world.limited(&mine, Verdict::Slip).bytes().unwrap()).unwrap();
    assert_eq!(u16::from(refused.metadata.response_code), 23, "BADCOOKIE");
    let cookie = support::cookie_of(&refused).unwrap();
    assert_eq!((cookie.len(), &cookie[..8]), (24, &[7; 8][..]));
    let proved = support::with_cookie(&target(), &cookie);
    let Reply::Sent(_, bytes) = world.limited(&proved, Verdict::Drop) else {
        panic!()
    };
    let answer = Message::from_vec(&bytes).unwrap();
    assert_eq!(answer.answers.len(), 2);
    assert!(support::cookie_of(&answer).is_some());
    assert!(matches!(
        world.from("192.0.2.99").limited(&proved, Verdict::Drop),
        Reply::Dropped(_)
    ));
    let wrong = support::with_cookie(&target(), &[7; 9]);
    let answer = Message::from_vec(world.reply(&wrong).bytes().unwrap()).unwrap();
    assert_eq!(answer.metadata.response_code, ResponseCode::FormErr);
}

/// How many times as long as the question the answer by UDP is, at most the limit of its EDNS.
fn factor(world: &World, mut question: Message, edns: bool) -> f64 {
    if edns {
        let mut edns = Edns::new();
        edns.set_max_payload(4096);
        question.set_edns(edns);
    }
    let question = question.to_vec().unwrap();
    let answer = world.reply(&question).bytes().unwrap().len();
    assert!(answer <= if edns { 1232 } else { 512 }, "{answer}");
    answer as f64 / question.len() as f64
}

#[test]
fn a_question_for_a_cookie_alone_gets_one() {
    let world = World::new();
    let ask = |cookie: Option<&[u8]>| {
        let mut bytes = match cookie {
            Some(cookie) => support::with_cookie(".", cookie),
            None => {
                let mut message = question(".", RecordType::TXT);
                message.set_edns(Edns::new());
                message.to_vec().unwrap()
            }
        };
        // Without the question for the root.
        bytes[5] = 0;
        bytes.drain(12..17);
        Message::from_vec(world.reply(&bytes).bytes().unwrap()).unwrap()
    };
    let first = ask(Some(&[7; 8]));
    assert_eq!(first.metadata.response_code, ResponseCode::NoError);
    assert!(first.queries.is_empty() && first.answers.is_empty(), "{first}");
    let cookie = support::cookie_of(&first).unwrap();
    let good = ask(Some(&cookie));
    assert_eq!(good.metadata.response_code, ResponseCode::NoError);
    assert_eq!(support::cookie_of(&good), Some(cookie));
    let bad = ask(Some(&[7; 24]));
    assert_eq!(u16::from(bad.metadata.response_code), 23, "BADCOOKIE");
    assert!(support::cookie_of(&bad).is_some());
    assert_eq!(ask(None).metadata.response_code, ResponseCode::FormErr);
}

#[test]
fn answers_are_as_long_as_what_the_zone_has_and_never_longer_than_edns_allows() {
    let world = World::new();
    let (mut longest, mut which) = (0.0, String::new());
    for text in [
        target(),
        format!("nobodys.{APEX}"),
        format!("resting.{APEX}"),
        APEX.to_owned(),
    ] {
        for record_type in [
            RecordType::TXT,
            RecordType::ANY,
            RecordType::NS,
            RecordType::SOA,
            RecordType::DNSKEY,
        ] {
            for edns in [false, true] {
                let factor = factor(&world, question(&text, record_type), edns);
                if factor > longest {
                    (longest, which) = (factor, format!("{text} {record_type} {edns}"));
                }
            }
        }
    }
    assert!(longest < 4.5, "three name servers, two values: {which}: {longest}");
    // With many values at a name nothing but its length bounds an answer.
    let many = |edns| factor(&world, question(&format!("full.{APEX}"), RecordType::TXT), edns);
    assert!(many(true) > 20.0, "{}", many(true));
    assert!(many(false) <= 1.0, "{}", many(false));
}
