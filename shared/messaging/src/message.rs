//! The content of a message.

use pipeline::shown::harmless;
use uuid::Uuid;

/// A wake-up as RabbitMQ carries it: check this step, if it is still at this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct Message {
    /// Version of the format.
    pub v: u32,
    /// The step.
    pub step: Uuid,
    /// The attempt.
    pub attempt: i32,
}

/// The format version that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// The maximum length of a reason. It becomes a header, and RabbitMQ closes the connection on a header that doesn't fit
/// into a frame; the message would then be redelivered forever.
const MOST_OF_REASON: usize = 200;

impl Message {
    /// The message for a step's attempt.
    pub fn new(step: Uuid, attempt: i32) -> Self {
        Self {
            v: VERSION,
            step,
            attempt,
        }
    }

    /// A message's body.
    pub fn body(self) -> Vec<u8> {
        serde_json::json!({"v": self.v, "step": self.step, "attempt": self.attempt})
            .to_string()
            .into_bytes()
    }

    /// Parses a message's body.
    ///
    /// # Errors
    /// The problem, for the parking queue: short and on one line, whatever the message contains.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let message: Self = serde_json::from_slice(body)
            .map_err(|error| format!("not a wake-up: {}", harmless(&error.to_string(), MOST_OF_REASON)))?;
        if message.v > VERSION {
            return Err(format!(
                "a wake-up of version {}, this program knows {VERSION}",
                message.v
            ));
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_wake_up_is_refused_and_extra_fields_are_accepted() {
        let message = Message::new(Uuid::nil(), 3);
        assert_eq!(Message::parse(&message.body()).unwrap(), message);
        let newer = format!(r#"{{"v":1,"step":"{}","attempt":3,"priority":9}}"#, Uuid::nil());
        assert_eq!(Message::parse(newer.as_bytes()).unwrap(), message);
        for garbage in [
            &b""[..],
            b"{",
            b"null",
            b"\xff\xfe",
            br#"{"v":1,"step":"x","attempt":0}"#,
        ] {
            assert!(Message::parse(garbage).unwrap_err().starts_with("not a wake-up"));
        }
        let future = format!(r#"{{"v":2,"step":"{}","attempt":0}}"#, Uuid::nil());
        assert!(Message::parse(future.as_bytes()).unwrap_err().contains("version 2"));
    }
}
