//! The service's settings.

use notices::{NoticeKeysArgs, PaceArgs};
use page_keys::OptionalPagesUrl;
use worker::WorkerArgs;

use crate::smtp::SmtpArgs;

/// Sends mails about service instances to the addresses of the parameter `notify`. Every flag has an environment variable of
/// the same name.
#[derive(Debug, clap::Parser)]
#[command(name = "notifier", version)]
pub(crate) struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<doctor::Command>,
    #[command(flatten)]
    pub(crate) smtp: SmtpArgs,
    /// Public address of broker-api for browsers, where the links in mails lead (below /notify): the same as broker-api's. Only with
    /// https:// have mails the headers by which mail programs show a button to unsubscribe (RFC 8058).
    #[arg(long, env, help_heading = "Notices", default_value = "", hide_default_value = true)]
    pub(crate) pages_url: OptionalPagesUrl,
    #[command(flatten)]
    pub(crate) keys: NoticeKeysArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_can_be_parsed_at_all() {
        use clap::CommandFactory as _;
        Settings::command().debug_assert();
    }
}
