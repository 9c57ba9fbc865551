//! The parameter `notify`: who is told by mail what happens. Addresses go to the store sealed, and are shown shortened.

use notices::Notify;
use parameters::NOTIFY;
use serde_json::{Value, json};
use store::{NotifyChange, Subscribers};

use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;
use crate::osbapi::provision::broken;

/// Whom a new instance tells what, sealed. `None`: nobody.
pub(crate) fn subscribers(broker: &Broker, notify: Option<&Notify>) -> Result<Option<Subscribers>, OsbError> {
    let Some(notify) = notify.filter(|notify| !notify.mail.is_empty()) else {
        return Ok(None);
    };
    let Some(ring) = &broker.notices else {
        return Err(OsbError::bad_request(format!(
            "{NOTIFY}: this broker sends no mail, since its operator has not set NOTICE_KEYS and PAGES_URL; leave it out."
        )));
    };
    ring.subscribers(notify).map(Some).map_err(|error| {
        tracing::error!(error = telemetry::with_causes(&error), "an address can't be sealed");
        broken()
    })
}

/// What an update asks to change of that, if anything: without the key all stays as it is, `null` is nobody.
pub(crate) fn change(
    broker: &Broker,
    given: Option<&Value>,
    notify: Option<&Notify>,
) -> Result<Option<NotifyChange>, OsbError> {
    let given = given
        .and_then(Value::as_object)
        .filter(|given| given.contains_key(NOTIFY));
    let Some(given) = given else { return Ok(None) };
    Ok(Some(NotifyChange {
        to: subscribers(broker, notify)?,
        alone: given.len() == 1,
    }))
}

/// Who is told what, and whether they have confirmed. `None`: nobody.
pub(crate) async fn fetched(broker: &Broker, instance: &str) -> Result<Option<Value>, OsbError> {
    if broker.notices.is_none() {
        return Ok(None);
    }
    let told = broker.store.instance_recipients(instance).await?;
    let Some(first) = told.first() else { return Ok(None) };
    let mail: Vec<Value> = told
        .iter()
        .map(|one| json!({"address": one.shortened, "state": one.state}))
        .collect();
    // They are the same for all: one parameter says them.
    Ok(Some(json!({"mail": mail, "events": first.events})))
}
