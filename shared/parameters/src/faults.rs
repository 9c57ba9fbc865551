//! Everything that is wrong with a request's parameters, reported at once: each correction costs another request
//! through Cloud Controller.

use std::fmt;

/// The maximum number of faults that are named.
const MOST: usize = 20;

/// The maximum length of all of them together in bytes, unless the first alone is longer. Cloud Controller accepts
/// 16,000 characters.
const MOST_BYTES: usize = 4000;

/// A fault of one parameter: names the field, the value, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParameterError {
    field: String,
    fault: String,
}

impl ParameterError {
    pub(crate) fn new(field: &str, fault: impl fmt::Display) -> Self {
        Self {
            field: field.to_owned(),
            fault: fault.to_string(),
        }
    }
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}.", self.field, self.fault)
    }
}

/// Everything that is wrong with the parameters, in one text of bounded length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<ParameterError>);

impl From<ParameterError> for Faults {
    fn from(error: ParameterError) -> Self {
        Self(vec![error])
    }
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = 0;
        for (at, fault) in self.0.iter().enumerate() {
            let text = fault.to_string();
            bytes += text.len() + 1;
            if at > 0 && (at >= MOST || bytes > MOST_BYTES) {
                return write!(f, " And {} more.", self.0.len() - at);
            }
            write!(f, "{}{text}", if at > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, error: ParameterError) {
        self.0.push(error);
    }

    /// Whether one of these keys is wrong.
    pub(crate) fn are_about(&self, keys: &[&str]) -> bool {
        self.0.iter().any(|error| keys.contains(&error.field.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(count: usize, length: usize) -> String {
        let fault = |n| ParameterError::new("domains", format!("{n} {}", "x".repeat(length)));
        Faults((0..count).map(fault).collect()).to_string()
    }

    #[test]
    fn all_are_named_as_far_as_there_is_room_and_the_rest_is_counted() {
        assert_eq!(faults(1, 1), "domains: 0 x.");
        assert_eq!(faults(2, 1), "domains: 0 x. domains: 1 x.");
        assert!(faults(MOST, 1).ends_with("domains: 19 x."));
        assert!(faults(100, 1).ends_with("domains: 19 x. And 80 more."));
        let long = faults(10, 1500);
        assert!(
            long.len() < MOST_BYTES + 20 && long.ends_with("x. And 8 more."),
            "{}",
            long.len()
        );
        assert!(faults(1, 3000).ends_with("x."));
        assert!(faults(2, 4000).ends_with("x. And 1 more."));
    }
}
