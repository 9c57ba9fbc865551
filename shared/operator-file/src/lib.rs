//! The operator's JSON, parsed strictly: an error is one line that begins with the path in the JSON, such as
//! `services[0].plans[1].name`. Values are never shown here, since some are secrets.

use std::fmt;
use std::path::Path;

use parameters::{did_you_mean, shown};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The largest file accepted; a catalog or a list of platforms has some kilobytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// The file's JSON.
///
/// # Errors
/// When it can't be read, is too long, or is no JSON.
pub fn read(path: &Path) -> Result<Value, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MOST_BYTES {
        return Err(format!("it has {length} bytes; at most {MOST_BYTES} are read"));
    }
    parse(&std::fs::read_to_string(path).map_err(|error| error.to_string())?)
}

/// The text's JSON.
///
/// # Errors
/// When it is no JSON, or a key appears twice in one object.
pub fn parse(text: &str) -> Result<Value, String> {
    match serde_json::from_str::<Unique>(text) {
        Ok(Unique(value)) => Ok(value),
        Err(error) => Err(format!("it is not valid JSON: {error}")),
    }
}

/// An object of the file, and its path.
pub struct Object<'v> {
    path: String,
    fields: &'v Map<String, Value>,
}

impl<'v> Object<'v> {
    /// The value at `path` (empty: the whole file).
    ///
    /// # Errors
    /// When it is no object.
    pub fn of(path: impl Into<String>, value: &'v Value) -> Result<Self, String> {
        let path = path.into();
        match value {
            Value::Object(fields) => Ok(Self { path, fields }),
            other => {
                let whole = if path.is_empty() { "the file" } else { &path };
                Err(format!("{whole}: {} is not an object", kind(other)))
            }
        }
    }

    /// The path of a field of this object.
    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_string()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Refuses unknown keys.
    ///
    /// # Errors
    /// When there is a key that is not `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), String> {
        let Some(unknown) = self.fields.keys().find(|key| !known.contains(&key.as_str())) else {
            return Ok(());
        };
        let whole = if self.path.is_empty() { "the file" } else { &self.path };
        let meant = did_you_mean(unknown, known).map(|near| format!("; did you mean \"{near}\"?"));
        Err(format!(
            "{whole}: there is no key {}{} known are {}",
            shown(unknown),
            meant.as_deref().unwrap_or(";"),
            known.join(", ")
        ))
    }

    /// Refuses keys that look like a misspelt known one; all other keys are allowed.
    ///
    /// # Errors
    /// When there is one.
    pub fn no_misspelt(&self, known: &[&str]) -> Result<(), String> {
        for key in self.fields.keys().filter(|key| !known.contains(&key.as_str())) {
            if let Some(near) = did_you_mean(key, known) {
                return Err(format!("{}: it is spelt \"{near}\"", self.at(key)));
            }
        }
        Ok(())
    }

    /// All fields.
    pub fn fields(&self) -> &'v Map<String, Value> {
        self.fields
    }

    /// A field's value; `null` counts as absent.
    pub fn get(&self, key: &str) -> Option<&'v Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// A text field, checked by [`text`].
    ///
    /// # Errors
    /// When it is present and not such a text.
    pub fn text(&self, key: &str, most: usize) -> Result<Option<&'v str>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => text(&self.at(key), value, most).map(Some),
        }
    }

    /// The same for a required field.
    ///
    /// # Errors
    /// When it is absent, or not such a text.
    pub fn needed_text(&self, key: &str, most: usize) -> Result<&'v str, String> {
        self.text(key, most)?.ok_or_else(|| self.missing(key))
    }

    /// A field that is true or false.
    ///
    /// # Errors
    /// When it is present and neither.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(format!("{}: {} is neither true nor false", self.at(key), kind(other))),
        }
    }

    /// A field that is an object.
    ///
    /// # Errors
    /// When it is present and no object.
    pub fn object(&self, key: &str) -> Result<Option<Object<'v>>, String> {
        self.get(key).map(|value| Object::of(self.at(key), value)).transpose()
    }

    /// The items of a list, each with its path; an absent list is empty.
    ///
    /// # Errors
    /// When it is present and no list.
    pub fn items(&self, key: &str) -> Result<Vec<(String, &'v Value)>, String> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("{}[{index}]", self.at(key)), item))
                .collect()),
            Some(other) => Err(format!("{}: {} is not a list", self.at(key), kind(other))),
        }
    }

    /// The message for a required field that is absent.
    #[must_use]
    pub fn missing(&self, key: &str) -> String {
        format!("{}: it is missing", self.at(key))
    }
}

/// A text of 1 to `most` characters; line breaks are allowed, other control characters are not.
///
/// # Errors
/// When it is no such text.
pub fn text<'v>(path: &str, value: &'v Value, most: usize) -> Result<&'v str, String> {
    let Value::String(text) = value else {
        return Err(format!("{path}: {} is not a string", kind(value)));
    };
    let length = text.chars().count();
    if text.trim().is_empty() {
        Err(format!("{path}: it is empty"))
    } else if length > most {
        Err(format!(
            "{path}: it has {length} characters; at most {most} are allowed"
        ))
    } else if text.chars().any(|c| c.is_control() && c != '\n') {
        Err(format!("{path}: it has a control character"))
    } else {
        Ok(text)
    }
}

/// A value's kind, without the value.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// JSON in which no object has a key twice: otherwise one of the two would be dropped silently.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeys).map(Self)
    }
}

struct UniqueKeys;

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {} appears twice", shown(&key))));
            }
            let Unique(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_path_and_never_shown() {
        let value = json!({"a": [{"b": 5, "name": "x\ty"}], "secret": "hunter2"});
        let file = Object::of("", &value).unwrap();
        let (path, item) = file.items("a").unwrap().remove(0);
        let item = Object::of(path, item).unwrap();
        assert_eq!(item.text("b", 9).unwrap_err(), "a[0].b: a number is not a string");
        assert_eq!(
            item.text("name", 9).unwrap_err(),
            "a[0].name: it has a control character"
        );
        assert_eq!(
            item.text("name", 2).unwrap_err(),
            "a[0].name: it has 3 characters; at most 2 are allowed"
        );
        assert_eq!(item.needed_text("c", 9).unwrap_err(), "a[0].c: it is missing");
        assert_eq!(
            item.only(&["b", "names"]).unwrap_err(),
            "a[0]: there is no key \"name\"; did you mean \"names\"? known are b, names"
        );
        assert_eq!(
            file.only(&["a"]).unwrap_err(),
            "the file: there is no key \"secret\"; known are a"
        );
        for error in [
            file.items("secret").unwrap_err(),
            file.object("secret").err().unwrap(),
            file.flag("secret").unwrap_err(),
        ] {
            assert!(
                error.starts_with("secret: a string is not") || error.contains("neither"),
                "{error}"
            );
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn files_that_are_not_json_say_where() {
        for (text, says) in [
            ("{", "line 1"),
            ("{\"a\": 1,\n \"a\": 2}", "the key \"a\" appears twice at line 2"),
            ("{\"a\": [{\"b\": 1, \"b\": 1}]}", "the key \"b\" appears twice"),
            ("[1] x", "trailing characters"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        let same = r#"{"a": [null, true, -1, 18446744073709551615, 1.5, "x", {}]}"#;
        assert_eq!(parse(same).unwrap(), serde_json::from_str::<Value>(same).unwrap());
        assert!(read(Path::new("/nowhere/at/all")).unwrap_err().contains("No such file"));
    }
}
