//! Settings that every worker has.

use std::net::SocketAddr;

use humantime::Duration;
use messaging::AmqpArgs;
use store::DatabaseArgs;
use telemetry::TelemetryArgs;

/// Settings that every worker has. Durations are written as 250ms, 5s, 2m, 7d.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Worker")]
pub struct WorkerArgs {
    /// Address and port of /healthz, /readyz and /metrics. Unset: $PORT, or else 9090, on every address.
    #[arg(long, env, default_value_t = crate::port::listen(9090), hide_default_value = true)]
    pub health_listen: SocketAddr,
    /// The most steps that this process attempts concurrently, and messages that it holds (challenge-verifier 16 more). An
    /// organization never gets more than three quarters of them, half if it is slow, so give challenge-verifier at least 2.
    #[arg(long, env, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,
    /// The interval at which lost wake-ups are searched for.
    #[arg(long, env, default_value = "15s")]
    pub sweep_interval: Duration,
    /// A step's wake-up counts as lost when the step is overdue by this and its queue is empty; at least a fifth longer than
    /// the longest attempt is used, whatever is set. It doubles each time that it didn't help.
    #[arg(long, env, default_value = "1m")]
    pub sweep_grace: Duration,
    /// The most lost wake-ups that this process publishes per second, so that an outage is not followed by a stampede.
    #[arg(long, env, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub sweep_rate: u32,
    /// On SIGTERM, attempts in progress have this long to finish; then their messages are requeued.
    #[arg(long, env, default_value = "20s")]
    pub shutdown_grace: Duration,
    /// PostgreSQL.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// RabbitMQ.
    #[command(flatten)]
    pub amqp: AmqpArgs,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}
