//! The rules for a configuration by itself, one file per part of it.

mod behaviours;
mod general;
mod origins;
mod quantities;
mod responses;

pub(crate) use general::MAX_ALIASES;

use crate::error::Answer;
use crate::xml::Element;

/// Checks every rule that doesn't depend on the rest of the account.
pub fn check(config: &Element) -> Answer<()> {
    quantities::check(config)?;
    general::check(config)?;
    origins::check(config)?;
    behaviours::check(config)?;
    responses::check(config)
}
