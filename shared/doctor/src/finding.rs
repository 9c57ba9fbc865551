//! One line.

use std::fmt;

/// The maximum length of a line, in characters.
const LONGEST: usize = 600;

/// The state of the thing checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Possibly wrong; somebody should check.
    Warn,
    /// The service can't do its work.
    Fail,
    /// Not tried, with the reason.
    Skip,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        })
    }
}

/// The result of a check: a single line, whatever the texts in it contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    state: State,
    about: String,
    text: String,
}

impl Finding {
    /// As it should be.
    pub fn ok(about: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self::new(State::Ok, about, text.as_ref())
    }

    /// Not tried, and the reason.
    pub fn skip(about: impl Into<String>, why: impl AsRef<str>) -> Self {
        Self::new(State::Skip, about, why.as_ref())
    }

    /// What looks wrong, and the remedy if it is.
    pub fn warn(about: impl Into<String>, what: impl AsRef<str>, to_do: impl AsRef<str>) -> Self {
        Self::new(State::Warn, about, &both(what.as_ref(), to_do.as_ref()))
    }

    /// What is wrong, and the remedy.
    pub fn fail(about: impl Into<String>, what: impl AsRef<str>, to_do: impl AsRef<str>) -> Self {
        Self::new(State::Fail, about, &both(what.as_ref(), to_do.as_ref()))
    }

    fn new(state: State, about: impl Into<String>, text: &str) -> Self {
        Self {
            state,
            about: about.into(),
            text: in_one_line(text),
        }
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The subject of the check.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// What was found, and the remedy.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<4}  {}  {}", self.state, self.about, self.text)
    }
}

fn both(what: &str, to_do: &str) -> String {
    format!("{}: {to_do}", what.trim().trim_end_matches(['.', ':']))
}

/// The text contains the other side's words, which must neither forge a second line nor control a terminal.
fn in_one_line(text: &str) -> String {
    pipeline::shown::harmless(&text.trim().replace(['\n', '\t'], " "), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_that_says_what_to_do() {
        assert_eq!(
            Finding::ok("PostgreSQL", "localhost:5432/cdn, schema 2").to_string(),
            "ok    PostgreSQL  localhost:5432/cdn, schema 2"
        );
        assert_eq!(
            Finding::fail("AWS", "the key is not known.", "set AWS_ACCESS_KEY_ID").to_string(),
            "FAIL  AWS  the key is not known: set AWS_ACCESS_KEY_ID"
        );
        assert_eq!(
            Finding::warn("HTTP", "no answer", "look").to_string(),
            "warn  HTTP  no answer: look"
        );
        assert_eq!(Finding::skip("AWS", "why").to_string(), "skip  AWS  why");
    }

    #[test]
    fn the_other_sides_words_can_not_forge_a_line() {
        let finding = Finding::ok("CA", "a\nok    CA  b\r\u{1b}[2J");
        assert_eq!(finding.to_string(), "ok    CA  a ok    CA  b\\r\\u{1b}[2J");
        let long = Finding::ok("CA", "x".repeat(5000));
        assert_eq!(long.text().chars().count(), LONGEST + 1);
    }
}
