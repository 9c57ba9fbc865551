//! A DNS server that is far away: it passes each question on to the stack's own, and the answer back once a round trip
//! has passed since the question came. By threads of its own, so that what is measured can't keep it from reading: a
//! question that is lost costs its sender seconds.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use socket2::SockRef;

/// The most questions that the stack's server has at the same time, as many as fit into a socket's buffer.
const AT_ONCE: u16 = 100;
/// The bytes of questions that wait to be read, as far as the system allows: many processes ask at the same time on few processors.
const BUFFER: usize = 4 * 1024 * 1024;
/// A question that was not answered in this time is forgotten when there is no room for another one.
const FORGOTTEN: Duration = Duration::from_secs(1);
/// No message of these tests is longer.
const LONGEST: usize = 4096;

/// The server; it runs until the program ends.
pub(crate) struct FarDns {
    socket: UdpSocket,
    address: SocketAddr,
    round_trip_ms: Arc<AtomicU64>,
}

/// A message on its way to or from the stack's server.
struct Message {
    bytes: Vec<u8>,
    from: SocketAddr,
    /// When the answer is to be there.
    due: Instant,
}

/// Who asked, by the id that the question has at the stack's server.
type Asked = Arc<Mutex<Vec<Option<Pending>>>>;

/// A question without its bytes.
struct Pending {
    id: [u8; 2],
    from: SocketAddr,
    due: Instant,
}

impl FarDns {
    /// Chooses its address; questions wait until [`Self::serve`].
    ///
    /// # Errors
    /// When there is no free port.
    pub(crate) fn bind() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        SockRef::from(&socket).set_recv_buffer_size(BUFFER)?;
        Ok(Self {
            address: socket.local_addr()?,
            socket,
            round_trip_ms: Arc::default(),
        })
    }

    /// Where it is asked.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How far away it is, for questions that come from now on.
    pub(crate) fn set_round_trip(&self, ms: u64) {
        self.round_trip_ms.store(ms, Ordering::Relaxed);
    }

    /// Passes questions on to this server.
    ///
    /// # Errors
    /// When the sockets can't be made.
    pub(crate) fn serve(&self, server: SocketAddr) -> io::Result<()> {
        let inside = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        inside.connect(server)?;
        let asked: Asked = Arc::new(Mutex::new((0..AT_ONCE).map(|_| None).collect()));
        let (questions, to_ask) = channel();
        let (room, free) = channel();
        let (answers, to_deliver) = channel();
        for id in 0..AT_ONCE {
            // Its receiver is in this function.
            let _ = room.send(id);
        }
        let (outside, round_trip_ms) = (self.socket.try_clone()?, self.round_trip_ms.clone());
        spawn(move || receive(&outside, &round_trip_ms, &questions));
        let (socket, pending) = (inside.try_clone()?, asked.clone());
        spawn(move || ask(&socket, &pending, &to_ask, &free));
        spawn(move || take_answers(&inside, &asked, &room, &answers));
        let outside = self.socket.try_clone()?;
        spawn(move || deliver(&outside, &to_deliver));
        Ok(())
    }
}

fn receive(socket: &UdpSocket, round_trip_ms: &AtomicU64, questions: &Sender<Message>) {
    let mut buffer = [0_u8; LONGEST];
    loop {
        // An error is that of an earlier answer, whose asker is gone.
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let due = Instant::now() + Duration::from_millis(round_trip_ms.load(Ordering::Relaxed));
        let bytes = buffer[..length].to_vec();
        if questions.send(Message { bytes, from, due }).is_err() {
            return;
        }
    }
}

fn ask(socket: &UdpSocket, asked: &Asked, questions: &Receiver<Message>, free: &Receiver<u16>) {
    let mut oldest = 0;
    while let Ok(mut question) = questions.recv() {
        let id = free.recv_timeout(FORGOTTEN).unwrap_or_else(|_| {
            oldest = (oldest + 1) % AT_ONCE;
            oldest
        });
        let Some(theirs) = set_id(&mut question.bytes, id.to_be_bytes()) else {
            continue;
        };
        let pending = Pending {
            id: theirs,
            from: question.from,
            due: question.due,
        };
        if let Some(place) = asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(usize::from(id))
        {
            *place = Some(pending);
        }
        let _ = socket.send(&question.bytes);
    }
}

fn take_answers(socket: &UdpSocket, asked: &Asked, room: &Sender<u16>, answers: &Sender<Message>) {
    let mut buffer = [0_u8; LONGEST];
    loop {
        let Ok(length) = socket.recv(&mut buffer) else {
            continue;
        };
        let mut bytes = buffer[..length].to_vec();
        let Some(id) = set_id(&mut bytes, [0, 0]).map(u16::from_be_bytes) else {
            continue;
        };
        let mut places = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pending) = places.get_mut(usize::from(id)).and_then(Option::take) else {
            continue;
        };
        drop(places);
        let _ = set_id(&mut bytes, pending.id);
        let Pending { from, due, .. } = pending;
        if room.send(id).is_err() || answers.send(Message { bytes, from, due }).is_err() {
            return;
        }
    }
}

/// In the order in which the answers came: all of them take as long.
fn deliver(socket: &UdpSocket, answers: &Receiver<Message>) {
    while let Ok(answer) = answers.recv() {
        sleep(answer.due.saturating_duration_since(Instant::now()));
        // Who has asked may have got another answer that is enough, and be gone.
        let _ = socket.send_to(&answer.bytes, answer.from);
    }
}

/// Returns the id that the message had; none: it is no message.
fn set_id(message: &mut [u8], id: [u8; 2]) -> Option<[u8; 2]> {
    let place = message.first_chunk_mut::<2>()?;
    Some(std::mem::replace(place, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gets_its_own_answer_after_the_round_trip() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let far = FarDns::bind().unwrap();
        far.set_round_trip(30);
        far.serve(server.local_addr().unwrap()).unwrap();
        let asker = |id: u8| {
            let asker = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            asker.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            asker.send_to(&[7, id, id], far.address()).unwrap();
            asker
        };
        let began = Instant::now();
        let askers = [asker(1), asker(2)];
        let mut buffer = [0; 16];
        for _ in 0..2 {
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            server.send_to(&buffer[..length], from).unwrap();
        }
        for (asker, id) in askers.iter().zip([1, 2]) {
            let length = asker.recv(&mut buffer).unwrap();
            assert_eq!(buffer[..length], [7, id, id]);
        }
        assert!(began.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn what_is_too_short_is_no_message() {
        assert_eq!(set_id(&mut [1], [0, 5]), None);
        let mut message = [1, 2, 3];
        assert_eq!(set_id(&mut message, [0, 5]), Some([1, 2]));
        assert_eq!(message, [0, 5, 3]);
    }
}
