//! What one client may take, so that others are served.

use std::time::Duration;

/// The most bytes of a request's head, and of its headers' number; more is answered by 431. Cloud Controller sends some
/// hundred bytes in ten headers.
pub(crate) const HEAD_BYTES: usize = 32 * 1024;
/// See [`HEAD_BYTES`].
pub(crate) const HEADERS: usize = 64;

/// What one client may take.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Most connections at a time; others wait until one is closed.
    #[arg(long, env, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub max_connections: u32,
    /// A request's head has to arrive within this time, as long is an idle connection kept.
    #[arg(long, env, default_value = "30s", value_parser = time_limit)]
    pub head_timeout: Duration,
    /// A request's body has to arrive within this time.
    #[arg(long, env, default_value = "10s", value_parser = time_limit)]
    pub body_timeout: Duration,
    /// A client has to take something of its answer within this time.
    #[arg(long, env, default_value = "30s", value_parser = time_limit)]
    pub answer_timeout: Duration,
}

fn time_limit(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("a time limit can't be zero".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}
