//! What a tenant is told by mail: events and their facts, addresses, and the links in letters. Pure: no database, no SMTP. See README.md.

mod address;
mod args;
mod event;
mod facts;
mod keys;
mod link;
mod notify;

pub use address::{Address, is_local_part, shortened};
pub use args::{NoticeKeysArgs, NoticeKeysSetting, PaceArgs};
pub use event::{Event, UnknownEvent};
pub use facts::{Facts, UnknownFacts};
pub use keys::{NoticeKeys, NoticeKeysError};
pub use link::{Link, Purpose, path};
pub use notify::{MOST_MAIL, Notify};
