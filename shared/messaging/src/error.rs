//! What can go wrong with RabbitMQ.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use ::tls::Problem;
use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};

/// An error of RabbitMQ or of the way to it. Never holds the address, which has a password in it.
#[derive(Debug, thiserror::Error)]
pub enum MessagingError {
    /// No connection, or it broke.
    #[error("RabbitMQ can't be reached, or broke off")]
    Connection(#[from] lapin::Error),
    /// It was reached, but no TLS came about: it is not who it should be.
    #[error("RabbitMQ can't be reached")]
    Tls(#[source] TlsRefused),
    /// A setting can't be used.
    #[error("{0}")]
    Setting(&'static str),
    /// The CAs that are to be trusted can't be read.
    #[error("AMQP_CA_FILE, or the system's CAs for amqps://")]
    Trust(#[source] ::tls::TrustError),
    /// A queue or exchange exists with other arguments than this program needs.
    #[error(
        "RabbitMQ has {name:?} with other arguments than this program's: delete it there, its rings are published again by \
         themselves"
    )]
    Topology {
        /// The queue or exchange.
        name: String,
        /// What RabbitMQ says.
        #[source]
        source: lapin::Error,
    },
    /// RabbitMQ refused a message, or had no queue for it.
    #[error("RabbitMQ did not take a message: {0}")]
    NotTaken(&'static str),
    /// RabbitMQ refused a message (nack): its queue has no leader, for a moment or for good.
    #[error("RabbitMQ did not take a message: it was refused (nack)")]
    Nacked,
    /// RabbitMQ did not answer in time.
    #[error("RabbitMQ did not answer within {after:?}, {doing} {queue}")]
    TimedOut {
        /// What was asked of it.
        doing: &'static str,
        /// The queue or queues, as far as there is one.
        queue: String,
        /// How long was waited.
        after: Duration,
    },
}

/// By which of AMQP's reply codes (AMQP 0-9-1, "constants") RabbitMQ refused something; `None`: it did not refuse it.
pub(crate) fn refusal(error: &lapin::Error) -> Option<&AMQPErrorKind> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.kind()),
        _ => None,
    }
}

/// It was asked for a queue or exchange that is not there.
pub(crate) fn is_missing(error: &lapin::Error) -> bool {
    refusal(error) == Some(&AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND))
}

/// Why TLS to RabbitMQ did not come about, with what to do about it.
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
