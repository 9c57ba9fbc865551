//! The shapes of the service model: the elements, which of them are required, and their types.
//!
//! `distribution.schema` is derived from the service model (cloudfront 2020-05-31). A document that violates it is
//! `MalformedXML`; a value outside an enumeration is the error that the value's own rule defines.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::NAMESPACE;
use super::errors::{invalid, refuse};
use super::newer::Newer;
use crate::error::Answer;
use crate::xml::{self, Element};

enum Shape {
    Structure(Vec<Member>),
    List { element: String, shape: String },
    Values(Vec<String>),
}

struct Member {
    name: String,
    required: bool,
    shape: String,
}

static SHAPES: LazyLock<HashMap<String, Shape>> = LazyLock::new(|| read(include_str!("distribution.schema")));

fn read(text: &str) -> HashMap<String, Shape> {
    let mut shapes = HashMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((head, rest)) = line.split_once(": ") else {
            continue;
        };
        let (kind, name) = head.split_once(' ').unwrap_or_default();
        let words = rest.split_whitespace();
        let shape = match kind {
            "shape" => Shape::Structure(words.filter_map(member).collect()),
            "list" => {
                let (element, shape) = rest.split_once(':').unwrap_or_default();
                Shape::List {
                    element: element.to_owned(),
                    shape: shape.to_owned(),
                }
            }
            _ => Shape::Values(words.map(str::to_owned).collect()),
        };
        if kind != "alias" {
            shapes.insert(name.to_owned(), shape);
        }
    }
    shapes
}

fn member(word: &str) -> Option<Member> {
    let (name, shape) = word.split_once(':')?;
    let required = name.ends_with('!');
    Some(Member {
        name: name.trim_end_matches('!').to_owned(),
        required,
        shape: shape.to_owned(),
    })
}

/// Parses a request body whose root must be `root` in CloudFront's namespace.
pub fn document(body: &[u8], root: &str) -> Answer<Element> {
    if body.is_empty() {
        let message =
            "This operation requires a body. Ensure that the body is present and the Content-Type header is set.";
        return Err(refuse("MissingBody", message));
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
    let document = xml::parse(text).map_err(|error| malformed(&error.to_string()))?;
    if document.name != root || document.namespace.as_deref() != Some(NAMESPACE) {
        return Err(malformed(&format!("expected {root} in {NAMESPACE}")));
    }
    Ok(document)
}

/// Checks a distribution's configuration against the shapes of the model and the planted newer ones.
pub fn check(config: &Element, newer: &Newer) -> Answer<()> {
    Model(newer).structure(config, "DistributionConfig", "distributionConfig")
}

/// Checks the document of a function, `CreateFunctionRequest` or `UpdateFunctionRequest`, against the shapes of the model.
pub fn check_function(request: &Element) -> Answer<()> {
    Model(&Newer::default()).structure(request, &request.name, &lower_first(&request.name))
}

struct Model<'n>(&'n Newer);

impl Model<'_> {
    fn structure(&self, element: &Element, shape: &str, path: &str) -> Answer<()> {
        match SHAPES.get(shape) {
            Some(Shape::Structure(members)) => self.members_of(element, members, path),
            Some(Shape::List { element: name, shape }) => {
                for (index, child) in element.children.iter().enumerate() {
                    if child.name != *name {
                        return Err(malformed(&format!("unexpected element {} in {path}", child.name)));
                    }
                    self.structure(child, shape, &format!("{path}.{}.member", index + 1))?;
                }
                Ok(())
            }
            Some(Shape::Values(values)) => self.one_of(element, shape, values, path),
            None => scalar(element, shape, path),
        }
    }

    fn members_of(&self, element: &Element, members: &[Member], path: &str) -> Answer<()> {
        if !element.text.trim().is_empty() {
            return Err(malformed(&format!("unexpected text in {path}")));
        }
        for (at, child) in element.children.iter().enumerate() {
            if self.0.has_member(&child.name) {
                continue;
            }
            let Some(member) = members.iter().find(|member| member.name == child.name) else {
                return Err(malformed(&format!("unexpected element {} in {path}", child.name)));
            };
            if element.children[..at].iter().any(|earlier| earlier.name == child.name) {
                return Err(malformed(&format!("element {} is in {path} twice", child.name)));
            }
            self.structure(child, &member.shape, &format!("{path}.{}", lower_first(&member.name)))?;
        }
        match members
            .iter()
            .find(|member| member.required && element.child(&member.name).is_none())
        {
            Some(member) => Err(malformed(&format!(
                "1 validation error detected: Value null at '{path}.{}' failed to satisfy constraint: Member must not be null",
                lower_first(&member.name)
            ))),
            None => Ok(()),
        }
    }

    fn one_of(&self, element: &Element, shape: &str, values: &[String], path: &str) -> Answer<()> {
        if values.contains(&element.text) || self.0.has_value(&element.text) {
            return Ok(());
        }
        let message = format!(
            "1 validation error detected: Value '{}' at '{path}' failed to satisfy constraint: Member must satisfy enum \
             value set: [{}]",
            element.text,
            values.join(", ")
        );
        Err(match shape {
            "MinimumProtocolVersion" => refuse("InvalidMinimumProtocolVersion", message),
            "SSLSupportMethod" | "CertificateSource" => refuse("InvalidViewerCertificate", message),
            "GeoRestrictionType" => refuse("InvalidGeoRestrictionParameter", message),
            _ => invalid(message),
        })
    }
}

fn scalar(element: &Element, shape: &str, path: &str) -> Answer<()> {
    if !element.children.is_empty() {
        return Err(malformed(&format!("unexpected elements in {path}")));
    }
    let fits = match shape {
        "integer" | "long" => element.text.parse::<i64>().is_ok(),
        "boolean" => matches!(element.text.as_str(), "true" | "false"),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(malformed(&format!("'{}' at '{path}' is no {shape}", element.text)))
    }
}

fn malformed(message: &str) -> crate::error::ApiError {
    refuse("MalformedXML", message)
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}
