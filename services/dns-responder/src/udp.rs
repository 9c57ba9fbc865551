//! Questions by UDP, each answered in place: no task and no queue for a flood to fill.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::reply::Transport;
use crate::request::LONGEST;
use crate::responder::Responder;

/// After an error of the socket.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers forever.
pub async fn serve(socket: &UdpSocket, responder: &Arc<Responder>) {
    // The rest of a longer datagram is cut off, which makes it unreadable.
    let mut buffer = vec![0; LONGEST];
    loop {
        let (length, from) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                tracing::warn!(%error, "a datagram can't be received");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(answer) = responder.answer(&buffer[..length], from, Transport::Udp) else {
            continue;
        };
        // When the kernel's queue is full, the answer is lost like any datagram, and the resolver asks again.
        if let Err(error) = socket.try_send_to(&answer, from) {
            metrics::counter!("dns_answers_unsent_total").increment(1);
            tracing::debug!(%error, %from, "an answer can't be sent");
        }
    }
}
