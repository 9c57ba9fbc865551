//! The `parameters` of a service instance: what a user can set, and its effect in CloudFront.
//!
//! Each parameter is one file in `registry/`, which implements [`Parameter`](parameter::Parameter): schema, parsing,
//! update, normalised form and, with the feature `cloudfront`, the members of a distribution's configuration that it
//! manages. Everything else here iterates over the registry. Pure: no database, no DNS, no HTTP.

#[cfg(any(test, feature = "bad-input"))]
pub mod bad_input;
#[cfg(feature = "cloudfront")]
pub mod cloudfront;
mod did_you_mean;
mod faults;
mod field;
mod key;
mod known;
mod parameter;
mod parse;
mod registry;
pub mod schema;
mod shown;
mod update;
mod value;

pub use did_you_mean::did_you_mean;
pub use faults::Faults;
pub use field::{Field, Read};
pub use known::{DOMAIN_PROBLEM, RENEWAL_PROBLEM, STATUS};
pub use parse::{Parameters, parse};
pub use registry::{MOST_DOMAINS, NOTIFY};
pub use shown::{shown, shown_json};
pub use update::update;
pub use value::host_name::host_name;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
