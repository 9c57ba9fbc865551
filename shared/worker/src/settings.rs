//! A service's settings at startup, and which of them must be the same in other services.

use clap::{ArgMatches, Command, Parser};
use store::SharedSettings;

/// Settings of several services that must have the same value, as must all schedules. A test in `tests/settings-docs`
/// finds one that is missing here.
pub const SHARED: [&str; 10] = [
    "ACME_PROFILE",
    "ACME_RESPONDER_URL",
    "CERTIFICATE_VISIBLE_WITHIN",
    "DELAY_QUEUES_MS",
    "DELEGATION_ZONE",
    "DELIVERY_LIMIT",
    "MINIMUM_TLS_VERSION",
    "OPERATION_DEADLINE",
    "PAGES_URL",
    "UPDATE_UNSEEN_DEADLINE",
];

/// Whether the setting must be the same in every service that has it.
pub fn is_shared(variable: &str) -> bool {
    SHARED.contains(&variable) || variable.starts_with("SCHEDULE_")
}

/// The settings from the command line and the environment; ends the program when they are invalid, as [`Parser::parse`]
/// does.
pub fn settings<S: Parser>(service: &'static str) -> (S, SharedSettings) {
    let mut matches = S::command().get_matches();
    let values = shared(&S::command(), &matches).collect();
    match S::from_arg_matches_mut(&mut matches) {
        Ok(settings) => (settings, SharedSettings { service, values }),
        Err(error) => error.format(&mut S::command()).exit(),
    }
}

fn shared(command: &Command, matches: &ArgMatches) -> impl Iterator<Item = (String, String)> {
    command.get_arguments().filter_map(|argument| {
        let variable = argument.get_env()?.to_str().filter(|variable| is_shared(variable))?;
        let values = matches.get_raw(argument.get_id().as_str()).into_iter().flatten();
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        // A trailing slash makes no difference to an address.
        Some((
            variable.to_owned(),
            values.join(",").trim().trim_end_matches('/').to_owned(),
        ))
    })
}
