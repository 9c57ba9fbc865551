//! Points at which a test can kill or freeze a process. See README.md.

#[cfg(all(feature = "armed", debug_assertions))]
mod armed;
#[cfg(all(feature = "armed", debug_assertions))]
pub use armed::{answer, at, call, within};

#[cfg(not(all(feature = "armed", debug_assertions)))]
mod inert;
#[cfg(not(all(feature = "armed", debug_assertions)))]
pub use inert::{answer, at, call, within};
