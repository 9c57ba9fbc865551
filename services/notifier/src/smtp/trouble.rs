//! Why a mail was not taken: where in the conversation, and what the server said.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::Error;
use pipeline::shown::{harmless, span};

/// The maximum length of what is shown of a server's words.
const MOST: usize = 300;

/// Where in the conversation (RFC 5321 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Connection, greeting, EHLO, TLS.
    Connect,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA.
    Data,
    /// The mail, and the reply to the dot at its end.
    Content,
}

impl Phase {
    /// Its name in logs and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Auth => "auth",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::Content => "content",
        }
    }
}

/// What the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A reply 4xx or 5xx. By its enhanced code X.7.X (RFC 3463 §3.8) it is about security or policy.
    Refused {
        /// The reply's code.
        code: u16,
        /// The second number of the enhanced code is 7.
        by_policy: bool,
    },
    /// Nothing that is a reply: no connection, it broke, no answer in time, no TLS.
    Lost,
}

/// A mail was not taken.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) phase: Phase,
    pub(crate) answer: Answer,
    /// The server's words, or why there are none.
    words: String,
}

impl Trouble {
    /// What lettre says.
    pub(crate) fn of(phase: Phase, error: &Error) -> Self {
        let answer = match error.status() {
            Some(code) => Answer::Refused {
                code: code.into(),
                by_policy: is_policy(&reply(error)),
            },
            None => Answer::Lost,
        };
        let words = match (error.status(), tls::Problem::find(error)) {
            (Some(code), _) => format!("{code} {}", reply(error)),
            (None, Some(problem)) => problem.to_string(),
            (None, None) => error.to_string(),
        };
        Self { phase, answer, words }
    }

    /// No answer in time.
    pub(crate) fn silence(phase: Phase, limit: Duration) -> Self {
        Self::lost(phase, format!("no answer within {}", span(limit)))
    }

    /// There was no reply.
    pub(crate) fn lost(phase: Phase, words: String) -> Self {
        Self {
            phase,
            answer: Answer::Lost,
            words,
        }
    }

    /// The answer as a label with few values.
    pub(crate) fn label(&self) -> String {
        match self.answer {
            Answer::Refused { code, .. } => code.to_string(),
            Answer::Lost => "lost".to_owned(),
        }
    }

    /// In one line, without the recipient's address: servers like to repeat it.
    pub(crate) fn without(&self, address: &str, shortened: &str) -> String {
        harmless(&replaced(&self.to_string(), address, shortened), MOST)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.phase.as_str(), harmless(&self.words, MOST))
    }
}

/// The lines of the reply, without its code.
fn reply(error: &Error) -> String {
    std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn is_policy(reply: &str) -> bool {
    let mut parts = reply.split_whitespace().next().unwrap_or_default().split('.');
    matches!(parts.next(), Some("4" | "5")) && parts.next() == Some("7") && parts.next().is_some()
}

/// The text with another one in place of the address, however its letters are written.
fn replaced(text: &str, address: &str, shortened: &str) -> String {
    // ASCII letters have as many bytes in either case.
    let (lower, wanted) = (text.to_ascii_lowercase(), address.to_ascii_lowercase());
    if wanted.is_empty() {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find(&wanted)) {
        shown.push_str(text.get(from..from + at).unwrap_or_default());
        shown.push_str(shortened);
        from += at + wanted.len();
    }
    shown.push_str(text.get(from..).unwrap_or_default());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_repeats_the_address_does_not_tell_it() {
        let trouble = Trouble::lost(
            Phase::Recipient,
            "550 <Operators@Example.com>: no operators@example.com here\r\n".to_owned(),
        );
        assert_eq!(
            trouble.without("operators@example.com", "o…s@example.com"),
            "recipient: 550 <o…s@example.com>: no o…s@example.com here\\r\\n"
        );
        assert_eq!(replaced("nothing", "a@b", "x"), "nothing");
        assert_eq!(replaced("ä a@b ü", "A@B", "x"), "ä x ü");
        assert_eq!(replaced("text", "", "x"), "text");
    }

    #[test]
    fn only_an_enhanced_code_of_class_seven_is_policy() {
        for (reply, policy) in [
            ("5.7.1 relaying denied", true),
            ("4.7.0 try later", true),
            ("5.1.1 no such user", false),
            ("relaying 5.7.1 denied", false),
            ("5.7", false),
            ("", false),
        ] {
            assert_eq!(is_policy(reply), policy, "{reply}");
        }
    }
}
