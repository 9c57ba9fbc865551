//! The rows, in the order in which they are measured. Those with the same settings share a stack, so what leaves work
//! behind comes late.

mod delivery;
mod idle;
mod last_operation;
mod provision;
mod record_seen;
mod to_https;

use crate::row::Row;
use crate::site::Settings;

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Row>> {
    vec![
        Box::new(idle::Idle),
        Box::new(to_https::ToHttps(Settings::Default)),
        Box::new(record_seen::RecordSeen),
        Box::new(last_operation::LastOperation),
        // It stops the workers, and leaves them stopped.
        Box::new(provision::Provision),
        Box::new(to_https::ToHttps(Settings::Fast)),
        Box::new(delivery::Delivery),
    ]
}
