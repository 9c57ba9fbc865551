//! The port that Cloud Foundry tells an app to listen on.

use std::net::{Ipv4Addr, SocketAddr};

/// All addresses, on `$PORT` if there is one, else on this port: a default for a setting of a service.
pub fn listen(port: u16) -> SocketAddr {
    of(std::env::var("PORT").ok().as_deref(), port)
}

fn of(told: Option<&str>, port: u16) -> SocketAddr {
    let told = told.and_then(|port| port.parse().ok());
    (Ipv4Addr::UNSPECIFIED, told.unwrap_or(port)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_port_counts_before_our_own() {
        for (told, port) in [
            (None, 9090),
            (Some("8081"), 8081),
            (Some(""), 9090),
            (Some("tcp://x"), 9090),
        ] {
            assert_eq!(of(told, 9090).to_string(), format!("0.0.0.0:{port}"));
        }
    }
}
