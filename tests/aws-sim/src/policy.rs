//! IAM policies, limited to the elements that those in `docs/aws` use: allowed actions and resources, with the
//! conditions `Null` on tags and `ForAllValues` on what a change of a hosted zone names.
//!
//! Sources: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements: Condition operators" and "Set operators
//! for multivalued context keys"; which
//! actions name a resource: Service Authorization Reference. A policy with unknown elements is rejected when it is
//! read, so that nothing is allowed by mistake.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::access::matches;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// A requested action.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// For example `cloudfront:UpdateDistribution`.
    pub action: String,
    /// ARN; `*` if the action has no resource.
    pub resource: String,
    /// The resource's tags.
    pub resource_tags: Tags,
    /// The request's tags.
    pub request_tags: Tags,
    /// The request's other context keys, with all their values.
    pub values: BTreeMap<&'static str, Vec<String>>,
}

impl Asked {
    /// An action on a resource.
    pub fn on(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            ..Self::default()
        }
    }

    /// The same on a resource that has these tags.
    #[must_use]
    pub fn tagged(mut self, tags: &Tags) -> Self {
        self.resource_tags.clone_from(tags);
        self
    }

    /// The same with these tags to be set.
    #[must_use]
    pub fn bringing(mut self, tags: Tags) -> Self {
        self.request_tags = tags;
        self
    }

    /// The same with the values of a context key.
    #[must_use]
    pub fn about(mut self, key: &'static str, values: Vec<String>) -> Self {
        self.values.insert(key, values);
        self
    }

    fn has(&self, key: &Key) -> bool {
        match key {
            Key::Resource(tag) => self.resource_tags.contains_key(tag),
            Key::Request(tag) => self.request_tags.contains_key(tag),
        }
    }
}

/// An invalid policy, or one with unknown elements.
#[derive(Debug, thiserror::Error)]
pub enum BadPolicy {
    /// Not JSON.
    #[error("no JSON")]
    Json(#[from] serde_json::Error),
    /// The file cannot be read.
    #[error("cannot be read")]
    Read(#[from] std::io::Error),
    /// Anything but an Allow statement with actions, resources, `Null` on tags, and `ForAllValues` on known keys.
    #[error("{0} is not simulated")]
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Resource(String),
    Request(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
    /// Whether each key must be absent.
    null: Vec<(Key, bool)>,
    /// The patterns of which every value of a key must match one. A key without values is allowed, as AWS does.
    for_all: Vec<(String, Vec<String>)>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy(Vec<Statement>);

impl Policy {
    /// Parses a policy document.
    ///
    /// # Errors
    /// When it contains elements that this module doesn't know.
    pub fn read(text: &str) -> Result<Self, BadPolicy> {
        let document: Value = serde_json::from_str(text)?;
        let statements = document["Statement"].as_array().ok_or_else(|| unknown("Statement"))?;
        statements.iter().map(statement).collect::<Result<_, _>>().map(Self)
    }

    /// Whether it allows this request.
    pub fn allows(&self, asked: &Asked) -> bool {
        self.0.iter().any(|it| {
            it.actions.iter().any(|action| matches(action, &asked.action))
                && it.resources.iter().any(|resource| matches(resource, &asked.resource))
                && it.null.iter().all(|(key, missing)| asked.has(key) != *missing)
                && it.for_all.iter().all(|(key, patterns)| {
                    let values = asked.values.get(key.as_str()).map_or(&[][..], Vec::as_slice);
                    let one = |value: &String| patterns.iter().any(|pattern| matches(pattern, value));
                    values.iter().all(one)
                })
        })
    }
}

fn unknown(what: impl Into<String>) -> BadPolicy {
    BadPolicy::Unknown(what.into())
}

fn statement(value: &Value) -> Result<Statement, BadPolicy> {
    let mut read = Statement::default();
    for (name, value) in value.as_object().ok_or_else(|| unknown("a statement"))? {
        match (name.as_str(), value) {
            ("Sid", _) => {}
            ("Effect", Value::String(effect)) if effect == "Allow" => {}
            ("Action", value) => read.actions = texts(value)?,
            ("Resource", value) => read.resources = texts(value)?,
            ("Condition", Value::Object(operators)) => {
                for (operator, keys) in operators {
                    match operator.as_str() {
                        "ForAllValues:StringLike" => read.for_all.extend(for_all(keys, true)?),
                        "ForAllValues:StringEquals" => read.for_all.extend(for_all(keys, false)?),
                        _ => read.null.extend(null(operator, keys)?),
                    }
                }
            }
            (name, value) => return Err(unknown(format!("{name}: {value}"))),
        }
    }
    Ok(read)
}

fn texts(value: &Value) -> Result<Vec<String>, BadPolicy> {
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| unknown(value.to_string()))
    };
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

/// Keys of `route53:ChangeResourceRecordSets`; patterns only if the operator has them.
fn for_all(keys: &Value, patterns: bool) -> Result<Vec<(String, Vec<String>)>, BadPolicy> {
    let keys = keys.as_object().ok_or_else(|| unknown("a condition"))?;
    let one = |(name, value): (&String, &Value)| {
        let values = texts(value)?;
        let known = name.starts_with("route53:ChangeResourceRecordSets");
        if !known || !patterns && values.iter().any(|value| value.contains(['*', '?'])) {
            return Err(unknown(format!("{name}: {value}")));
        }
        Ok((name.clone(), values))
    };
    keys.iter().map(one).collect()
}

fn null(operator: &str, keys: &Value) -> Result<Vec<(Key, bool)>, BadPolicy> {
    let keys = keys
        .as_object()
        .filter(|_| operator == "Null")
        .ok_or_else(|| unknown(operator))?;
    let one = |(name, value): (&String, &Value)| {
        let key = if let Some(tag) = name.strip_prefix("aws:ResourceTag/") {
            Key::Resource(tag.to_owned())
        } else if let Some(tag) = name.strip_prefix("aws:RequestTag/") {
            Key::Request(tag.to_owned())
        } else {
            return Err(unknown(name.as_str()));
        };
        match value.as_str() {
            Some("true") => Ok((key, true)),
            Some("false") => Ok((key, false)),
            _ => Err(unknown(format!("{name}: {value}"))),
        }
    };
    keys.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#"{"Version": "2012-10-17", "Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": "cloudfront:List*", "Resource": "*"},
        {"Effect": "Allow", "Action": ["cloudfront:UpdateDistribution"], "Resource": "arn:aws:cloudfront::*:distribution/*",
         "Condition": {"Null": {"aws:ResourceTag/ours": "false"}}}]}"#;

    #[test]
    fn an_action_is_allowed_on_what_matches_and_by_the_tag() {
        let policy = Policy::read(OURS).unwrap();
        let update = Asked::on("cloudfront:UpdateDistribution", "arn:aws:cloudfront::1:distribution/E1");
        assert!(policy.allows(&Asked::on("cloudfront:ListFunctions", "*")));
        assert!(!policy.allows(&update));
        let ours = Tags::from([("ours".to_owned(), String::new())]);
        assert!(policy.allows(&update.tagged(&ours)));
        let function = Asked::on("cloudfront:UpdateDistribution", "arn:aws:cloudfront::1:function/f");
        assert!(!policy.allows(&function.tagged(&ours)));
        let nowhere = Asked::on("cloudfront:UpdateDistribution", "*");
        assert!(
            !policy.allows(&nowhere.tagged(&ours)),
            "a pattern of ARNs is not for what has none"
        );
    }

    const RECORDS: &str = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "route53:ChangeResourceRecordSets", "Resource": "*", "Condition": {
         "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["*.a.test"]},
         "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"]}}}]}"#;

    #[test]
    fn every_value_of_a_key_must_match_and_a_key_without_values_does() {
        let policy = Policy::read(RECORDS).unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let asked = |names: &[&str], actions: &[&str]| {
            Asked::on("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z")
                .about("route53:ChangeResourceRecordSetsNormalizedRecordNames", texts(names))
                .about("route53:ChangeResourceRecordSetsActions", texts(actions))
        };
        assert!(policy.allows(&asked(&["x.a.test", "y.x.a.test"], &["UPSERT"])));
        assert!(policy.allows(&asked(&[], &[])));
        assert!(!policy.allows(&asked(&["x.a.test", "a.test"], &["UPSERT"])));
        assert!(!policy.allows(&asked(&["x.a.test"], &["UPSERT", "CREATE"])));
        for (old, new) in [("UPSERT", "UP*"), ("route53:", "aws:"), ("ForAllValues", "ForAnyValue")] {
            assert!(Policy::read(&RECORDS.replace(old, new)).is_err(), "{new}");
        }
    }

    #[test]
    fn what_is_not_known_is_no_policy() {
        let instead = [
            ("\"Allow\"", "\"Deny\""),
            ("Null", "StringEquals"),
            ("ResourceTag/", "PrincipalTag/"),
            ("\"Sid\"", "\"Principal\""),
        ];
        for (old, new) in instead {
            assert!(Policy::read(&OURS.replacen(old, new, 1)).is_err(), "{new}");
        }
    }
}
