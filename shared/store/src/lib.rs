//! PostgreSQL, the truth: the only crate that writes SQL. One module per table family; every transaction is named,
//! and counted and timed by that name. See README.md.

mod accounts;
mod asked;
mod certificates;
mod check;
mod claims;
mod connection;
mod ended;
mod error;
mod figures;
mod functions;
mod instances;
mod log_level;
mod migrations;
mod orders;
mod orphans;
mod provisioning;
mod record;
mod reseal;
pub mod sealing;
mod serving;
mod status;
mod steps;
mod sweep;
mod tls;
mod updating;

pub use accounts::Account;
pub use asked::Asked;
pub use certificates::{Certificate, NewCertificate};
pub use check::{Sealed, check_database, check_seals};
pub use connection::{DatabaseArgs, DatabaseUrl, Store};
pub use error::StoreError;
pub use figures::{Figures, Waiting};
pub use instances::Instance;
pub use log_level::LogLevel;
pub use orders::{Authorization, Challenge, Order};
pub use orphans::{OrphanKind, Owner};
pub use provisioning::{Deprovision, NewInstance, Provision};
pub use record::{POISON, Recorded};
pub use reseal::Resealed;
pub use sealing::KeyRing;
pub use serving::Serving;
pub use status::InstanceView;
pub use steps::Task;
pub use tls::TlsRefused;
pub use updating::{Changes, Update};
