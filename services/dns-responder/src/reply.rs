//! An answer to bytes: EDNS, cookies, size. Pure.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, Metadata, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use crate::answer::{Answer, Class, answer};
use crate::board::Live;
use crate::cookie::{Cookie, Cookies};
use crate::rate_limit::Verdict;
use crate::request::{Request, read, rejection};
use crate::zone::Zone;

/// The longest answer by UDP that no network fragments (dnsflagday.net/2020).
const LONGEST_DATAGRAM: u16 = 1232;
/// Without EDNS (RFC 1035 §4.2.1).
const SHORTEST_LIMIT: u16 = 512;
/// Option code of cookies (RFC 7873 §4).
const COOKIE: u16 = 10;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// From an address that may be forged.
    Udp,
    /// From an address that has answered.
    Tcp,
}

impl Transport {
    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// Everything that an answer depends on besides the question.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'c> {
    /// The zone.
    pub zone: &'c Zone,
    /// What is served.
    pub live: &'c Live,
    /// Cookies, if the operator wants them.
    pub cookies: Option<&'c Cookies>,
    /// How the question came.
    pub transport: Transport,
    /// Where it came from.
    pub from: IpAddr,
    /// The time, in seconds since 1970, modulo 2³².
    pub now: u32,
}

/// What is done with what arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is no question.
    Ignored,
    /// The client's network gets too many such answers.
    Dropped(Class),
    /// Sent in place of such an answer.
    Slipped(Class, Vec<u8>),
    /// An answer.
    Sent(Class, Vec<u8>),
}

impl Reply {
    /// What is sent, if anything.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Ignored | Self::Dropped(_) => None,
            Self::Slipped(_, bytes) | Self::Sent(_, bytes) => Some(bytes),
        }
    }
}

/// Answers what arrived. `limit` says, once for each answer by UDP to an address that may be forged, whether it may be sent.
pub fn reply(bytes: &[u8], about: &Circumstances<'_>, limit: impl FnOnce(Class) -> Verdict) -> Reply {
    let request = match read(bytes) {
        Request::Ignored => return Reply::Ignored,
        Request::Rejected(header) => return rejected(header, about, limit),
        Request::Question(request) => request,
    };
    let (answer, cookie) = judged(&request, about);
    let is_proved = about.transport == Transport::Tcp || matches!(cookie, Some(Cookie::Proved(_)));
    let verdict = if is_proved { Verdict::Send } else { limit(answer.class) };
    let class = answer.class;
    let instead = match (verdict, cookie) {
        (Verdict::Send, _) => return Reply::Sent(class, encode(&request, answer, cookie, about, false)),
        (Verdict::Drop, _) => return Reply::Dropped(class),
        // RFC 7873 §5.2.3 and §5.2.4: the cookie that comes with it is good for the next question.
        (Verdict::Slip, Some(_)) => Answer::bare(class, ResponseCode::BADCOOKIE),
        (Verdict::Slip, None) => Answer::bare(class, ResponseCode::NoError),
    };
    let truncated = cookie.is_none();
    Reply::Slipped(class, encode(&request, instead, cookie, about, truncated))
}

fn rejected(header: [u8; 12], about: &Circumstances<'_>, limit: impl FnOnce(Class) -> Verdict) -> Reply {
    match about.transport {
        Transport::Udp if limit(Class::Malformed) != Verdict::Send => Reply::Dropped(Class::Malformed),
        _ => Reply::Sent(Class::Malformed, header.to_vec()),
    }
}

/// The answer, and the client's cookie.
fn judged(request: &Message, about: &Circumstances<'_>) -> (Answer, Option<Cookie>) {
    let malformed = |code| Answer::bare(Class::Malformed, code);
    if request.version() != 0 {
        return (malformed(ResponseCode::BADVERS), None);
    }
    let cookie = match cookie_of(request, about) {
        None => None,
        Some(Ok(cookie)) => Some(cookie),
        Some(Err(_)) => return (malformed(ResponseCode::FormErr), None),
    };
    match request.queries.first() {
        Some(query) => (answer(about.zone, about.live, query), cookie),
        None => (without_question(cookie), cookie),
    }
}

/// A client that only wants a cookie, or to know whether its own is still good (RFC 7873 §5.4).
fn without_question(cookie: Option<Cookie>) -> Answer {
    match cookie {
        Some(Cookie::Alone(_) | Cookie::Proved(_)) => Answer::bare(Class::NoData, ResponseCode::NoError),
        Some(Cookie::Unproved(_)) => Answer::bare(Class::NoData, ResponseCode::BADCOOKIE),
        None => Answer::bare(Class::Malformed, ResponseCode::FormErr),
    }
}

fn cookie_of(request: &Message, about: &Circumstances<'_>) -> Option<Result<Cookie, crate::cookie::WrongLength>> {
    let cookies = about.cookies?;
    match request.edns.as_ref()?.option(EdnsCode::Cookie)? {
        EdnsOption::Unknown(_, content) => Some(cookies.judge(content, about.from, about.now)),
        _ => None,
    }
}

fn encode(
    request: &Message,
    answer: Answer,
    cookie: Option<Cookie>,
    about: &Circumstances<'_>,
    truncated: bool,
) -> Vec<u8> {
    let mut message = Message::response(request.metadata.id, request.metadata.op_code);
    message.metadata = Metadata::response_from_request(&request.metadata);
    message.metadata.authoritative = answer.authoritative;
    message.metadata.truncation = truncated;
    message.metadata.response_code = answer.code;
    // RFC 4035 §3.1.6.
    message.metadata.checking_disabled = false;
    message.queries.clone_from(&request.queries);
    message.answers = answer.answers;
    message.authorities = answer.authorities;
    message.additionals = answer.additionals;
    message.edns = request.edns.as_ref().map(|theirs| edns(theirs, cookie, about));
    let limit = limit(request, about.transport);
    if let Some(bytes) = fitting(&message, limit).or_else(|| fitting(&message.truncate(), limit)) {
        return bytes;
    }
    // A question that was read can be written.
    let [high, low] = request.metadata.id.to_be_bytes();
    let mut header = [0; 12];
    header[..2].copy_from_slice(&[high, low]);
    rejection(&header, ResponseCode::ServFail).to_vec()
}

fn fitting(message: &Message, limit: usize) -> Option<Vec<u8>> {
    let bytes = message.to_vec().ok()?;
    (bytes.len() <= limit).then_some(bytes)
}

fn limit(request: &Message, transport: Transport) -> usize {
    match transport {
        Transport::Tcp => usize::from(u16::MAX),
        Transport::Udp => usize::from(request.max_payload().clamp(SHORTEST_LIMIT, LONGEST_DATAGRAM)),
    }
}

fn edns(theirs: &Edns, cookie: Option<Cookie>, about: &Circumstances<'_>) -> Edns {
    let mut ours = Edns::new();
    ours.set_max_payload(LONGEST_DATAGRAM);
    // RFC 3225 §3.
    ours.set_dnssec_ok(theirs.flags().dnssec_ok);
    if let (Some(cookie), Some(cookies)) = (cookie, about.cookies) {
        let fresh = cookies.fresh(cookie.client(), about.from, about.now);
        ours.options_mut().insert(EdnsOption::Unknown(COOKIE, fresh.to_vec()));
    }
    ours
}
