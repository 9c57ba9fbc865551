//! Terraform's language: strings, names of resources, and the zones to which names belong.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A text in quotes that means itself: no template begins in it. A `$` or `%` before a brace is written by its code, since
/// doubling it is ambiguous after another one.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let begins_template = matches!(character, '$' | '%') && characters.peek() == Some(&'{');
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            other if begins_template || other.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Several in a list.
pub(super) fn list(texts: impl Iterator<Item = String>) -> String {
    let strings: Vec<String> = texts.map(|text| string(&text)).collect();
    format!("[{}]", strings.join(", "))
}

/// The names of resources so far.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name for a record, which it keeps as long as the records before it stay: Terraform replaces what is renamed.
    pub(super) fn of(&mut self, kind: &str, record: &str) -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        };
        let base = format!("{kind}_{}", record.chars().map(plain).collect::<String>());
        let mut name = base.clone();
        let mut number = 1;
        while !self.0.insert(name.clone()) {
            number += 1;
            name = format!("{base}_{number}");
        }
        name
    }
}

/// The zone that a record is probably in: the registered domain. A zone of a subdomain has to be written in its place.
pub(super) fn zone(record: &str) -> &str {
    let registered = psl::domain_str(record).filter(|domain| *domain != record);
    registered.or_else(|| Some(record.split_once('.')?.1)).unwrap_or(record)
}
