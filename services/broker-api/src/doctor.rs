//! What this service needs from outside, tried by calls that change nothing.

mod default_origin;
mod responder;

use doctor::Check;

use crate::settings::Settings;

/// What the service can't do without.
pub fn checks(settings: &Settings) -> Vec<Check> {
    vec![
        store::check_database(&settings.database, "broker-api"),
        messaging::check_rabbitmq(&settings.amqp, "broker-api"),
    ]
}

/// The same, whether CloudFront can fetch from the default origin, and whether this very service is reached where
/// ACME_RESPONDER_URL says. Not at its own start: whoever leads requests here often waits until it is up.
pub fn all_checks(settings: &Settings) -> Vec<Check> {
    let mut checks = checks(settings);
    checks.extend(settings.broker.default_origin.0.clone().map(default_origin::check));
    checks.push(responder::check(settings.broker.acme_responder_url.0.clone()));
    checks
}
