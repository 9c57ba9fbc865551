//! Real servers on loopback for the tests: name servers with their own zones, web servers with their own manners.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod names;
pub mod web;

use std::time::Duration;

use challenge_verifier::{DnsServer, ProbeSettings};

/// Long enough for the slowest machine: only what should never happen takes as long.
pub const PATIENT: Duration = Duration::from_secs(20);
/// What the tests of time limits wait for.
pub const SHORT: Duration = Duration::from_millis(200);

/// Settings that touch loopback only.
pub fn settings() -> ProbeSettings {
    ProbeSettings {
        dns_resolver: DnsServer(None),
        dns_walk_resolver: DnsServer(None),
        dns_timeout: PATIENT,
        dns_attempts: 1,
        dns_authoritative_port: 53,
        http01_port: 80,
        http01_tls_port: 443,
        http_timeout: PATIENT,
        allow_private_addresses: true,
        caa_check: true,
        resolver_check: true,
        probe_timeout: PATIENT,
    }
}
