//! Every rule that the simulator enforces, tested with the real AWS SDKs and real viewers. One module per subject; each
//! test is named after its rule.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail the test")]
#![expect(
    deprecated,
    reason = "ForwardedValues and its TTLs are deprecated in the model, but the service and brokers use them"
)]

mod access;
mod admin;
mod aliases;
mod behaviours;
mod certificates;
mod config;
mod edge_cache;
mod edge_forwarding;
mod edge_functions;
mod edge_viewers;
mod failover;
mod functions;
mod iam;
mod lifecycle;
mod logging;
mod origins;
mod policies;
mod record_rights;
mod records;
mod support;
mod tags;
mod update;
mod zones;
