//! One query to one server: UDP, then TCP when the response doesn't fit (RFC 7766).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use hickory_resolver::proto::op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, MessageType, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use telemetry::Call;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// A query.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) kind: RecordType,
    pub(super) asking: Asking,
}

/// How the server should process a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// Return only its own data.
    FirstHand,
    /// Resolve the name recursively (RD), and report whether it has validated the signatures (AD in a query, RFC 6840
    /// §5.7).
    Recursive,
    /// Resolve the name recursively without validating the signatures (CD, RFC 4035 §3.2.2).
    Unchecked,
}

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Silence {
    TimedOut,
    Unreachable(String),
    Garbled,
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::TimedOut,
            kind => Self::Unreachable(kind.to_string()),
        }
    }
}

/// Sends the query once, and waits for the response for at most `limit`.
pub(super) async fn ask(server: SocketAddr, question: &Question, limit: Duration) -> Result<Message, Silence> {
    let whole = async {
        let answer = once(server, question, true).await?;
        if !may_be_confused(&answer) {
            return Ok(answer);
        }
        // The response without EDNS counts when it is better; a missing one doesn't.
        match timeout(limit / 2, once(server, question, false)).await {
            Ok(Ok(plain)) if !may_be_confused(&plain) => Ok(plain),
            _ => Ok(answer),
        }
    };
    counted(question, limit, whole).await
}

/// Servers that don't support EDNS respond with one of these codes (RFC 6891 §6.2.2 and §7, RFC 2671 §5.3), some of
/// them with the query's OPT record.
fn may_be_confused(answer: &Message) -> bool {
    matches!(
        answer.metadata.response_code,
        ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::ServFail | ResponseCode::BADVERS
    )
}

/// Repeats the query to a server that did not respond: without EDNS, which some servers drop (RFC 6891 §6.2.2), and
/// concurrently by TCP, since UDP may be blocked.
pub(super) async fn ask_again(server: SocketAddr, question: &Question, limit: Duration) -> Result<Message, Silence> {
    let whole = async {
        let by_udp = pin!(once(server, question, false));
        let by_tcp = pin!(framed(server, question, false));
        match select(by_udp, by_tcp).await {
            Either::Left((Ok(answer), _)) | Either::Right((Ok(answer), _)) => Ok(answer),
            Either::Left((Err(_), by_tcp)) => by_tcp.await,
            Either::Right((Err(_), by_udp)) => by_udp.await,
        }
    };
    counted(question, limit, whole).await
}

/// Sends the query once, by TCP only.
pub(super) async fn ask_by_tcp(server: SocketAddr, question: &Question, limit: Duration) -> Result<Message, Silence> {
    counted(question, limit, framed(server, question, true)).await
}

async fn counted(
    question: &Question,
    limit: Duration,
    whole: impl Future<Output = Result<Message, Silence>>,
) -> Result<Message, Silence> {
    let call = Call::begin("dns", question.kind.to_string());
    let answer = timeout(limit, whole).await.unwrap_or(Err(Silence::TimedOut));
    match &answer {
        Ok(answer) => call.ended(answer.metadata.response_code.to_str()),
        Err(Silence::TimedOut) => call.ended("timeout"),
        Err(_) => call.ended("lost"),
    }
    answer
}

async fn once(server: SocketAddr, question: &Question, edns: bool) -> Result<Message, Silence> {
    let query = query(question, edns);
    let bytes = query.to_vec().map_err(|_| Silence::Garbled)?;
    let answer = by_udp(server, &query, &bytes).await?;
    if answer.metadata.truncation {
        by_tcp(server, &query, &bytes).await
    } else {
        Ok(answer)
    }
}

/// A new message with its own random id (RFC 5452 §9.2).
fn query(question: &Question, edns: bool) -> Message {
    let mut message = Message::query();
    let recursive = question.asking != Asking::FirstHand;
    message.metadata.recursion_desired = recursive;
    message.metadata.authentic_data = recursive;
    message.metadata.checking_disabled = question.asking == Asking::Unchecked;
    message.add_query(Query::query(question.name.clone(), question.kind));
    if edns {
        let mut edns = Edns::new();
        edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN);
        message.set_edns(edns);
    }
    message
}

async fn by_udp(server: SocketAddr, query: &Message, bytes: &[u8]) -> Result<Message, Silence> {
    let any = match server.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    // A separate socket for each query gives a random port, and a connected socket accepts datagrams from its peer
    // only.
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let datagram = &buffer[..length];
        match Message::from_vec(datagram) {
            Ok(answer) if answers(&answer, query) => return Ok(answer),
            Err(_) if datagram.starts_with(&query.metadata.id.to_be_bytes()) => {
                return Err(Silence::Garbled);
            }
            // A forged or late datagram: the genuine response may still arrive.
            Ok(_) | Err(_) => {}
        }
    }
}

async fn framed(server: SocketAddr, question: &Question, edns: bool) -> Result<Message, Silence> {
    let query = query(question, edns);
    let bytes = query.to_vec().map_err(|_| Silence::Garbled)?;
    by_tcp(server, &query, &bytes).await
}

async fn by_tcp(server: SocketAddr, query: &Message, bytes: &[u8]) -> Result<Message, Silence> {
    let length = u16::try_from(bytes.len()).map_err(|_| Silence::Garbled)?;
    let framed = [&length.to_be_bytes(), bytes].concat();
    let response = match by_connection(server, &framed).await {
        // RFC 7766 §6.2.4: a client should repeat its query. NSD's processes, for instance, end with the zone that they had,
        // and others accept the next connection.
        Err(error) if is_closed(&error) => by_connection(server, &framed).await,
        response => response,
    };
    match Message::from_vec(&response?) {
        Ok(answer) if answers(&answer, query) => Ok(answer),
        Ok(_) | Err(_) => Err(Silence::Garbled),
    }
}

async fn by_connection(server: SocketAddr, framed: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(framed).await?;
    let length = stream.read_u16().await?;
    let mut response = vec![0; usize::from(length)];
    stream.read_exact(&mut response).await?;
    Ok(response)
}

/// Whether the server accepted the connection, and closed it before its response.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
    )
}

/// Whether the message responds to this query (RFC 5452 §9.1); an error response may lack the question section.
fn answers(answer: &Message, query: &Message) -> bool {
    let same_question = match (answer.queries.as_slice(), query.queries.as_slice()) {
        ([], _) => answer.metadata.response_code != ResponseCode::NoError,
        ([theirs], [ours]) => theirs.name == ours.name && theirs.query_type == ours.query_type,
        _ => false,
    };
    answer.metadata.id == query.metadata.id && answer.metadata.message_type == MessageType::Response && same_question
}
