//! What the broker's customers do, for the demo and the end-to-end tests: the calls that Cloud Controller makes, what a
//! tenant reads out of the status, and what a browser sees at the edge.

pub mod browser;
mod percentile;
pub mod platform;
pub mod status;

pub use browser::{Browser, Visit};
pub use percentile::percentile;
pub use platform::{Answer, Platform};
