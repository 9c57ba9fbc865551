//! How names and times are shown to a user; foreign text as [`pipeline::shown`] has it.

use std::time::Duration;

use hickory_resolver::proto::rr::Name;

pub(crate) use pipeline::shown::{plain, quoted};

/// A DNS name without its trailing dot.
pub(crate) fn name(name: &Name) -> String {
    let ascii = name.to_ascii().to_ascii_lowercase();
    match ascii.trim_end_matches('.') {
        "" => ".".to_owned(),
        trimmed => plain(trimmed.as_bytes()),
    }
}

/// Things that are listed when several are alike.
const MOST_LISTED: usize = 3;

/// Each of several texts once, and not too many.
pub(crate) fn few(texts: impl Iterator<Item = String>) -> String {
    let mut listed: Vec<String> = Vec::new();
    for text in texts {
        if !listed.contains(&text) {
            listed.push(text);
        }
    }
    let more = listed.len().saturating_sub(MOST_LISTED);
    listed.truncate(MOST_LISTED);
    match more {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// A time limit: `5 s`, `250 ms`.
pub(crate) fn span(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds.is_multiple_of(1000) {
        format!("{} s", milliseconds / 1000)
    } else {
        format!("{milliseconds} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_a_few_are_listed() {
        let few = |texts: &[&str]| few(texts.iter().map(|&text| text.to_owned()));
        assert_eq!(few(&["a", "b", "a", "c"]), "a, b, c");
        assert_eq!(few(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }

    #[test]
    fn limits_are_short() {
        assert_eq!(span(Duration::from_secs(5)), "5 s");
        assert_eq!(span(Duration::from_millis(250)), "250 ms");
    }
}
