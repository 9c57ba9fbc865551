//! What the user may set: each record on a line of its own, what all domains have alike once.

use super::lines::Text;
use super::{DomainView, View, capitalized, is_proved, list, set_once};
use crate::domain::{CHALLENGE_PATH, dns01_record_name, persist_record_name, responder_prefix, wildcard_of};

/// What stands for each domain's name in a pattern.
const ANY: &str = "<domain>";

/// A TXT record, ready for copying.
pub(super) fn txt(name: &str, value: &str) -> String {
    format!("{name} TXT \"{value}\"")
}

/// All ways of the domains in so many bytes. Where they don't fit, names that can be made from the domain are told as a pattern; where they
/// still don't, the domains that come last are counted.
pub(super) fn ways(view: &View, needy: &[&DomainView], responder: &str, room: usize) -> Text {
    let all = of(view, needy, responder, false);
    if all.len() <= room {
        return all;
    }
    let mut shown = needy.len();
    loop {
        let mut some = of(view, &needy[..shown], responder, true);
        let rest: Vec<&str> = needy[shown..].iter().map(|domain| domain.domain.as_str()).collect();
        if !rest.is_empty() {
            some.append_apart(Text::of(&format!(
                "and {} more like these, shown once some are verified: {}.",
                rest.len(),
                list(&rest, 400)
            )));
        }
        if some.len() <= room || shown <= 1 {
            return some;
        }
        shown -= (shown / 20).max(1);
    }
}

fn of(view: &View, needy: &[&DomainView], responder: &str, pattern: bool) -> Text {
    let unproved: Vec<&DomainView> = needy.iter().copied().filter(|domain| !is_proved(domain)).collect();
    let mut text = Text::default();
    for way in [
        persist(view, &unproved, pattern),
        dns01(&unproved),
        http01(view, &unproved, responder),
        next_order(&unproved),
    ] {
        let Some((heading, records)) = way else { continue };
        let mut told = Text::of(&if text.is_empty() {
            capitalized(heading)
        } else {
            format!("Or {heading}")
        });
        told.append(records);
        text.append_apart(told);
    }
    text
}

/// dns-persist-01: where domains have one value in common, it is told once.
fn persist(view: &View, unproved: &[&DomainView], pattern: bool) -> Option<(&'static str, Text)> {
    let mut values: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in unproved.iter().filter_map(|domain| set_once(view, domain)) {
        match values.iter_mut().find(|(known, _)| *known == value) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => values.push((value, vec![name])),
        }
    }
    let mut text = Text::default();
    for (value, names) in &values {
        if let [name] = names.as_slice() {
            text.record(&txt(name, value));
            continue;
        }
        text.say("the TXT record with the value");
        text.record(&format!("\"{value}\""));
        if pattern && values.len() == 1 {
            text.say("for each domain at");
            text.record(&persist_record_name(ANY));
            continue;
        }
        text.say("at each of these names:");
        for name in names {
            text.record(name);
        }
    }
    (!values.is_empty()).then_some(("set once, good for every later certificate:", text))
}

fn dns01(unproved: &[&DomainView]) -> Option<(&'static str, Text)> {
    let mut text = Text::default();
    for domain in unproved {
        if let Some(value) = &domain.dns01_value {
            text.record(&txt(&dns01_record_name(&domain.domain), value));
        }
    }
    (!text.is_empty()).then_some(("for this certificate only:", text))
}

fn http01(view: &View, unproved: &[&DomainView], responder: &str) -> Option<(&'static str, Text)> {
    let able: Vec<&DomainView> = unproved.iter().copied().filter(|domain| domain.has_http01).collect();
    let name = match able.as_slice() {
        [] => return None,
        [only] => &only.domain,
        _ => ANY,
    };
    let mut text = Text::default();
    text.record(&format!("http://{name}{CHALLENGE_PATH}*"));
    text.say("to");
    text.record(&format!("{responder}{}*", responder_prefix(&view.tenant)));
    let heading = match unproved.iter().any(|domain| wildcard_of(&domain.domain).is_some()) {
        true => "by HTTP, where it is no wildcard: redirect",
        false => "by HTTP: redirect",
    };
    Some((heading, text))
}

/// dns-01 and http-01 want other values with each order. Those of the next are known a moment before its domains are looked at.
fn next_order(unproved: &[&DomainView]) -> Option<(&'static str, Text)> {
    let unknown =
        |domain: &&&DomainView| domain.step_state.is_none() && domain.dns01_value.is_none() && !domain.has_http01;
    let heading = "by a value of the new order, which is shown here once it is placed.";
    unproved.iter().find(unknown).map(|_| (heading, Text::default()))
}
