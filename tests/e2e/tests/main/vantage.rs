//! A DNS server between the verifiers and challtestsrv. It passes everything on, except for names that a test wants the
//! verifiers to see differently than the CA does, or to fail in a certain way.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// What the verifiers see at a name.
#[derive(Clone)]
pub(crate) enum View {
    /// These TXT values.
    Txt(Vec<String>),
    /// NXDOMAIN.
    NoSuchName,
    /// SERVFAIL.
    ServerFailure,
    /// Nothing comes back.
    Silence,
}

/// The server.
pub(crate) struct Vantage {
    address: SocketAddr,
    views: Arc<Mutex<HashMap<String, View>>>,
    upstream: Arc<OnceLock<SocketAddr>>,
}

const TXT: u16 = 16;

impl Vantage {
    /// Starts it on a thread of its own, because it outlives every test's runtime.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let vantage = Self {
            address: socket.local_addr()?,
            views: Arc::default(),
            upstream: Arc::default(),
        };
        let (views, upstream) = (vantage.views.clone(), vantage.upstream.clone());
        std::thread::spawn(move || serve(&socket, &views, &upstream));
        Ok(vantage)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says where everything else is asked.
    pub(crate) fn ask(&self, upstream: SocketAddr) {
        let _ = self.upstream.set(upstream);
    }

    /// Lets the verifiers see this at a name (not a suffix).
    pub(crate) fn show(&self, name: &str, view: View) {
        self.views.lock().unwrap().insert(name.to_lowercase(), view);
    }

    /// Lets them see what the CA sees again.
    pub(crate) fn clear(&self, name: &str) {
        self.views.lock().unwrap().remove(&name.to_lowercase());
    }
}

fn serve(socket: &UdpSocket, views: &Mutex<HashMap<String, View>>, upstream: &OnceLock<SocketAddr>) {
    let mut buffer = [0_u8; 4096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let query = buffer[..length].to_vec();
        let Some((name, kind, question_end)) = question(&query) else {
            continue;
        };
        let view = views.lock().unwrap().get(&name).cloned();
        match view {
            Some(View::Silence) => {}
            Some(view) => {
                let answer = answer(&query[..question_end], kind, &view);
                let _ = socket.send_to(&answer, from);
            }
            None => {
                let Some(upstream) = upstream.get().copied() else {
                    continue;
                };
                let Ok(socket) = socket.try_clone() else { continue };
                std::thread::spawn(move || pass_on(&query, upstream, &socket, from));
            }
        }
    }
}

fn pass_on(query: &[u8], upstream: SocketAddr, socket: &UdpSocket, from: SocketAddr) {
    let Ok(outside) = UdpSocket::bind("127.0.0.1:0") else {
        return;
    };
    let _ = outside.set_read_timeout(Some(Duration::from_secs(5)));
    let mut buffer = [0_u8; 4096];
    if outside.send_to(query, upstream).is_ok()
        && let Ok(length) = outside.recv(&mut buffer)
    {
        let _ = socket.send_to(&buffer[..length], from);
    }
}

/// Name, type, and where the question ends (RFC 1035 §4.1.2).
fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    Some((labels.join("."), kind, at + 4))
}

fn answer(question: &[u8], kind: u16, view: &View) -> Vec<u8> {
    let (code, values): (u8, &[String]) = match view {
        View::Txt(values) if kind == TXT => (0, values),
        View::Txt(_) | View::Silence => (0, &[]),
        View::NoSuchName => (3, &[]),
        View::ServerFailure => (2, &[]),
    };
    let mut message = question.to_vec();
    message[2] = 0x84 | (question[2] & 1);
    message[3] = 0x80 | code;
    message[4..6].copy_from_slice(&1_u16.to_be_bytes());
    message[6..8].copy_from_slice(&u16::try_from(values.len()).unwrap().to_be_bytes());
    message[8..12].fill(0);
    for value in values {
        message.extend([0xc0, 12]);
        message.extend(TXT.to_be_bytes());
        message.extend(1_u16.to_be_bytes());
        message.extend(0_u32.to_be_bytes());
        let chunks: Vec<&[u8]> = value.as_bytes().chunks(255).collect();
        let length = value.len() + chunks.len();
        message.extend(u16::try_from(length).unwrap().to_be_bytes());
        for chunk in chunks {
            message.push(u8::try_from(chunk.len()).unwrap());
            message.extend(chunk);
        }
    }
    message
}
