//! Text from outside: it can't control a terminal, whoever shows it.

use pipeline::shown::harmless;

/// The most characters of a short text.
const LONGEST: usize = 100;

/// In full.
pub(crate) fn clean(text: &str) -> String {
    harmless(text, usize::MAX)
}

/// Cut if it is too long.
pub(crate) fn plain(text: &str) -> String {
    harmless(text, LONGEST)
}
