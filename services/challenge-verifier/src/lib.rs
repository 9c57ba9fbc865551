//! Looks whether the CA can verify a domain now, by DNS and HTTP; holds no secret.
//!
//! [`Prober::probe`] asks the three questions a CA may ask, side by side, and says which of them would be answered
//! rightly and what was seen instead; beside them, whether the domain's CAA records let the CA issue. Everything below it is
//! a part of that:
//!
//! - [`pipeline::proof`]: the ways to prove a domain, and what each has to show (pure);
//! - [`pipeline::caa`]: what CAA records allow (pure);
//! - [`dns`]: a name's records as all of the zone's own servers give them, past every cache, and what a resolver makes of it;
//! - [`http01`]: the challenge file, fetched as the CA would from any address;
//! - [`address`]: which addresses may be asked at all (pure).

pub mod address;
mod caa;
pub mod dns;
mod expected;
pub mod http01;
mod probe;
mod settings;
mod shown;

pub use expected::Expected;
pub use pipeline::proof::Method;
pub use pipeline::reason::{Look, Way};
pub use probe::{HolderExpected, Prober, SetupError};
pub use settings::{DnsServer, ProbeSettings};
