//! The form body of a query API call.

use super::xml::refuse;
use crate::error::Answer;
use crate::percent;

/// A decoded form.
#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Decodes a body.
    pub fn read(body: &[u8]) -> Self {
        Self(percent::pairs(&String::from_utf8_lossy(body), true))
    }

    /// The `Action`, or an empty string.
    pub fn action(&self) -> &str {
        self.get("Action").unwrap_or_default()
    }

    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        percent::value(&self.0, name)
    }

    /// A required parameter, checked against the length and the characters of the service model.
    pub fn required(&self, name: &str, most: usize, allowed: fn(char) -> bool) -> Answer<&str> {
        self.optional(name, most, allowed)?.ok_or_else(|| {
            validation(&format!(
                "Value null at '{}' failed to satisfy constraint: Member must not be null",
                lower_first(name)
            ))
        })
    }

    /// An optional parameter, checked in the same way.
    pub fn optional(&self, name: &str, most: usize, allowed: fn(char) -> bool) -> Answer<Option<&str>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let constraint = if value.is_empty() {
            "Member must have length greater than or equal to 1".to_owned()
        } else if value.chars().count() > most {
            format!("Member must have length less than or equal to {most}")
        } else if !value.chars().all(allowed) {
            "Member must satisfy its regular expression pattern".to_owned()
        } else {
            return Ok(Some(value));
        };
        let shown = if value.len() > 128 || name == "PrivateKey" {
            "…"
        } else {
            value
        };
        let at = lower_first(name);
        Err(validation(&format!(
            "Value '{shown}' at '{at}' failed to satisfy constraint: {constraint}"
        )))
    }

    /// `MaxItems`, 100 unless given.
    pub fn max_items(&self) -> Answer<usize> {
        match self.get("MaxItems").map(str::parse::<usize>) {
            None => Ok(100),
            Some(Ok(number @ 1..=1000)) => Ok(number),
            Some(_) => Err(validation(
                "Value at 'maxItems' failed to satisfy constraint: Member must be between 1 and 1000",
            )),
        }
    }

    /// The members of a list parameter, such as `Tags.member.1.Key`: the given field of each, in order.
    pub fn members(&self, list: &str, field: &str) -> Vec<&str> {
        let name = |index: usize| match field {
            "" => format!("{list}.member.{index}"),
            field => format!("{list}.member.{index}.{field}"),
        };
        (1..).map_while(|index| self.get(&name(index))).collect()
    }
}

fn validation(message: &str) -> crate::error::ApiError {
    refuse("ValidationError", format!("1 validation error detected: {message}"))
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}
