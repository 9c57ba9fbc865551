//! Resource record sets.

use super::errors::invalid;
use crate::error::Answer;
use crate::xml::Element;

/// What a set is known by: its name with the labels reversed, which is also the order of lists (API reference,
/// "ListResourceRecordSets"), its type, and its set identifier.
pub type Key = (String, String, Option<String>);

/// A resource record set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSet {
    /// In lower case, with a trailing dot.
    pub name: String,
    /// Its type, such as `TXT`.
    pub kind: String,
    /// What distinguishes it from others of its name and type; none for a simple one.
    pub identifier: Option<String>,
    /// Whether it is one of several answers.
    pub multivalue: bool,
    /// Seconds.
    pub ttl: i64,
    /// The values in presentation form.
    pub values: Vec<String>,
}

/// A name as the service keeps it: in lower case, with a trailing dot, `*` as `\052`.
pub fn normalized(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('*', "\\052");
    format!("{}.", name.trim_end_matches('.'))
}

/// The name with its labels reversed, `com.example.www.`
pub fn reversed(name: &str) -> String {
    let labels = name.trim_end_matches('.').rsplit('.').collect::<Vec<_>>();
    format!("{}.", labels.join("."))
}

/// The members of the service model that this simulator knows.
const KNOWN: [&str; 6] = [
    "Name",
    "Type",
    "SetIdentifier",
    "MultiValueAnswer",
    "TTL",
    "ResourceRecords",
];
const LONGEST_IDENTIFIER: usize = 128;

impl RecordSet {
    /// What it is known by.
    pub fn key(&self) -> Key {
        (reversed(&self.name), self.kind.clone(), self.identifier.clone())
    }

    /// Reads the element of a request. `action` is for messages.
    pub fn read(element: &Element, action: &str) -> Answer<Self> {
        if let Some(unknown) = element.children.iter().find(|it| !KNOWN.contains(&it.name.as_str())) {
            return Err(invalid(format!("{} is not simulated", unknown.name)));
        }
        let required = |name: &str| {
            let missing = || invalid(format!("Invalid XML ; cvc-complex-type.2.4: {name} is expected"));
            element.given(name).map(str::to_owned).ok_or_else(missing)
        };
        let (name, kind) = (normalized(&required("Name")?), required("Type")?);
        let identifier = element.given("SetIdentifier").map(str::to_owned);
        let which = format!(
            "in Change with [Action={action}, Name={name}, Type={kind}, SetIdentifier={}]",
            identifier.as_deref().unwrap_or("null")
        );
        let multivalue = element.is_true("MultiValueAnswer");
        match (&identifier, multivalue) {
            (Some(_), false) => {
                return Err(invalid(format!(
                    "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, or MultiValueAnswer], but found \
                     none {which}"
                )));
            }
            (None, true) => {
                return Err(invalid(format!(
                    "Invalid request: Missing field 'SetIdentifier' {which}"
                )));
            }
            (Some(identifier), true) if identifier.chars().count() > LONGEST_IDENTIFIER => {
                return Err(invalid(format!(
                    "SetIdentifier has more than {LONGEST_IDENTIFIER} characters {which}"
                )));
            }
            _ => {}
        }
        let values = element
            .at("ResourceRecords")
            .map_or(&[][..], |records| &records.children);
        let values = values
            .iter()
            .filter_map(|it| it.text_at("Value").map(str::to_owned))
            .collect::<Vec<_>>();
        let ttl = element.number("TTL").filter(|ttl| (0..=2_147_483_647).contains(ttl));
        let (Some(ttl), false) = (ttl, values.is_empty()) else {
            return Err(invalid(format!(
                "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
                 TrafficPolicyInstanceId], but found none {which}"
            )));
        };
        Ok(Self {
            name,
            kind,
            identifier,
            multivalue,
            ttl,
            values,
        })
    }

    /// The element of a list.
    pub fn element(&self) -> Element {
        let mut children = vec![Element::leaf("Name", &self.name), Element::leaf("Type", &self.kind)];
        if let Some(identifier) = &self.identifier {
            children.push(Element::leaf("SetIdentifier", identifier));
        }
        if self.multivalue {
            children.push(Element::leaf("MultiValueAnswer", "true"));
        }
        children.push(Element::leaf("TTL", self.ttl.to_string()));
        let record = |value: &String| Element::node("ResourceRecord", vec![Element::leaf("Value", value)]);
        children.push(Element::node(
            "ResourceRecords",
            self.values.iter().map(record).collect(),
        ));
        Element::node("ResourceRecordSet", children)
    }

    /// Whether both have the same content. The order of values doesn't matter.
    pub fn same_content(&self, other: &Self) -> bool {
        let sorted = |set: &Self| {
            let mut values = set.values.clone();
            values.sort();
            values
        };
        (self.ttl, self.multivalue) == (other.ttl, other.multivalue) && sorted(self) == sorted(other)
    }

    /// It, as messages name it.
    pub fn described(&self) -> String {
        let identifier = match &self.identifier {
            Some(identifier) => format!(", set-identifier='{identifier}'"),
            None => String::new(),
        };
        format!("[name='{}', type='{}'{identifier}]", self.name, self.kind)
    }
}
