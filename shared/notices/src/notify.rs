//! Who is to be told what, as an instance's parameter `notify` says.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::event::Event;

/// The most addresses of an instance.
pub const MOST_MAIL: usize = 5;

/// The parameter, read. Nobody is told anything when it has no address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notify {
    /// The addresses, at most [`MOST_MAIL`].
    pub mail: BTreeSet<Address>,
    /// What they are told.
    pub events: BTreeSet<Event>,
}
