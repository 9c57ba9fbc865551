//! What one client may use, so that others are served.

use std::time::Duration;

use crate::http::hops::Hops;

/// The most bytes of a request's head; a larger one is answered by 431. Cloud Controller sends some hundred bytes in
/// ten headers.
pub(crate) const HEAD_BYTES: usize = 32 * 1024;
/// The most headers of a request; see [`HEAD_BYTES`].
pub(crate) const HEADERS: usize = 64;

/// What one client may take.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// The most connections at a time. At the limit, each new connection closes one that waits for its client: the one
    /// that has waited longest, of the address that has the most; X-Forwarded-For of TRUSTED_HOPS names a request's
    /// address.
    #[arg(long, env, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub max_connections: u32,
    /// The most connections of one address (for IPv6: one /64) that wait for their client; one more closes the oldest of
    /// them. It does not apply to connections of TRUSTED_HOPS, but to the addresses that they name by PROXY_PROTOCOL.
    #[arg(long, env, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub connections_per_address: u32,
    /// Routers and load balancers in front, whose X-Forwarded-For (and, with PROXY_PROTOCOL, header) is believed:
    /// addresses and networks such as 10.0.0.0/8, separated by commas, or the word private for all that are not public.
    /// Empty: none.
    #[arg(long, env, default_value = "private")]
    pub trusted_hops: Hops,
    /// Connections of TRUSTED_HOPS begin with a PROXY protocol header, version 1 or 2, as those of an AWS Network Load
    /// Balancer with it switched on; one without is closed.
    #[arg(long, env, default_value_t = false, action = clap::ArgAction::Set)]
    pub proxy_protocol: bool,
    /// The first byte of a connection has to arrive within this time; of TRUSTED_HOPS within IDLE_TIMEOUT, since
    /// routers connect ahead.
    #[arg(long, env, default_value = "5s", value_parser = time_limit)]
    pub first_byte_timeout: Duration,
    /// A request's head has to be complete within this time after its first byte.
    #[arg(long, env, default_value = "10s", value_parser = time_limit)]
    pub head_timeout: Duration,
    /// How long a connection is kept between two requests; longer than the router keeps it (gorouter: 90s, AWS: 60s).
    #[arg(long, env, default_value = "2m", value_parser = time_limit)]
    pub idle_timeout: Duration,
    /// A request's body has to arrive within this time.
    #[arg(long, env, default_value = "10s", value_parser = time_limit)]
    pub body_timeout: Duration,
    /// A client has to read some of its response within this time.
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
