//! Real servers on loopback for the tests: name servers with their own zones, web servers with configurable behaviour.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod names;
pub mod web;

use std::time::Duration;

use challenge_verifier::{DnsServer, ProbeSettings};
use pipeline::proof::dns_persist01::Form;
use pipeline::proof::{Challenge, Dns01, DnsPersist01, Http01};

/// Long enough for the slowest machine: only failures take this long.
pub const PATIENT: Duration = Duration::from_secs(20);
/// The time limit in tests of time limits.
pub const SHORT: Duration = Duration::from_millis(200);

/// Settings that use loopback only.
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

/// The tests' CA's dns-persist-01 challenge.
pub fn persist(account_url: &str) -> Challenge {
    Challenge::DnsPersist01(DnsPersist01 {
        form: Form::AccountUrl,
        issuer_domains: vec!["ca.test".into()],
        account_uris: account_url.into(),
    })
}

/// Its dns-01 challenge.
pub fn dns01() -> Challenge {
    Challenge::Dns01(Dns01 { value: "xyz".into() })
}

/// Its http-01 challenge.
pub fn http01() -> Challenge {
    Challenge::Http01(Http01 {
        token: "tok".into(),
        key_authorization: "tok.thumb".into(),
    })
}
