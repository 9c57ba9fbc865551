//! What tenants are told by mail. A notice is written in the transaction of what it tells of (`births`) or, where only time passes, by a chore
//! (`remind`); it becomes part of letters (`collect`), if it is still true when they are written (`now`); and a letter is leased, sent and recorded like a step. Whom an instance tells, its parameter `notify` says (`subscribe`); an address
//! is asked first, and can always leave (`link`).

pub(crate) mod births;
mod collect;
mod figures;
mod lease;
mod link;
mod now;
mod outcome;
mod prune;
mod recipients;
mod remind;
mod reseal;
mod ring;
pub(crate) mod subscribe;
mod sweep;

pub use collect::Collected;
pub use figures::NoticeFigures;
pub use lease::{Lease, LeasedLetter, LetterKind, ToldNotice};
pub use link::LinkOpened;
pub use now::Now;
pub use recipients::{FetchedRecipient, RecipientState};
pub use reseal::AddressesResealed;
pub use ring::{NoticeRing, Subscriber, Subscribers};
pub use sweep::LetterWakeUp;
