//! When a certificate is renewed. Pure.

mod marks;

use std::time::Duration;

use time::OffsetDateTime;

pub use marks::{Mark, marks, newest_mark};

/// The share of its lifetime after which a certificate is renewed when the CA doesn't suggest a time (RFC 9773): never
/// a number of days, since lifetimes are getting shorter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

impl Share {
    /// The share of the lifetime, 0 to 1.
    pub fn of(self, life: Duration) -> Duration {
        life.mul_f64(self.0)
    }
}

impl std::str::FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
        percent
            .filter(|percent| (0.0..=90.0).contains(percent))
            .map(|percent| Self(percent / 100.0))
            .ok_or_else(|| format!("{text:?} is no share of a life: write 66% (at most 90%)"))
    }
}

/// Who has decided when a certificate is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenewBy {
    /// The CA suggested a time (RFC 9773).
    Ca,
    /// The operator's share of the lifetime.
    Share,
    /// An operator's command.
    Operator,
}

impl RenewBy {
    /// Its only name, in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::Share => "share",
            Self::Operator => "operator",
        }
    }
}

/// When the certificate is to be renewed: `after` that share of its lifetime, or up to `spread` sooner, so that
/// certificates that were issued together are not renewed together. Never later: the remaining lifetime is the longest
/// CA outage that can be survived. `seed`, from 0 to 1, is specific to the certificate and never changes.
pub fn renew_at(
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    after: Share,
    spread: Share,
    seed: f64,
) -> OffsetDateTime {
    let life = Duration::try_from(not_after - not_before).unwrap_or_default();
    let sooner = spread.of(life).mul_f64(seed.clamp(0.0, 1.0));
    not_before + after.of(life).saturating_sub(sooner)
}

/// The renewal time that the CA suggests: a time in its window, chosen by `seed`, which stays the same as long as the
/// window does (RFC 9773 §4.2: "select a uniform random time within the suggested window"). A window in the past means
/// at once, so its time is in the past, too. `None` when the window can't be used: it ends before it begins, or it
/// began before the certificate did and isn't over, so that a part of it was never in the future (a window of days
/// around a lifetime of minutes). `latest`: the bound beyond which the CA can't postpone the renewal.
pub fn suggested_at(
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    window: (OffsetDateTime, OffsetDateTime),
    latest: Share,
    now: OffsetDateTime,
    seed: f64,
) -> Option<OffsetDateTime> {
    let (start, end) = window;
    let width = Duration::try_from(end - start).ok()?;
    if start < not_before && end > now {
        return None;
    }
    let life = Duration::try_from(not_after - not_before).unwrap_or_default();
    Some((start + width.mul_f64(seed.clamp(0.0, 1.0))).min(not_before + latest.of(life)))
}

/// A certificate's constant pseudo-random number from 0 to 1.
pub fn seed(certificate: uuid::Uuid) -> f64 {
    let (high, _) = certificate.as_u64_pair();
    // Version and variant of a UUID are in the lower half of this number, where they hardly matter.
    high as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn share(text: &str) -> Share {
        text.parse().unwrap()
    }

    #[test]
    fn two_thirds_whatever_the_life() {
        let made = datetime!(2027-01-01 0:00 UTC);
        for (days, due) in [(90, 60), (45, 30), (6, 4)] {
            let end = made + time::Duration::days(days);
            let after = Share(2.0 / 3.0);
            let at = renew_at(made, end, after, share("0%"), 0.7);
            assert!(
                (at - made - time::Duration::days(due)).abs() < time::Duration::SECOND,
                "{days}"
            );
            let soonest = renew_at(made, end, after, share("5%"), 1.0);
            assert!(soonest < at && at - soonest <= time::Duration::days(days) / 20);
        }
        assert_eq!(
            renew_at(made, made - time::Duration::DAY, share("66%"), share("5%"), 0.5),
            made
        );
    }

    #[test]
    fn a_suggested_window_is_followed_and_a_senseless_one_is_not() {
        let made = datetime!(2027-01-01 0:00 UTC);
        let day = |days: i64| made + time::Duration::days(days);
        let at = |window, now, seed| suggested_at(made, day(90), window, share("80%"), now, seed);
        assert_eq!(at((day(60), day(62)), day(1), 0.5), Some(day(61)));
        assert_eq!(at((day(60), day(62)), day(61), 0.5), Some(day(61)), "read again");
        let past = at((day(1), day(2)), day(3), 1.0).unwrap();
        assert!(past < day(3), "at once");
        assert_eq!(
            at((day(-2), day(-1)), day(0), 0.0),
            Some(day(-2)),
            "revoked as soon as made"
        );
        assert_eq!(at((day(60), day(400)), day(1), 1.0), Some(day(72)), "never too late");
        assert_eq!(at((day(62), day(60)), day(1), 0.5), None);
        assert_eq!(at((day(-1), day(1)), day(0), 0.5), None);
    }

    #[test]
    fn certificates_of_one_day_are_spread() {
        let seeds: Vec<f64> = (0..200).map(|_| seed(Uuid::new_v4())).collect();
        assert!(seeds.iter().all(|seed| (0.0..=1.0).contains(seed)));
        for tenth in 0..10 {
            let from = f64::from(tenth) / 10.0;
            assert!(seeds.iter().any(|seed| (from..from + 0.1).contains(seed)), "{from}");
        }
    }

    #[test]
    fn a_share_is_a_percentage() {
        for bad in ["66", "0.66", "91%", "-1%", "", "x%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
        assert_eq!(
            "66%".parse::<Share>().unwrap().of(Duration::from_secs(100)),
            Duration::from_secs(66)
        );
    }
}
