//! Status pages: who may see an instance's, what is on it, what can be asked for there, and who has it open.

mod link;
mod look_now;
mod view;
mod watch;

pub use link::PageLink;
pub use look_now::LookNow;
pub use watch::PageFeed;
