//! The tenant's page in a real browser: Chromium, driven by chromedriver, in front of a whole stack. See the README.

mod appearance;
mod axe;
mod chromium;
mod devtools;
mod driver;
mod layout;
mod scene;
mod shown;
mod walk;

pub use appearance::{Appearance, Device, Scheme};
pub use axe::Axe;
pub use chromium::{Chromium, PATIENCE};
pub use fantoccini::key::Key;
pub use layout::too_wide;
pub use scene::{Instance, Scene};
pub use shown::{Record, Row, Shown};
pub use walk::{MISTAKE, Names, State, walk};
