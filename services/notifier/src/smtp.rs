//! The mail server that takes the broker's mails: a relay of the operator's.

mod args;
mod relay;
mod session;
#[cfg(test)]
mod tests;
mod trouble;
mod verdict;

pub(crate) use args::SmtpArgs;
pub(crate) use session::Smtp;
pub(crate) use trouble::{Answer, Phase, Trouble};
pub(crate) use verdict::{Verdict, verdict};
