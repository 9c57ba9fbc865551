//! Status pages: who may see an instance's, what is on it, what can be asked for there (looks, checks from outside), and who has it open.

mod link;
mod look_now;
mod outside;
mod view;
mod watch;
mod whose;

pub use link::PageLink;
pub use look_now::LookNow;
pub use outside::{AskOutside, OutsideCheck, OutsideFeed};
pub use watch::PageFeed;
