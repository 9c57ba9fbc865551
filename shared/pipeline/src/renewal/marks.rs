//! When it is told that a certificate is not renewed: rarely at first, more often towards its end. Pure.

use time::{Duration, OffsetDateTime};

/// How near a certificate's end is while its renewal does not get done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Of the time that was left when it was due to be renewed, a third is left.
    Third,
    /// 7 days are left.
    Week,
    /// 3 days are left.
    ThreeDays,
    /// A day is left.
    Day,
    /// None is left.
    Ended,
}

impl Mark {
    /// Its only name, in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Third => "third",
            Self::Week => "7d",
            Self::ThreeDays => "3d",
            Self::Day => "1d",
            Self::Ended => "ended",
        }
    }
}

/// The marks of a certificate that is due to be renewed at `renew_at` and ends at `not_after`, in order. The first is that of
/// `certificates_late`, whatever the lifetime; the days before the end count only where they come later.
pub fn marks(renew_at: OffsetDateTime, not_after: OffsetDateTime) -> Vec<(Mark, OffsetDateTime)> {
    let left = (not_after - renew_at).max(Duration::ZERO);
    let first = not_after - left / 3;
    let before = |mark, days| (mark, not_after - Duration::days(days));
    let days = [before(Mark::Week, 7), before(Mark::ThreeDays, 3), before(Mark::Day, 1)];
    std::iter::once((Mark::Third, first))
        .chain(days.into_iter().filter(|(_, at)| *at > first))
        .chain(std::iter::once((Mark::Ended, not_after)))
        .collect()
}

/// The newest mark that has come. Those before it are not told any more: after an outage one of them is enough.
pub fn newest_mark(renew_at: OffsetDateTime, not_after: OffsetDateTime, now: OffsetDateTime) -> Option<Mark> {
    let mut come = marks(renew_at, not_after).into_iter().rev();
    come.find(|(_, at)| *at <= now).map(|(mark, _)| mark)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const MADE: OffsetDateTime = datetime!(2027-01-01 0:00 UTC);

    /// A certificate of so many days that is due after two thirds of them: the marks, in hours before its end.
    fn of_days(days: i64) -> Vec<(&'static str, i64)> {
        let end = MADE + Duration::days(days);
        let due = MADE + Duration::days(days) * 2 / 3;
        let hours = |at: OffsetDateTime| (end - at).whole_hours();
        let marks = marks(due, end).into_iter();
        marks.map(|(mark, at)| (mark.as_str(), hours(at))).collect()
    }

    #[test]
    fn the_days_before_the_end_count_where_they_are_later_than_a_third_of_what_was_left() {
        let (week, three, day, ended) = (("7d", 7 * 24), ("3d", 3 * 24), ("1d", 24), ("ended", 0));
        assert_eq!(of_days(90), [("third", 240), week, three, day, ended]);
        assert_eq!(of_days(47), [("third", 125), three, day, ended]);
        assert_eq!(of_days(6), [("third", 16), ended]);
    }

    #[test]
    fn only_the_newest_mark_is_told() {
        let end = MADE + Duration::days(90);
        let newest = |left: Duration| newest_mark(MADE + Duration::days(60), end, end - left);
        for (left, mark) in [
            (Duration::days(30), None),
            (Duration::days(10) + Duration::SECOND, None),
            (Duration::days(10), Some(Mark::Third)),
            (Duration::days(5), Some(Mark::Week)),
            (Duration::days(3), Some(Mark::ThreeDays)),
            (Duration::hours(1), Some(Mark::Day)),
            (Duration::ZERO, Some(Mark::Ended)),
            (Duration::days(-9), Some(Mark::Ended)),
        ] {
            assert_eq!(newest(left), mark, "{left}");
        }
        // Due when it has ended already.
        let late = newest_mark(end + Duration::DAY, end, end - Duration::DAY);
        assert_eq!(late, None);
        assert_eq!(newest_mark(end + Duration::DAY, end, end), Some(Mark::Ended));
    }
}
