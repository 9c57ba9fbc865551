//! Messages and the delay queues' setting, for arbitrary input (docs/fuzzing.md).

use std::time::Duration;

use messaging::{DelayQueues, Message};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The reason goes into a header of the parked message and into the log. RabbitMQ closes the connection on a header
/// that doesn't fit into a frame (128 KiB), and the message would be redelivered forever.
const MOST_BYTES_OF_REASON: usize = 2500;

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        (1_usize..200_000, "[a-z\u{1b}\u{202e}é]").prop_map(|(times, of)| Value::from(of.repeat(times))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

fn understood_or_told(body: &[u8]) -> Result<(), TestCaseError> {
    match Message::parse(body) {
        Ok(message) => {
            let again = message.body();
            prop_assert_eq!(Message::parse(&again), Ok(message));
        }
        Err(reason) => {
            prop_assert!(
                !reason.is_empty() && reason.len() <= MOST_BYTES_OF_REASON,
                "{} bytes",
                reason.len()
            );
            prop_assert!(!reason.contains(char::is_control), "{:?}", reason);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn bytes_are_an_alarm_or_told_why_not(body in prop::collection::vec(any::<u8>(), 0..300)) {
        understood_or_told(&body)?;
    }

    #[test]
    fn json_is_an_alarm_or_told_why_not(
        v in prop_oneof![Just(json!(1)), anything()],
        step in prop_oneof![Just(json!("00000000-0000-0000-0000-000000000000")), anything()],
        attempt in prop_oneof![Just(json!(3)), anything()],
        more in anything(),
        key in any::<String>(),
    ) {
        let mut fields = serde_json::Map::new();
        fields.insert(key, more);
        fields.extend([("v".to_string(), v), ("step".to_string(), step), ("attempt".to_string(), attempt)]);
        understood_or_told(Value::Object(fields).to_string().as_bytes())?;
    }

    #[test]
    fn delay_queues_read_back_and_every_delay_has_one(
        text in prop_oneof![any::<String>(), "([0-9]{1,20}[ ,]{1,2}){0,6}[0-9]{1,20}"],
        delay in any::<Duration>(),
    ) {
        if let Ok(queues) = text.parse::<DelayQueues>() {
            prop_assert_eq!(queues.to_string().parse::<DelayQueues>(), Ok(queues.clone()));
            // The longest `x-message-ttl` that RabbitMQ accepts.
            prop_assert!(queues.all_ms().iter().all(|ms| (1..=u64::from(u32::MAX)).contains(ms)), "{}", queues);
            if let Some(ms) = queues.ms_for(delay) {
                prop_assert!(queues.all_ms().contains(&ms));
                let longest = queues.all_ms().last() == Some(&ms);
                prop_assert!(longest || u128::from(ms) >= delay.as_millis());
            }
        }
    }
}
