//! What this service needs from outside, tried by calls that change nothing.

mod default_origin;
mod responder;

use doctor::Check;
use store::SharedSettings;

use crate::settings::Settings;

/// What the service can't do without.
pub fn checks(settings: &Settings, shared: &SharedSettings) -> Vec<Check> {
    vec![
        store::check_database(&settings.database, "broker-api"),
        store::check_shared_settings(&settings.database, Some(shared)),
        messaging::check_rabbitmq(&settings.amqp, "broker-api"),
    ]
}

/// The same, whether CloudFront can fetch from the default origin, and whether this very service is reached where
/// ACME_RESPONDER_URL says. Not at its own start: whoever leads requests here often waits until it is up.
pub fn all_checks(settings: &Settings, shared: &SharedSettings) -> Vec<Check> {
    let mut checks = checks(settings, shared);
    checks.extend(settings.broker.default_origin.0.clone().map(default_origin::check));
    checks.push(responder::check(
        settings.broker.responder.acme_responder_url.to_string(),
    ));
    checks
}
