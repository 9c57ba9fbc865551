//! Settings.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use secret::Secret;

use crate::delay_queues::DelayQueues;

secret::setting!(
    pub AmqpUrl,
    "amqp-url",
    "AMQP_URL",
    required bound ["amqp", "amqps"],
    "Address of RabbitMQ, as amqps://user:password@host:port/vhost (`%2f` is the default vhost). amqps:// is TLS, and \
     issuer and name of RabbitMQ's certificate are verified; amqp:// is plain text."
);

/// How to reach RabbitMQ and how to use it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "RabbitMQ")]
pub struct AmqpArgs {
    /// Address.
    #[command(flatten)]
    pub amqp_url: Secret<AmqpUrl>,
    /// PEM file of the CAs that may have issued RabbitMQ's certificate, with amqps://. Unset: the system's CAs.
    #[arg(long, env, value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub amqp_ca_file: Option<PathBuf>,
    /// The delays that exist as queues, in milliseconds, comma separated and growing. A step waits as long as
    /// the nearest of them; what a peer asks for is rounded up to the next.
    #[arg(long, env, default_value_t)]
    pub delay_queues_ms: DelayQueues,
    /// A message that killed its worker this many times is parked (x-delivery-limit).
    #[arg(long, env, default_value_t = 5)]
    pub delivery_limit: u32,
}

impl AmqpArgs {
    /// This address, with defaults: for tests and tools.
    pub fn at(url: &str) -> Self {
        Self {
            amqp_url: url.into(),
            amqp_ca_file: None,
            delay_queues_ms: DelayQueues::default(),
            delivery_limit: 5,
        }
    }
}
