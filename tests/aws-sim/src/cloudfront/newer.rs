//! A CloudFront that is newer than the caller's service model: members and values that no SDK knows yet.

use std::collections::BTreeSet;

use crate::xml::{self, Element};

/// The planted names of members, and values of enumerations.
#[derive(Debug, Clone, Default)]
pub struct Newer {
    members: BTreeSet<String>,
    values: BTreeSet<String>,
}

impl Newer {
    /// Whether the schema accepts a member with this name.
    pub fn has_member(&self, name: &str) -> bool {
        self.members.contains(name)
    }

    /// Whether the schema accepts this value.
    pub fn has_value(&self, value: &str) -> bool {
        self.values.contains(value)
    }

    /// Adds a member below the element at the path, in every item of the lists on the path; returns how many were
    /// added.
    pub fn plant_member(&mut self, config: &mut Element, path: &str, xml: &str) -> Result<usize, xml::XmlError> {
        let member = xml::parse(xml)?;
        self.members.insert(member.name.clone());
        Ok(each(config, path, &mut |place| place.children.push(member.clone())))
    }

    /// Replaces the value of the elements at the path; returns how many there are.
    pub fn plant_value(&mut self, config: &mut Element, path: &str, value: &str) -> usize {
        self.values.insert(value.to_owned());
        each(config, path, &mut |place| value.clone_into(&mut place.text))
    }
}

fn each(element: &mut Element, path: &str, change: &mut impl FnMut(&mut Element)) -> usize {
    if path.is_empty() {
        change(element);
        return 1;
    }
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let places = element.children.iter_mut().filter(|child| child.name == name);
    places.map(|place| each(place, rest, change)).sum()
}
