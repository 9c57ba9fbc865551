//! Errors of RabbitMQ.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use ::tls::Problem;
use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};

/// An error of RabbitMQ or of the connection to it. Never contains the address, since that includes a password.
#[derive(Debug, thiserror::Error)]
pub enum MessagingError {
    /// No connection, or it broke.
    #[error("RabbitMQ can't be reached, or closed the connection")]
    Connection(#[from] lapin::Error),
    /// It was reached, but the TLS handshake failed: its certificate is not what it should be.
    #[error("RabbitMQ can't be reached")]
    Tls(#[source] TlsRefused),
    /// A setting is invalid.
    #[error("{0}")]
    Setting(&'static str),
    /// The trusted CAs can't be read.
    #[error("AMQP_CA_FILE, or the system's CAs for amqps://")]
    Trust(#[source] ::tls::TrustError),
    /// A queue or exchange exists with other arguments than this program needs.
    #[error(
        "RabbitMQ has {name:?} with other arguments than this program's: delete it there, its wake-ups are then \
         published again"
    )]
    Topology {
        /// The queue or exchange.
        name: String,
        /// RabbitMQ's message.
        #[source]
        source: lapin::Error,
    },
    /// RabbitMQ refused a message, or had no queue for it.
    #[error("RabbitMQ did not accept a message: {0}")]
    NotTaken(&'static str),
    /// RabbitMQ refused a message (nack): its queue has no leader, for a moment or for good.
    #[error("RabbitMQ did not accept a message: it was refused (nack)")]
    Nacked,
    /// Queues are declared by one process at a time.
    #[error("another process is declaring RabbitMQ's queues, or repairing them")]
    NotMyTurn,
    /// RabbitMQ did not answer in time.
    #[error("RabbitMQ did not answer within {after:?}, {doing} {queue}")]
    TimedOut {
        /// The operation.
        doing: &'static str,
        /// The queue or queues, if any.
        queue: String,
        /// The time limit.
        after: Duration,
    },
}

/// The AMQP reply code (AMQP 0-9-1, "constants") with which RabbitMQ refused something; `None`: it did not refuse it.
pub(crate) fn refusal(error: &lapin::Error) -> Option<&AMQPErrorKind> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.kind()),
        _ => None,
    }
}

/// Whether a queue or exchange does not exist.
pub(crate) fn is_missing(error: &lapin::Error) -> bool {
    refusal(error) == Some(&AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND))
}

/// Whether an exchange, a queue or a binding may be missing: RabbitMQ refused a use of it, or had no queue for a message.
pub(crate) fn is_refusal_of_use(error: &MessagingError) -> bool {
    match error {
        MessagingError::NotTaken(_) | MessagingError::Nacked => true,
        // The second is what other calls on a channel say that a refusal has closed.
        MessagingError::Connection(error) => {
            matches!(
                error.kind(),
                ErrorKind::ProtocolError(refused) if matches!(refused.kind(), AMQPErrorKind::Soft(_))
            ) || matches!(error.kind(), ErrorKind::InvalidChannelState(..))
        }
        _ => false,
    }
}

/// Why a TLS connection to RabbitMQ failed, with the remedy.
#[derive(Debug)]
pub struct TlsRefused(pub(crate) Problem);

impl Error for TlsRefused {}

impl fmt::Display for TlsRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match &self.0 {
            Problem::WrongName { wanted, .. } => write!(
                f,
                ", AMQP_URL wants {wanted}: write one of its names there, or give the server another"
            ),
            Problem::UnknownIssuer => {
                f.write_str(": trusted are the CAs in AMQP_CA_FILE, the system's when there is no such file")
            }
            Problem::NoTls => f.write_str(", AMQP_URL is amqps://: name the port of RabbitMQ's TLS listener (5671)"),
            _ => Ok(()),
        }
    }
}
