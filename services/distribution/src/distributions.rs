//! What the steps and chores of this service have at hand.

use std::time::Duration;

use aws::{CloudFront, ViewerSettings};
use aws_effects::Fenced;
use aws_sdk_cloudfront::types::PriceClass;
use store::{Store, Task};
use worker::Responder;

/// The steps of this service.
pub(crate) struct Distributions {
    pub(crate) store: Store,
    pub(crate) cloudfront: CloudFront,
    pub(crate) responder: Responder,
    pub(crate) price_class: PriceClass,
    pub(crate) viewer: ViewerSettings,
    pub(crate) create_settle: Duration,
    pub(crate) reconcile_interval: Option<Duration>,
    pub(crate) orphan_grace: Duration,
}

impl Distributions {
    /// A CloudFront client whose writes are fenced by the task.
    pub(crate) fn fenced<'f>(&'f self, task: &'f Task) -> Fenced<'f> {
        Fenced {
            cloudfront: &self.cloudfront,
            store: &self.store,
            task,
        }
    }
}
