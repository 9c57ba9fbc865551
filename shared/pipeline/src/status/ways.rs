//! The records that the user may set: each on a line of its own, with what all domains share listed once.

use super::lines::Text;
use super::words::{capitalized, list};
use super::{DomainView, View, is_proved};
use crate::domain::wildcard_of;
use crate::proof::{Method, Place, ToSet};

/// The placeholder for each domain's name in a pattern.
const ANY: &str = "<domain>";

/// A TXT record, ready for copying.
pub(super) fn txt(name: &str, value: &str) -> String {
    format!("{name} TXT \"{value}\"")
}

/// A CNAME record, ready for copying.
pub(super) fn cname(name: &str, target: &str) -> String {
    format!("{name} CNAME {target}")
}

/// A record, ready for copying; a redirect is none.
pub(super) fn line(set: &ToSet) -> Option<String> {
    match set {
        ToSet::Txt { name, value } => Some(txt(name, value)),
        ToSet::Cname { name, target } => Some(cname(name, target)),
        ToSet::Redirect(_) => None,
    }
}

/// The heading of one way among several.
pub(crate) fn heading(heading: &str, is_first: bool) -> String {
    match is_first {
        true => capitalized(heading),
        false => format!("Or {heading}"),
    }
}

/// Stands for the values of an order that isn't placed yet.
pub(crate) const BY_THE_NEXT_ORDER: &str = "by a value of the new order, which is shown here once it is placed.";

/// All challenge types of the domains within this many bytes. Where they don't fit, names that can be derived from the
/// domain are shown as a pattern; where they still don't fit, the last domains are only counted. Without an address of the responder redirects
/// are left out.
pub(super) fn ways(view: &View, needy: &[&DomainView], responder: Option<&str>, room: usize) -> Text {
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

fn of(view: &View, needy: &[&DomainView], responder: Option<&str>, pattern: bool) -> Text {
    let unproved: Vec<&DomainView> = needy.iter().copied().filter(|domain| !is_proved(domain)).collect();
    let wildcards = unproved.iter().any(|domain| wildcard_of(&domain.domain).is_some());
    let names = view.names();
    let tenancy = view.tenancy(&names);
    let by = |method: Method| {
        let offered = unproved
            .iter()
            .filter_map(|domain| Some((domain, domain.challenge(method)?)));
        let any = offered.clone().next().filter(|_| pattern);
        let any = any.map(|(_, challenge)| challenge.place(ANY));
        let sets = offered.map(|(domain, challenge)| challenge.to_set(&domain.domain, &tenancy));
        (method.heading(wildcards), records(method, sets, responder, any))
    };
    let ways = Method::ALL
        .map(by)
        .into_iter()
        .filter(|(_, records)| !records.is_empty());
    let mut text = Text::default();
    for (heading, records) in ways.chain(next_order(&unproved)) {
        let mut told = Text::of(&self::heading(heading, text.is_empty()));
        told.append(records);
        text.append_apart(told);
    }
    text
}

/// The records of one challenge type; `any`: the pattern for each domain's location, in place of the names.
fn records(method: Method, sets: impl Iterator<Item = ToSet>, responder: Option<&str>, any: Option<Place>) -> Text {
    let mut values: Vec<(String, Vec<String>)> = Vec::new();
    let mut cnames: Vec<String> = Vec::new();
    let mut redirects = Vec::new();
    for set in sets {
        match set {
            ToSet::Redirect(redirect) => redirects.push(redirect),
            ToSet::Cname { name, target } => {
                let record = cname(&name, &target);
                if !cnames.contains(&record) {
                    cnames.push(record);
                }
            }
            ToSet::Txt { name, value } => match values.iter_mut().find(|(known, _)| *known == value) {
                // A value for one order belongs to one domain.
                Some((_, names)) if method.outlasts_its_order() => {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                _ => values.push((value, vec![name])),
            },
        }
    }
    let mut text = Text::default();
    let any = any.filter(|_| values.len() == 1);
    for (value, names) in &values {
        if let [name] = names.as_slice() {
            text.record(&txt(name, value));
            continue;
        }
        text.say("the TXT record with the value");
        text.record(&format!("\"{value}\""));
        if let Some(any) = &any {
            text.say("for each domain at");
            text.record(any.name());
            continue;
        }
        text.say("at each of these names:");
        for name in names {
            text.record(name);
        }
    }
    for record in &cnames {
        text.record(record);
    }
    let alone = redirects.len() == 1;
    if let (Some(mut redirect), Some(responder)) = (redirects.pop(), responder) {
        if !alone {
            ANY.clone_into(&mut redirect.host);
        }
        text.record(&redirect.from());
        text.say("to");
        text.record(&redirect.to(responder));
    }
    text
}

/// Some challenge types require other values with each order. Those of the next order are known a moment before its
/// domains are probed.
fn next_order(unproved: &[&DomainView]) -> Option<(&'static str, Text)> {
    let is_needed = unproved.iter().any(|domain| needs_the_next_order(domain));
    is_needed.then(|| (BY_THE_NEXT_ORDER, Text::default()))
}

/// Some of what may be set for the domain is not known yet.
pub(crate) fn needs_the_next_order(domain: &DomainView) -> bool {
    let mut ways = Method::ALL.into_iter().filter(|method| !method.outlasts_its_order());
    domain.step_state.is_none() && !ways.any(|method| domain.challenge(method).is_some())
}
