//! What can go wrong with RabbitMQ.

/// An error of RabbitMQ or of the way to it. Never holds the address, which has a password in it.
#[derive(Debug, thiserror::Error)]
pub enum MessagingError {
    /// No connection, or it broke.
    #[error("RabbitMQ can't be reached, or broke off")]
    Connection(#[source] lapin::Error),
    /// It was reached, but no TLS came about: it is not who it should be.
    #[error("RabbitMQ can't be reached")]
    Tls(#[source] crate::tls::TlsRefused),
    /// A setting can't be used.
    #[error("{0}")]
    Setting(&'static str),
    /// The CAs that are to be trusted can't be read.
    #[error("AMQP_CA_FILE, or the system's CAs for amqps://")]
    Trust(#[source] ::tls::TrustError),
    /// A queue or exchange exists with other arguments than this program needs.
    #[error(
        "RabbitMQ has {name:?} with other arguments than this program's: delete it there, its rings are rung again by themselves"
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
        after: std::time::Duration,
    },
}
