//! The external dependencies of this service, checked by calls that change nothing.

mod default_origin;
mod responder;
mod sign_in;

use doctor::Check;
use store::SharedSettings;

use crate::settings::Settings;

/// The dependencies that this service can't do without, and whether the users of platforms can sign in.
pub fn checks(settings: &Settings, shared: &SharedSettings) -> Vec<Check> {
    let needed = [
        store::check_database(&settings.database, "broker-api"),
        store::check_shared_settings(&settings.database, Some(shared)),
        messaging::check_rabbitmq(&settings.amqp, "broker-api"),
    ];
    needed.into_iter().chain(sign_in::check(&settings.broker)).collect()
}

/// The same, plus whether CloudFront can fetch from the default origin, and whether this service can be reached at
/// ACME_RESPONDER_URL. Not part of the startup checks: a load balancer often sends requests here only once the service
/// is up.
pub fn all_checks(settings: &Settings, shared: &SharedSettings) -> Vec<Check> {
    let mut checks = checks(settings, shared);
    checks.extend(settings.broker.default_origin.0.clone().map(default_origin::check));
    checks.push(responder::check(
        settings.broker.responder.acme_responder_url.to_string(),
    ));
    checks
}
