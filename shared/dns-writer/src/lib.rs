//! Writers of TXT records in the broker's own zone, to which its tenants delegate their dns-01 challenges
//! ([`pipeline::proof::DelegatedDns01`]): one trait ([`DnsWriter`]), one file for each kind of DNS server, and
//! [`DelegationArgs`], which chooses one. What is published for which order, and when it is removed, is decided once,
//! above them.

mod settings;
#[macro_use]
mod table;
mod writer;
mod writers;

/// For `--help`: what writers read from the environment besides their settings.
pub const AFTER_HELP: &str = aws::ROUTE_53_AFTER_HELP;

pub use settings::{Delegation, DelegationArgs, Intervals, InvalidSetting};
pub use writer::{DnsWriter, TxtChange, TxtSet, Written};
pub use writers::Kind;
