//! A connection whose client has to keep sending and to keep reading.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a client may take for each part of a request.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// For the very first byte.
    pub(crate) first_byte: Duration,
    /// For a request's head, from its first byte.
    pub(crate) head: Duration,
    /// Between two requests.
    pub(crate) idle: Duration,
}

/// What a connection is waiting for: set by the code that reads bytes and by the code that serves requests. A change wakes nobody:
/// that would cost more than the rest of a request, three times in each.
#[derive(Default)]
pub(crate) struct Pulse {
    now: Mutex<Stage>,
}

/// Each with the time since when.
#[derive(Clone, Copy)]
enum Stage {
    Silent(Instant),
    Head(Instant),
    AtWork,
    Idle(Instant),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Silent(Instant::now())
    }
}

impl Pulse {
    /// A head is complete. Its body has a time limit of its own.
    pub(crate) fn at_work(&self) {
        self.is(Stage::AtWork);
    }

    /// A response is complete.
    pub(crate) fn idle(&self) {
        self.is(Stage::Idle(Instant::now()));
    }

    pub(crate) fn is_at_work(&self) -> bool {
        matches!(self.now(), Stage::AtWork)
    }

    /// Resolves when the client has exceeded a limit.
    pub(crate) async fn overdue(&self, patience: &Patience) {
        loop {
            let now = Instant::now();
            // What begins from now on can't be overdue before that.
            let next = now + patience.head.min(patience.idle);
            let until = match self.now() {
                Stage::Silent(since) => since + patience.first_byte,
                Stage::Head(since) => since + patience.head,
                Stage::Idle(since) => since + patience.idle,
                Stage::AtWork => next,
            };
            if until <= now {
                return;
            }
            sleep_until(until.min(next)).await;
        }
    }

    /// Bytes arrived.
    fn heard(&self) {
        if matches!(self.now(), Stage::Silent(_) | Stage::Idle(_)) {
            self.is(Stage::Head(Instant::now()));
        }
    }

    fn now(&self) -> Stage {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, stage: Stage) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}

/// Reports received bytes to its [`Pulse`], and fails when nothing could be written for `patience`.
pub(crate) struct Paced {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    patience: Duration,
    stalled: Pin<Box<Sleep>>,
    waiting: bool,
}

impl Paced {
    pub(crate) fn new(stream: TcpStream, pulse: Arc<Pulse>, patience: Duration) -> Self {
        Self {
            stream,
            pulse,
            patience,
            stalled: Box::pin(sleep(patience)),
            waiting: false,
        }
    }

    fn paced<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        if !self.waiting {
            self.waiting = true;
            self.stalled.as_mut().reset(Instant::now() + self.patience);
        }
        ready!(self.stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pulse.heard();
        }
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.paced(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.paced(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
