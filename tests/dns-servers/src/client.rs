//! A DNS client: one question to one server.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The name, with or without a trailing dot.
    pub name: &'q str,
    /// The type of the records.
    pub kind: RecordType,
    /// Whether a resolver should find the answer.
    pub recursive: bool,
}

impl<'q> Question<'q> {
    /// A question to a server of the name's own zone.
    pub fn new(name: &'q str, kind: RecordType) -> Self {
        Self {
            name,
            kind,
            recursive: false,
        }
    }

    /// Asks by UDP, once.
    pub fn by_udp(self, server: SocketAddr) -> io::Result<Message> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(server)?;
        socket.send(&self.message())?;
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer)?;
        Message::from_vec(&buffer[..length]).map_err(io::Error::other)
    }

    /// Asks by TCP, once.
    pub fn by_tcp(self, server: SocketAddr) -> io::Result<Message> {
        let bytes = self.message();
        let mut stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&[&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes.as_slice()].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut bytes)?;
        Message::from_vec(&bytes).map_err(io::Error::other)
    }

    fn message(self) -> Vec<u8> {
        let name = format!("{}.", self.name.trim_end_matches('.'));
        let mut query = Message::query();
        query.metadata.recursion_desired = self.recursive;
        query.add_query(Query::query(Name::from_ascii(name).unwrap(), self.kind));
        query.to_vec().unwrap()
    }
}

/// The TXT values in a response.
pub fn texts(response: &Message) -> BTreeSet<String> {
    let value = |data: &RData| match data {
        RData::TXT(text) => Some(String::from_utf8(text.txt_data.concat()).unwrap()),
        _ => None,
    };
    response
        .answers
        .iter()
        .filter_map(|record| value(&record.data))
        .collect()
}

/// Whether the response has the records that were asked for.
pub fn has_records(response: &Message) -> bool {
    response.metadata.response_code == ResponseCode::NoError && !response.answers.is_empty()
}

/// Whether the server closed the connection without a response. NSD does so when it has taken over a zone: the processes that had the old
/// one end, and read no more queries (NSD 4.6.1, server.c: `service_remaining_tcp`, `handle_tcp_reading`).
pub fn closed_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
    )
}
