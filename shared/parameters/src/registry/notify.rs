//! `notify`: who is told by mail what happens. It is no setting of the distribution, and no address is among what makes two requests equal:
//! the store has them sealed, beside the instance.

use std::collections::BTreeSet;

use notices::{Address, Event, MOST_MAIL, Notify, is_local_part};
use schemars::{Schema, json_schema};
use serde_json::{Map, Value};

use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::names;
use crate::{host_name, shown, shown_json};

/// Its name, which an update is asked for.
pub const NAME: &str = "notify";

const KEY: Key<Wanted> = Key::new(
    NAME,
    "Who is told by mail what happens: mail addresses, each of which has to confirm, and events",
);

const RIGHT: &str = "{\"mail\": [\"ops@example.com\"]}";
const RIGHT_MAIL: &str = "[\"ops@example.com\"] or \"ops@example.com, web@example.com\"";
const RIGHT_EVENTS: &str = "[\"done\", \"failed\"] or \"done, failed\"";

pub(crate) struct NotifyParameter;

/// [`Notify`], read.
#[derive(Debug)]
struct Wanted(Notify);

impl Parameter for NotifyParameter {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        parameters.notify = request.get(&KEY).map(|wanted| wanted.0);
    }

    /// It is neither shown nor compared here.
    fn normalised(&self, _: &Parameters) -> Option<Value> {
        None
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

impl Field for Wanted {
    fn read(value: &Value) -> Result<Self, String> {
        let Some(given) = value.as_object() else {
            return Err(format!("{} is not an object; write {RIGHT}", shown_json(value)));
        };
        let mut faults: Vec<String> = given
            .keys()
            .filter(|key| !matches!(key.as_str(), "mail" | "events"))
            .map(|key| format!("{} is no part of it; it has mail and events", shown(key)))
            .collect();
        let mail = part(given, "mail", &mut faults, |value| {
            value.map_or_else(|| Err(format!("mail is missing; write {RIGHT}")), addresses)
        });
        let events = part(given, "events", &mut faults, |value| {
            value.map_or_else(|| Ok(Event::DEFAULT.into()), events)
        });
        match (mail, events, faults.is_empty()) {
            (Some(mail), Some(events), true) => Ok(Self(Notify { mail, events })),
            _ => Err(faults.join("\n")),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": false,
            "required": ["mail"],
            "properties": {
                "mail": names::schema(MOST_MAIL),
                "events": names::schema(Event::ALL.len()),
            },
        })
    }
}

/// A part of it, or what is wrong with it.
fn part<T>(
    given: &Map<String, Value>,
    key: &str,
    faults: &mut Vec<String>,
    read: impl FnOnce(Option<&Value>) -> Result<T, String>,
) -> Option<T> {
    read(given.get(key)).map_err(|fault| faults.push(fault)).ok()
}

/// An empty list is nobody.
fn addresses(value: &Value) -> Result<BTreeSet<Address>, String> {
    let given = names::each(value, RIGHT_MAIL)?;
    if given.len() > MOST_MAIL {
        return Err(format!(
            "there are {} addresses; at most {MOST_MAIL} are told: write one that leads to all of them",
            given.len()
        ));
    }
    let read = given.into_iter().map(|text| text.and_then(|text| address(&text)));
    let addresses: Vec<Address> = read.collect::<Result<_, _>>()?;
    let count = addresses.len();
    let addresses: BTreeSet<Address> = addresses.into_iter().collect();
    let apart: BTreeSet<String> = addresses.iter().map(|one| one.expose().to_ascii_lowercase()).collect();
    match apart.len() == count {
        true => Ok(addresses),
        false => Err("an address appears twice (upper and lower case are the same); write it once".to_owned()),
    }
}

/// Its local part stays as it is written, its domain becomes ASCII in lower case.
fn address(text: &str) -> Result<Address, String> {
    let fault = |what: &str| format!("{} {what}", shown(text));
    if text.contains('…') {
        return Err(fault(
            "is an address as it is shown, without its middle; write the whole address",
        ));
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Err(fault("has no @; write a mail address such as ops@example.com"));
    };
    if !is_local_part(local) {
        return Err(fault(
            "has before its @ what is not understood by every mail server: up to 64 of the letters a to z, digits, and characters such as . _ + - are",
        ));
    }
    let domain = host_name(domain).map_err(|wrong| format!("{}: {wrong}", shown(text)))?;
    Address::new(local, &domain).ok_or_else(|| fault("is longer than a mail address may be, which is 254 characters"))
}

fn events(value: &Value) -> Result<BTreeSet<Event>, String> {
    let known = || Event::ALL.map(Event::as_str).join(", ");
    let given = names::parse(value, RIGHT_EVENTS)?;
    if given.is_empty() {
        return Err(format!("there is no event; leave events out, or write {RIGHT_EVENTS}"));
    }
    let mut events = BTreeSet::new();
    for name in given {
        let event: Event = name
            .parse()
            .map_err(|_| format!("{} is no event; known are {}", shown(&name), known()))?;
        if !events.insert(event) {
            return Err(format!("{} appears twice; write it once", shown(&name)));
        }
    }
    Ok(events)
}

/// A distribution knows nothing of it.
#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::DistributionConfig;

    use super::*;
    use crate::parameter::InCloudFront;

    impl InCloudFront for NotifyParameter {
        fn put(&self, _: &crate::cloudfront::Wanted<'_>, _: &mut DistributionConfig) -> Result<(), BuildError> {
            Ok(())
        }

        fn adopt(&self, _: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            None
        }

        fn differences(&self, _: &Parameters, _: &DistributionConfig) -> Vec<String> {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Notify, String> {
        Wanted::read(value).map(|wanted| wanted.0)
    }

    fn mail(notify: &Notify) -> Vec<&str> {
        notify.mail.iter().map(Address::expose).collect()
    }

    #[test]
    fn addresses_and_events_in_all_forms() {
        let one = read(&json!({"mail": "Ops@Example.COM."})).unwrap();
        assert_eq!(mail(&one), ["Ops@example.com"]);
        assert_eq!(one.events, Event::DEFAULT.into());
        for value in [
            json!({"mail": ["b@example.com", "a@example.com"], "events": ["failed", "replaced"]}),
            json!({"mail": "a@example.com, b@example.com", "events": " replaced , failed"}),
        ] {
            let two = read(&value).unwrap();
            assert_eq!(mail(&two), ["a@example.com", "b@example.com"], "{value}");
            assert_eq!(two.events, [Event::Failed, Event::Replaced].into(), "{value}");
        }
        let international = read(&json!({"mail": "post@bücher.example"})).unwrap();
        assert_eq!(mail(&international), ["post@xn--bcher-kva.example"]);
        for nobody in [json!({"mail": []}), json!({"mail": ""})] {
            assert!(read(&nobody).unwrap().mail.is_empty(), "{nobody}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_right() {
        for (value, words) in [
            (json!("ops@example.com"), "is not an object; write {\"mail\""),
            (json!({}), "mail is missing"),
            (json!({"events": "done"}), "mail is missing"),
            (
                json!({"mail": "a@example.com", "webhook": "x"}),
                "\"webhook\" is no part of it",
            ),
            (
                json!({"mail": 5}),
                "5 (a number) is neither a list nor a string with commas",
            ),
            (json!({"mail": ["a@example.com, b@example.com"]}), "has a comma"),
            (json!({"mail": "ops"}), "\"ops\" has no @"),
            (json!({"mail": "@example.com"}), "before its @"),
            (json!({"mail": "a b@example.com"}), "before its @"),
            (json!({"mail": "ä@example.com"}), "before its @"),
            (
                json!({"mail": "a@example.com>\r\nRCPT TO:<b@example.com"}),
                "before its @",
            ),
            (json!({"mail": "a@b@example.com"}), "before its @"),
            (json!({"mail": "a@localhost"}), "has no dot"),
            (json!({"mail": "a@127.0.0.1"}), "is an IP address"),
            (json!({"mail": "o…s@example.com"}), "write the whole address"),
            (json!({"mail": ["a@example.com", "A@example.com"]}), "appears twice"),
            (json!({"mail": ["a@example.com", "a@example.com"]}), "appears twice"),
            (
                json!({"mail": ["a@x.de", "b@x.de", "c@x.de", "d@x.de", "e@x.de", "f@x.de"]}),
                "there are 6 addresses; at most 5",
            ),
            (json!({"mail": "a@example.com", "events": []}), "there is no event"),
            (
                json!({"mail": "a@example.com", "events": "birthday"}),
                "\"birthday\" is no event; known are todo, done, failed, trouble, domain, replaced",
            ),
            (
                json!({"mail": "a@example.com", "events": ["done", "done"]}),
                "appears twice",
            ),
        ] {
            let fault = read(&value).unwrap_err();
            assert!(fault.contains(words), "{value}: {fault}");
        }
        // Both parts are judged.
        let both = read(&json!({"mail": "ops", "events": "x"})).unwrap_err();
        assert_eq!(both.lines().count(), 2, "{both}");
    }

    #[test]
    fn it_is_not_among_what_makes_two_requests_equal() {
        let with =
            json!({"domains": "www.example.com", "origin": "app.example.org", "notify": {"mail": "ops@example.com"}});
        let with = crate::parse(Some(&with), None).unwrap();
        assert!(with.notify.is_some());
        let without = json!({"domains": "www.example.com", "origin": "app.example.org"});
        let without = crate::parse(Some(&without), None).unwrap();
        assert_eq!(with.normalised(), without.normalised());
        assert!(!with.normalised().to_string().contains("ops"));
        assert!(!format!("{with:?}").contains("ops@"), "an address does not print");
    }
}
