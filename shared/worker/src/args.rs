//! Settings that every worker has.

use std::net::SocketAddr;

use humantime::Duration;
use messaging::AmqpArgs;
use pipeline::Schedules;
use store::DatabaseArgs;
use telemetry::TelemetryArgs;

/// Settings that every worker has. Durations are written as 250ms, 5s, 2m, 7d.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Worker")]
pub struct WorkerArgs {
    /// Where /healthz, /readyz and /metrics are served. Unset: $PORT, or else 9090, of every address.
    #[arg(long, env, default_value_t = crate::port::listen(9090), hide_default_value = true)]
    pub health_listen: SocketAddr,
    /// Steps attempted at once by this process, and messages it holds (challenge-verifier 16 more). An organization
    /// never has more than half of them, so give challenge-verifier at least 2.
    #[arg(long, env, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,
    /// How often lost rings are looked for.
    #[arg(long, env, default_value = "15s")]
    pub sweep_interval: Duration,
    /// A step counts as not published when it is overdue by this and its queue is empty; at least a fifth longer than the
    /// longest attempt is used, whatever is set. It doubles with each time that it was of no use.
    #[arg(long, env, default_value = "1m")]
    pub sweep_grace: Duration,
    /// Most lost rings per second that this process publishes, so that what comes back after an outage is no stampede.
    #[arg(long, env, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub sweep_rate: u32,
    /// On SIGTERM, what is in hand may finish for this long; then it is given back.
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
    /// Schedules.
    #[command(flatten)]
    pub schedules: Schedules,
}
