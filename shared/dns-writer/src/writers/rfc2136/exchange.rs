//! One signed request over TCP, and its responses (RFC 7766 §8: each message has its length before it).

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hickory_proto::op::Message;
use pipeline::reason::DnsWriteProblem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::Writer;
use super::response::Request;

/// Time limit of a connection to one address: the next one may be reachable (IPv6 without a route).
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// A request that was sent.
pub(super) struct Exchange<'a> {
    writer: &'a Writer,
    request: Request,
    stream: TcpStream,
    received: usize,
}

impl<'a> Exchange<'a> {
    /// Signs the message, connects, and sends it.
    pub(super) async fn begin(writer: &'a Writer, mut message: Message) -> Result<Self, DnsWriteProblem> {
        let request = Request::sign(&writer.signer, &mut message, now()).map_err(|why| writer.failed(why))?;
        let framed = framed(&message).map_err(|why| writer.failed(why))?;
        let sent = async {
            let mut stream = connect(&writer.server).await?;
            stream.write_all(&framed).await?;
            Ok(stream)
        };
        let stream = sent.await.map_err(|error| lost(writer, &error))?;
        Ok(Self {
            writer,
            request,
            stream,
            received: 0,
        })
    }

    /// The next response, verified.
    pub(super) async fn next(&mut self) -> Result<Message, DnsWriteProblem> {
        let bytes = self.frame().await.map_err(|error| lost(self.writer, &error))?;
        self.received += bytes.len();
        self.request.response(self.writer, &bytes)
    }

    /// The bytes received so far.
    pub(super) fn received(&self) -> usize {
        self.received
    }

    async fn frame(&mut self) -> io::Result<Vec<u8>> {
        let length = self.stream.read_u16().await?;
        let mut bytes = vec![0; usize::from(length)];
        self.stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }
}

/// Connects to the first of the server's addresses that accepts.
async fn connect(server: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::other("its name has no address");
    for address in lookup_host(server).await? {
        match timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::other(format!("{} accepts no connection", address.ip())),
        }
    }
    Err(last)
}

fn framed(message: &Message) -> Result<Vec<u8>, String> {
    let bytes = message.to_vec().map_err(|error| error.to_string())?;
    let length = u16::try_from(bytes.len()).map_err(|_| "the request is longer than a DNS message".to_owned())?;
    Ok([&length.to_be_bytes(), bytes.as_slice()].concat())
}

fn lost(writer: &Writer, error: &io::Error) -> DnsWriteProblem {
    writer.unreachable(match error.kind() {
        io::ErrorKind::UnexpectedEof => "it closed the connection without a response".to_owned(),
        _ => error.to_string(),
    })
}

/// Seconds since 1970, as TSIG counts them (RFC 8945 §4.2).
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
