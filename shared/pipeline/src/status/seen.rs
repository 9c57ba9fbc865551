//! What was seen of each domain, problems first, and when it is probed next.

use time::{Duration, OffsetDateTime};

use super::lines::Text;
use super::words::{clock, later};
use super::{DomainView, View, is_plain_absence, is_proved};

/// The space that is reserved for this next to the records.
pub(super) const LEAST_ROOM: usize = 900;
/// The number of domains with nothing found yet that are described in full: the description is the same for each.
const PLAIN_IN_FULL: usize = 8;
/// Probes that are less frequent than this are shown with their time.
const LONGEST_RHYTHM: Duration = Duration::minutes(10);
/// Reserved for the counts at the end, and the interval of probes.
const FOR_THE_END: usize = 250;

/// What was seen, within this many bytes.
pub(super) fn seen(view: &View, needy: &[&DomainView], room: usize) -> Text {
    let mut text = Text::default();
    let mut plain = 0;
    let mut left: Vec<&DomainView> = Vec::new();
    // Domains that were not probed yet come last, the others stay in order.
    let mut order = needy.to_vec();
    order.sort_by_key(|domain| is_plain(domain) && domain.waiting_for.is_none());
    for domain in order {
        plain += usize::from(is_plain(domain));
        let about = about(domain, view.now);
        if is_plain(domain) && plain > PLAIN_IN_FULL || text.len() + about.len() + FOR_THE_END > room {
            left.push(domain);
        } else {
            text.append(about);
        }
    }
    tell_left(&left, &mut text);
    if let Some(rhythm) = rhythm(needy) {
        text.say(&rhythm);
    }
    text
}

fn is_plain(domain: &DomainView) -> bool {
    domain.ca_said.is_none() && is_plain_absence(domain)
}

/// The lines about one domain: the first begins with its name, the others with two blanks.
fn about(domain: &DomainView, now: OffsetDateTime) -> Text {
    let mut lines = in_the_way(domain);
    match (&domain.waiting_for, domain.checked_at) {
        (Some(seen), Some(at)) => {
            let (at, seen) = (clock(at, now), seen.to_string());
            let seen = seen.trim_end_matches('.');
            let next = next_look(domain, now).map_or_else(String::new, |at| format!(" Next check {at}."));
            lines.push(format!("seen {at}: {seen}.{next}"));
        }
        _ if domain.step_state.is_none() => {}
        _ => lines.push("not checked yet.".to_owned()),
    }
    lines.extend(domain.gives_up_at.map(|at| gives_up(at, now)));
    let mut text = Text::default();
    for (at, line) in lines.iter().enumerate() {
        match at {
            0 => text.say(&format!("{}: {line}", domain.domain)),
            _ => text.say(&format!("  {line}")),
        }
    }
    text
}

/// What is in the way beside what was seen last.
pub(crate) fn in_the_way(domain: &DomainView) -> Vec<String> {
    let mut lines = Vec::new();
    if is_proved(domain) {
        lines.push("proved; leave that as it is, and change its CAA records".to_owned());
    }
    if let Some(words) = &domain.ca_said {
        lines.push(format!("the CA rejected it: {words}"));
    }
    lines
}

/// The end of an update's patience.
pub(crate) fn gives_up(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let at = clock(at, now);
    format!("If it is not seen in place by {at}, this update ends by itself and changes nothing.")
}

/// The domains that are only counted.
fn tell_left(left: &[&DomainView], text: &mut Text) {
    let (plain, wrong): (Vec<&DomainView>, Vec<_>) = left.iter().copied().partition(|domain| is_plain(domain));
    let unseen = plain.iter().filter(|domain| domain.waiting_for.is_none()).count();
    for (count, what) in [
        (wrong.len(), "something is wrong, shown here once others are fixed"),
        (plain.len() - unseen, "nothing found yet"),
        (unseen, "not checked yet"),
    ] {
        if count > 0 {
            text.say(&format!("{count} more: {what}."));
        }
    }
}

fn gap(domain: &DomainView) -> Option<Duration> {
    Some(domain.due_at? - domain.checked_at?)
}

/// The next probe of a domain that is not probed for long.
fn next_look(domain: &DomainView, now: OffsetDateTime) -> Option<String> {
    gap(domain).filter(|gap| *gap > LONGEST_RHYTHM)?;
    later(domain.due_at?, now)
}

/// How often the domains are probed. A time would have passed when it is read.
fn rhythm(needy: &[&DomainView]) -> Option<String> {
    let gaps = needy.iter().filter_map(|domain| gap(domain));
    let longest = gaps.filter(|gap| *gap <= LONGEST_RHYTHM).max()?;
    let subject = if needy.len() == 1 { "It is" } else { "Each domain is" };
    Some(match (longest.whole_seconds() + 30) / 60 {
        ..=1 => format!("{subject} checked every minute."),
        minutes => format!("{subject} checked every {minutes} minutes."),
    })
}
