//! Settings.

use secrecy::SecretString;

use crate::ladder::Ladder;

/// How to reach RabbitMQ and how to use it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "RabbitMQ")]
pub struct AmqpArgs {
    /// Address, as amqp://user:password@host:port/vhost (`%2f` is the default vhost).
    #[arg(long, env, hide_env_values = true)]
    pub amqp_url: SecretString,
    /// The delays that exist as queues, in milliseconds, comma separated and growing. A delay is rounded up to the next.
    #[arg(long, env, default_value_t)]
    pub delay_ladder_ms: Ladder,
    /// A message that killed its worker this many times is parked (x-delivery-limit).
    #[arg(long, env, default_value_t = 5)]
    pub delivery_limit: u32,
}
