//! `/notify/{token}`: the links in mails, by which an address says whether it wants notices. A link is signed ([`notices::NoticeKeys`]), so what
//! nobody has signed never reaches the database. Reading a page changes nothing: mail servers follow links to look at them.

mod asked;
mod refusal;
mod reseal;
mod routes;
mod view;

use store::NoticeRing;

use crate::settings::BrokerArgs;

pub use reseal::reseal_addresses;
pub(crate) use routes::mounted;

/// The keys. `None`: nobody is told anything by mail. That the settings are right, `Settings::check` has seen.
pub(crate) fn ring(args: &BrokerArgs) -> Option<NoticeRing> {
    args.pages.pages_url.0.as_ref()?;
    NoticeRing::new(args.notices.keys().ok()??).ok()
}
