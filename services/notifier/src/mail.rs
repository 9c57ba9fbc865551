//! What is sent: the words, what is kept of them, and the mail.

mod kept;
mod words;
mod writer;

pub(crate) use kept::content;
pub(crate) use writer::{Head, Writer};
