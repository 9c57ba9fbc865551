//! Whether the users of platforms can sign in to status pages. A platform may be down for a while, and links open pages all the same, so
//! nothing here fails.

use std::time::Duration;

use doctor::{Check, Finding};

use crate::page::sign_in::SignIn;
use crate::settings::BrokerArgs;

const ABOUT: &str = "sign-in";
/// Each platform is asked three times at most.
const LIMIT: Duration = Duration::from_secs(60);

/// `None`: no platform's users sign in.
pub(super) fn check(args: &BrokerArgs) -> Option<Check> {
    let sign_in = SignIn::of(args).ok().flatten()?;
    let work = async move {
        let mut findings = Vec::new();
        for (platform, tried) in sign_in.tried().await {
            findings.push(match tried {
                Ok(()) => Finding::ok(ABOUT, format!("{platform} knows the client, and says where users sign in")),
                Err(why) => Finding::warn(
                    ABOUT,
                    format!("users of {platform} can't sign in to status pages: {why}"),
                    "check `api` of its dashboard_client, and that broker-api may reach Cloud Controller and UAA; `cf update-service-broker` \
                     makes the client, and changes its secret",
                ),
            });
        }
        findings
    };
    Some(Check::several(ABOUT, work).within(LIMIT))
}
