//! The rows, in the order in which they are measured. Those with the same settings share a stack, so what leaves work
//! behind comes late.

mod burst;
mod busy;
mod delivery;
mod engine;
mod idle;
mod last_operation;
mod live_pages;
mod one_of_many;
mod provision;
mod record_seen;
mod stored_instances;
mod to_https;
mod verifier_scaling;
mod waiting;
mod waits;

use crate::row::Row;
use crate::site::Settings;

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Row>> {
    vec![
        Box::new(idle::Idle),
        Box::new(stored_instances::StoredInstances),
        Box::new(to_https::ToHttps(Settings::Default)),
        Box::new(waits::Waits),
        Box::new(record_seen::RecordSeen),
        Box::new(last_operation::LastOperation),
        Box::new(live_pages::LivePages),
        // It stops the workers, and leaves them stopped.
        Box::new(provision::Provision),
        Box::new(to_https::ToHttps(Settings::Fast)),
        Box::new(one_of_many::OneOfMany),
        Box::new(delivery::Delivery),
        Box::new(verifier_scaling::VerifierScaling),
        Box::new(waiting::Waiting),
        Box::new(burst::Burst),
        Box::new(engine::Engine),
        // It leaves work behind.
        Box::new(busy::Busy),
    ]
}
