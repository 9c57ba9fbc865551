//! Reasons as JSON, in `steps.reason` and in the output of `cdnctl --json`: the facts, with the version of their form
//! in `v`.
//!
//! Version 0 has text only (`text`), from before facts were stored. A form that this program doesn't know, since a
//! newer one wrote it, is still read as a reason that says so: nothing fails.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize as _, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{BrokerReason, Reason};

/// The version that is written.
const VERSION: u64 = 1;

/// The value to store. PostgreSQL's text, including JSON, holds no NUL; peers' messages may contain one.
///
/// # Errors
/// None of the existing reasons fails to serialize.
pub fn write(reason: &Reason) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(reason)?;
    without_nul(&mut value);
    let facts = value
        .as_object_mut()
        .ok_or_else(|| <serde_json::Error as serde::ser::Error>::custom("a reason is an object"))?;
    facts.insert("v".to_owned(), VERSION.into());
    Ok(value)
}

fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
        Value::Array(all) => all.iter_mut().for_each(without_nul),
        Value::Object(all) => all.values_mut().for_each(without_nul),
        _ => {}
    }
}

/// Reads a stored value of any version.
pub fn read(value: Value) -> Reason {
    if let (Some(0), Some(text)) = (value["v"].as_u64(), value["text"].as_str()) {
        return Reason::Told { text: text.to_owned() };
    }
    serde_json::from_value(value).unwrap_or(Reason::Broker(BrokerReason::UnknownForm))
}

/// For `#[serde(with)]`: an optional reason. The output has its wording in addition, as `text`.
///
/// # Errors
/// Like [`write`].
pub fn serialize<S: Serializer>(reason: &Option<Reason>, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = |reason: &Reason| {
        let mut value = write(reason)?;
        value["text"] = reason.to_string().into();
        // It is the next look's alone.
        if let Some(facts) = value.as_object_mut() {
            facts.remove("memory");
        }
        Ok::<_, serde_json::Error>(value)
    };
    let value = reason.as_ref().map(shown).transpose().map_err(S::Error::custom)?;
    value.serialize(serializer)
}

/// The reverse.
///
/// # Errors
/// When the input is not valid JSON.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reason>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer).map_err(D::Error::custom)?;
    Ok(value.map(read))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proof::{Method, Place};
    use crate::reason::examples::{absent, in_place, slow, with_caa, wrong};
    use crate::reason::{
        AwsReason, CaReason, DnsProblem, HttpFailure, HttpProblem, Links, Look, LookupFailure, Redirected, Refusal,
        Request, Seen, Way,
    };

    #[test]
    fn what_is_written_reads_back() {
        let reasons: [Reason; 3] = [
            CaReason::Limits {
                request: Request::PlaceOrder,
                said: "too many".to_owned(),
            }
            .into(),
            AwsReason::Deploying.into(),
            BrokerReason::Internal.into(),
        ];
        for reason in reasons {
            assert_eq!(read(write(&reason).unwrap()), reason);
        }
    }

    #[test]
    fn all_that_a_look_can_see_reads_back() {
        let failure = HttpFailure {
            in_place: vec!["192.0.2.1".parse().unwrap()],
            wrong: vec![
                Redirected {
                    redirected_to: Some("http://b.example/x".to_owned()),
                    problem: HttpProblem::Name {
                        host: "b.example".to_owned(),
                        failure: Box::new(LookupFailure {
                            alias: None,
                            problem: DnsProblem::TooMany {
                                what: Links::Cnames,
                                limit: 8,
                            },
                        }),
                    },
                },
                Redirected {
                    redirected_to: None,
                    problem: HttpProblem::Redirect {
                        status: 302,
                        address: "2001:db8::1".parse().unwrap(),
                        refusal: Refusal::Port(8080),
                    },
                },
            ],
        };
        let by_http = Way {
            method: Method::Http01,
            place: Place::Http("a.example".to_owned()),
            seen: Seen::HttpFailure(failure),
        };
        let mut all = absent("a.example");
        all.ways.push(by_http);
        for look in [
            all,
            wrong("a.example", "abc", "xyz"),
            in_place("a.example", Method::Dns01),
            with_caa(absent("a.example")),
            slow("a.example"),
            Look::default(),
        ] {
            let reason = Reason::from(look);
            assert_eq!(read(write(&reason).unwrap()), reason);
        }
    }

    #[test]
    fn the_form_is_flat_and_has_its_version() {
        let reason = CaReason::Limits {
            request: Request::PlaceOrder,
            said: "too\0many".to_owned(),
        };
        assert_eq!(
            write(&reason.into()).unwrap(),
            json!({"v": 1, "reason": "ca", "ca": "limits", "request": "place-order", "said": "toomany"})
        );
    }

    #[test]
    fn other_versions_still_are_reasons() {
        let words = read(json!({"v": 0, "text": "CloudFront is deploying"}));
        assert_eq!(words.to_string(), "CloudFront is deploying");
        for newer in [
            json!({"v": 2, "reason": "moon", "phase": "new"}),
            json!("text"),
            json!({"v": 1}),
        ] {
            assert_eq!(read(newer), Reason::Broker(BrokerReason::UnknownForm));
        }
    }
}
