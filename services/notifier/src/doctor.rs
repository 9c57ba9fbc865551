//! The external dependencies of this service, checked by calls that change nothing.

use doctor::{Check, Finding};
use store::SharedSettings;

use crate::settings::Settings;
use crate::smtp::{Phase, Smtp};

const MAIL: &str = "mail server";

/// The checks, in the order of the report.
pub(crate) fn checks(settings: &Settings, shared: &SharedSettings, smtp: &Smtp) -> Vec<Check> {
    let limit = smtp.connecting();
    let smtp = smtp.clone();
    vec![
        store::check_database(&settings.worker.database, "notifier"),
        store::check_shared_settings(&settings.worker.database, Some(shared)),
        messaging::check_rabbitmq(&settings.worker.amqp, "notifier"),
        Check::one(MAIL, async move { greet(&smtp).await }).within(limit + limit / 2),
    ]
}

/// Connects, with TLS, and authenticates; no mail is offered.
async fn greet(smtp: &Smtp) -> Finding {
    let place = smtp.place();
    match smtp.greet().await {
        Ok(()) => Finding::ok(MAIL, format!("{place} takes mail from us")),
        Err(trouble) => {
            let to_do = match trouble.phase {
                Phase::Auth => "check user and password in SMTP_URL",
                _ => "check host, port and scheme of SMTP_URL, SMTP_CA_FILE, and that no firewall is between",
            };
            Finding::fail(MAIL, format!("{place}: {trouble}"), to_do)
        }
    }
}
