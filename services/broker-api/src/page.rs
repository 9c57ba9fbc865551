//! Status pages: each service instance has one, for whoever has the link to it. A link is signed ([`page_keys`]), so what nobody
//! has signed never reaches the database; whether it is still alive, the database knows. Whoever may see the instance at its platform may
//! sign in there instead ([`sign_in`]), if the platform has a `dashboard_client`. There are pages only with PAGES_URL.

mod access;
pub(crate) mod assets;
mod check;
mod dashboard;
pub(crate) mod headers;
pub(crate) mod limit;
mod live;
mod outside;
mod press;
mod refusal;
mod routes;
pub(crate) mod sign_in;
mod unread;
pub(crate) mod view;

use std::num::NonZeroU32;
use std::sync::Arc;

use page_keys::Links;
use store::Store;
use tokio::sync::Semaphore;

use crate::page::limit::Limit;
use crate::page::live::hub::Hub;
use crate::page::sign_in::SignIn;
use crate::page::sign_in::peer::Peer;
use crate::page::unread::Room;
use crate::settings::BrokerArgs;

pub(crate) use routes::mounted;

/// The most pages that are read and rendered at a time: half of DATABASE_POOL_SIZE's default, so that a crowd of readers leaves
/// connections to the platform's requests.
const AT_ONCE: usize = 4;

/// What the routes of the pages work with.
pub(crate) struct Pages {
    pub(crate) links: Links,
    /// `None`: no platform's users sign in.
    pub(crate) sign_in: Option<SignIn>,
    /// By client. `None`: as often as anybody likes.
    limit: Option<Limit>,
    /// By instance: looks that are asked for, and checks from outside.
    looks: Limit,
    /// A permit for each page that may be read now.
    turns: Arc<Semaphore>,
    /// For pages that wait to be read.
    room: Room,
    /// The pages that are open and show changes by themselves.
    live: Arc<Hub>,
}

impl Pages {
    /// `None`: there are no pages. That the settings are right, `Settings::check` has seen.
    pub(crate) fn of(args: &BrokerArgs, store: &Store) -> Option<Self> {
        let links = args.pages.links().ok().flatten()?;
        let limit = NonZeroU32::new(args.page_limit.page_rate_limit).map(Limit::new);
        Some(Self {
            links,
            sign_in: SignIn::of(args).ok().flatten(),
            limit,
            looks: Limit::new(check::A_MINUTE),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            room: Room::new(),
            live: Hub::new(store.clone(), args.page_limit.live_pages),
        })
    }

    /// The platform with this name, if its users sign in to pages.
    pub(crate) fn peer(&self, platform: &str) -> Option<&Peer> {
        self.sign_in.as_ref()?.peer(platform)
    }
}
