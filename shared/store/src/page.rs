//! Status pages: who may see an instance's, and what is on it.

mod link;
mod view;

pub use link::PageLink;
