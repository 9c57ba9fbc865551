//! What the handlers work with.

use std::sync::Arc;
use std::time::Duration;

use messaging::Messaging;
use pipeline::Schedules;
use store::{Bounds, Store};

use crate::auth::Credentials;
use crate::catalog::offering::Offering;
use crate::catalog::served::{Catalog, served};
use crate::challenges::Challenges;
use crate::platforms;
use crate::profile::Profile;
use crate::settings::BrokerArgs;

/// What the handlers work with.
pub struct Broker {
    pub(crate) store: Store,
    pub(crate) messaging: Arc<Messaging>,
    pub(crate) schedules: Schedules,
    pub(crate) credentials: Credentials,
    pub(crate) offering: Offering,
    /// The offering as it is served.
    pub(crate) catalog: Catalog,
    pub(crate) responder: String,
    pub(crate) default_origin: Option<String>,
    pub(crate) profile: Profile,
    pub(crate) retry_after: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) challenges: Challenges,
    pub(crate) bounds: Bounds,
}

impl Broker {
    /// Puts it together; in a Tokio runtime, where it keeps its picture of live challenges.
    pub fn new(store: Store, messaging: Arc<Messaging>, schedules: Schedules, args: &BrokerArgs) -> Arc<Self> {
        let offering = Offering::of(args);
        for advice in offering.advice(schedules.operation_deadline.into()) {
            tracing::warn!("catalog: {advice}");
        }
        let challenges = Challenges::of(store.clone());
        Arc::new(Self {
            store,
            messaging,
            schedules,
            credentials: Credentials::new(&platforms::of(args)),
            catalog: served(&offering, args.default_origin.0.as_deref()),
            offering,
            responder: args.acme_responder_url.0.clone(),
            default_origin: args.default_origin.0.clone(),
            profile: Profile(args.acme_profile.clone()),
            retry_after: args.retry_after,
            body_timeout: args.limits.body_timeout,
            challenges,
            bounds: args.unproved.bounds(),
        })
    }
}
