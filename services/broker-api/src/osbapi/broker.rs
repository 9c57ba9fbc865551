//! The state that the handlers share.

use std::sync::Arc;
use std::time::Duration;

use messaging::Messaging;
use pipeline::Schedules;
use store::{Bounds, NoticeRing, Store};
use tokio_util::task::TaskTracker;

use crate::catalog::offering::Offering;
use crate::catalog::served::{Catalog, served};
use crate::osbapi::answers::Answers;
use crate::osbapi::auth::Credentials;
use crate::osbapi::profile::Profile;
use crate::page::Pages;
use crate::settings::BrokerArgs;

/// The state that the handlers share.
pub struct Broker {
    pub(crate) store: Store,
    pub(crate) messaging: Arc<Messaging>,
    pub(crate) schedules: Schedules,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) offering: Offering,
    /// The offering as it is served.
    pub(crate) catalog: Catalog,
    pub(crate) responder: String,
    pub(crate) default_origin: Option<String>,
    pub(crate) profile: Profile,
    pub(crate) retry_after: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) bounds: Bounds,
    pub(crate) answers: Answers,
    /// `None`: there are no status pages.
    pub(crate) pages: Option<Pages>,
    /// `None`: nobody is told anything by mail.
    pub(crate) notices: Option<NoticeRing>,
    pub(crate) publishing: TaskTracker,
}

impl Broker {
    /// Builds the state.
    pub fn new(store: Store, messaging: Arc<Messaging>, schedules: Schedules, args: &BrokerArgs) -> Arc<Self> {
        let offering = args.catalog.offering();
        for advice in offering.advice(schedules.operation_deadline.into()) {
            tracing::warn!("catalog: {advice}");
        }
        let pages = Pages::of(args, &store);
        let notices = crate::notify::ring(args);
        Arc::new(Self {
            store,
            messaging,
            schedules,
            credentials: Arc::new(Credentials::new(&args.platforms.all())),
            catalog: served(&offering, args.default_origin.0.as_deref(), notices.is_some()),
            offering,
            responder: args.responder.acme_responder_url.to_string(),
            default_origin: args.default_origin.0.clone(),
            profile: Profile(args.profile.acme_profile().unwrap_or_default().to_owned()),
            retry_after: args.retry_after,
            body_timeout: args.limits.body_timeout,
            bounds: args.unproved.bounds(),
            answers: Answers::default(),
            pages,
            notices,
            publishing: TaskTracker::new(),
        })
    }
}
