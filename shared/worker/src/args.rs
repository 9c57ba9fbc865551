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
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env, default_value = "0.0.0.0:9090")]
    pub health_listen: SocketAddr,
    /// Steps attempted at once by this process; also how many messages it holds.
    #[arg(long, env, default_value_t = 16)]
    pub concurrency: u16,
    /// How often lost rings are looked for.
    #[arg(long, env, default_value = "15s")]
    pub sweep_interval: Duration,
    /// A step counts as not rung when it is overdue by this and its queue is empty; at least a fifth longer than the
    /// longest attempt is used, whatever is set.
    #[arg(long, env, default_value = "1m")]
    pub sweep_grace: Duration,
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
