//! The message.

use uuid::Uuid;

/// What a message says: look at this step, if it is still at this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct Alarm {
    /// Version of the format.
    pub v: u32,
    /// The step.
    pub step: Uuid,
    /// The attempt.
    pub attempt: i32,
}

/// The format's version that this program writes, and the newest it reads.
const VERSION: u32 = 1;

/// The most characters of a reason. It becomes a header, and RabbitMQ closes the connection on a header that doesn't
/// fit into a frame; the message would then come back for ever.
const MOST_OF_REASON: usize = 200;

impl Alarm {
    /// An alarm for a step's attempt.
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

    /// Reads a message's body.
    ///
    /// # Errors
    /// What is wrong with it, for the parking queue: short and on one line, whatever the message holds.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let alarm: Self = serde_json::from_slice(body).map_err(|error| format!("not an alarm: {}", short(&error)))?;
        if alarm.v > VERSION {
            return Err(format!("an alarm of version {}, this program knows {VERSION}", alarm.v));
        }
        Ok(alarm)
    }
}

/// The error quotes what it met: cut, control and invisible characters escaped.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let more = if text.chars().nth(MOST_OF_REASON).is_some() {
        "…"
    } else {
        ""
    };
    let cut: String = text.chars().take(MOST_OF_REASON).collect();
    cut.chars()
        .map(|c| match c {
            '"' | '\'' | '\\' => c.to_string(),
            other => other.escape_debug().to_string(),
        })
        .chain([more.to_string()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_an_alarm_is_told_and_extra_fields_are_welcome() {
        let alarm = Alarm::new(Uuid::nil(), 3);
        assert_eq!(Alarm::parse(&alarm.body()).unwrap(), alarm);
        let newer = format!(r#"{{"v":1,"step":"{}","attempt":3,"priority":9}}"#, Uuid::nil());
        assert_eq!(Alarm::parse(newer.as_bytes()).unwrap(), alarm);
        for garbage in [
            &b""[..],
            b"{",
            b"null",
            b"\xff\xfe",
            br#"{"v":1,"step":"x","attempt":0}"#,
        ] {
            assert!(Alarm::parse(garbage).unwrap_err().starts_with("not an alarm"));
        }
        let future = format!(r#"{{"v":2,"step":"{}","attempt":0}}"#, Uuid::nil());
        assert!(Alarm::parse(future.as_bytes()).unwrap_err().contains("version 2"));
    }
}
