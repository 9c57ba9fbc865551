//! Schedules and tenants' paths, for arbitrary input (docs/fuzzing.md).

use std::time::Duration;

use pipeline::Schedule;
use pipeline::proof::{path_segment, responder_origin_path, responder_path};
use proptest::prelude::*;

/// A part of a schedule that is valid or nearly so, with durations from zero to far out of range.
fn part() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "first",
        "max",
        "deadline",
        "limit",
        "factor",
        "share",
        "first-hour",
        "jitter",
        "speed",
        "",
    ]);
    let unit = prop::sample::select(vec!["", "ns", "ms", "s", "m", "h", "d", "y", "%", " s", "e9s"]);
    let number = prop_oneof![
        any::<u64>().prop_map(|number| number.to_string()),
        (0_u32..2000).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
    ];
    (name, number, unit).prop_map(|(name, number, unit)| format!("{name}={number}{unit}"))
}

/// A parsed schedule must be usable: no delay overflows, none is zero, none is longer than the given maximum.
fn usable(schedule: Schedule, attempt: u32) -> Result<(), TestCaseError> {
    let age = Duration::from_secs(u64::from(attempt));
    let delay = schedule.delay(attempt, age);
    prop_assert!(!delay.is_zero() || schedule.jitter == 1.0, "{schedule:?}");
    let longest = schedule.max.as_secs_f64() * (1.0 + schedule.jitter) + 0.001;
    prop_assert!(delay.as_secs_f64() <= longest, "{delay:?} of {schedule:?}");
    for duration in [schedule.first, schedule.max, schedule.deadline, schedule.limit] {
        prop_assert!(!duration.is_zero(), "{schedule:?}");
        // PostgreSQL adds it to now(), in milliseconds or microseconds.
        prop_assert!(i64::try_from(duration.as_micros()).is_ok(), "{schedule:?}");
        prop_assert!(duration.as_secs() <= 10 * 366 * 86_400, "{schedule:?}");
    }
    prop_assert!((1.0..=100.0).contains(&schedule.factor) && (0.0..=1.0).contains(&schedule.jitter));
    Ok(())
}

proptest! {
    #[test]
    fn a_schedule_is_usable_or_refused(text in any::<String>(), attempt in any::<u32>()) {
        if let Ok(schedule) = text.parse::<Schedule>() {
            usable(schedule, attempt)?;
        }
    }

    #[test]
    fn a_schedule_that_is_nearly_right_is_usable_or_refused(
        parts in prop::collection::vec(part(), 0..7),
        attempt in prop_oneof![any::<u32>(), 0_u32..20],
    ) {
        match parts.join(",").parse::<Schedule>() {
            Ok(schedule) => usable(schedule, attempt)?,
            Err(error) => prop_assert!(!error.to_string().contains(char::is_control)),
        }
    }

    /// Reversible, so no two tenants share a path, and none escapes its own.
    #[test]
    fn a_tenants_path_is_its_own(tenant in any::<String>(), token in "[A-Za-z0-9_-]{1,128}") {
        let segment = path_segment(&tenant);
        prop_assert_eq!(read_back(&segment), Some(tenant.clone()));
        prop_assert!(segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte)), "{}", segment);
        prop_assert!(!matches!(segment.as_str(), "." | ".."));
        let path = responder_path(&tenant, &token);
        prop_assert_eq!(path, format!("{}/.well-known/acme-challenge/{token}", responder_origin_path(&tenant)));
    }
}

/// The tenant that a segment was made of.
fn read_back(segment: &str) -> Option<String> {
    let mut tenant = String::new();
    let mut rest = segment;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        if first == '~' {
            let (code, after) = rest.split_once('.')?;
            tenant.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
            rest = after;
        } else {
            tenant.push(first);
        }
    }
    Some(tenant)
}
