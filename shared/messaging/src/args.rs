//! Settings.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::ladder::Ladder;

/// How to reach RabbitMQ and how to use it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "RabbitMQ")]
pub struct AmqpArgs {
    /// Address, as amqps://user:password@host:port/vhost (`%2f` is the default vhost). amqps:// is TLS, and issuer and
    /// name of RabbitMQ's certificate are verified; amqp:// is plain text.
    #[arg(long, env, hide_env_values = true)]
    pub amqp_url: SecretString,
    /// PEM file of the CAs that may have issued RabbitMQ's certificate, with amqps://. Unset: the system's CAs.
    #[arg(long, env)]
    pub amqp_ca_file: Option<PathBuf>,
    /// The delays that exist as queues, in milliseconds, comma separated and growing. A delay is rounded up to the next.
    #[arg(long, env, default_value_t)]
    pub delay_ladder_ms: Ladder,
    /// A message that killed its worker this many times is parked (x-delivery-limit).
    #[arg(long, env, default_value_t = 5)]
    pub delivery_limit: u32,
}

impl AmqpArgs {
    /// This address, and defaults: for tests and tools.
    pub fn at(url: &str) -> Self {
        Self {
            amqp_url: SecretString::from(url),
            amqp_ca_file: None,
            delay_ladder_ms: Ladder::default(),
            delivery_limit: 5,
        }
    }
}
