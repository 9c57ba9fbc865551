//! Probes whether the CA can verify a domain now, by DNS and HTTP; holds no secret.
//!
//! [`Prober::probe`] makes the three queries that a CA may make, concurrently, and reports which of them would be
//! answered correctly and what was seen instead; it also reports whether the domain's CAA records let the CA issue.
//! [`Prober::glance`] makes few queries, and reports whether a probe would see something else than the last one. The
//! modules:
//!
//! - [`pipeline::proof`]: the methods to prove a domain, and what each requires (pure);
//! - [`pipeline::caa`]: what CAA records allow (pure);
//! - [`dns`]: a name's records on all of the zone's own servers, bypassing caches, and the answer of a resolver;
//! - [`http01`]: the challenge file, fetched as the CA would from any address;
//!
//! Which addresses may be connected to is in the crate `probe`, where the checks from outside are, too.

mod caa;
pub mod dns;
mod expected;
pub mod http01;
mod judge_zone;
mod probe;
mod settings;
mod shown;

pub use expected::Expected;
pub use judge_zone::judge_zone;
pub use pipeline::proof::Method;
pub use pipeline::reason::{Look, Way};
pub use probe::{Glance, HolderExpected, Prober, SetupError};
pub use settings::{DnsServer, ProbeSettings};
