//! Sign-in with the platform: whoever may see a service instance there sees its status page, without a link (OSBAPI, "Dashboard Single
//! Sign-On"; RFC 6749 §4.1). Only for the users of platforms with a `dashboard_client`.
//!
//! - [`access`]: who has signed in; everybody else is sent to the platform, whatever instance is asked for.
//! - [`done`]: `/sign-in/done/{platform}`, where the platform sends them back.
//! - [`peer`]: one platform: which of its users has come, by the code, and what they may see, by its Cloud Controller's word.
//! - [`cloud_controller`]: what is asked of Cloud Controller, and how its answers are read.
//! - [`outside`]: the requests.
//! - [`cookies`]: what the browser keeps. Nothing is kept here, and no token anywhere.

pub(super) mod access;
mod cloud_controller;
mod cookies;
pub(super) mod done;
mod outside;
pub(crate) mod peer;

use std::collections::HashMap;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Semaphore;

use self::outside::Outside;
use self::peer::Peer;
use crate::settings::BrokerArgs;

/// The most sign-ins that wait for a platform's answers at a time.
const AT_ONCE: usize = 16;

/// How long a sign-in lasts.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Status pages")]
pub struct SignInArgs {
    /// Whoever has signed in to a status page sees it for this long, from 1s to 1h; then the platform is asked again, so a right that is
    /// withdrawn there ends after that at the latest. Only for platforms with a dashboard_client in BROKER_CREDENTIALS_FILE; see
    /// docs/operators/pages.md.
    #[arg(long, env, default_value = "10m", value_parser = lifetime)]
    pub sign_in_lifetime: Duration,
}

/// What signs in the users of platforms.
pub(crate) struct SignIn {
    /// By the names of their credentials.
    peers: HashMap<String, Peer>,
    lifetime: Duration,
    /// A permit for each sign-in that may wait for answers now.
    turns: Semaphore,
}

impl SignIn {
    /// `None`: no platform's users sign in.
    ///
    /// # Errors
    /// With one line that names the setting.
    pub(crate) fn of(args: &BrokerArgs) -> anyhow::Result<Option<Self>> {
        let mut peers = HashMap::new();
        for platform in args.platforms.all() {
            let Some(client) = platform.dashboard_client else {
                continue;
            };
            let name = platform.name;
            let links = args.pages.links()?.ok_or_else(|| {
                anyhow::anyhow!("BROKER_CREDENTIALS_FILE: {name} has a dashboard_client, but PAGES_URL is not set")
            })?;
            anyhow::ensure!(
                links.are_private(),
                "PAGES_URL: https:// is needed, since {name} has a dashboard_client in BROKER_CREDENTIALS_FILE: without TLS browsers keep no \
                 sign-in"
            );
            let outside = Outside::new(&client.roots)
                .map_err(|error| anyhow::anyhow!("BROKER_CREDENTIALS_FILE: dashboard_client of {name}: {error}"))?;
            let peer = Peer::new(&name, client, links.sign_in_done(&name), outside);
            peers.insert(name, peer);
        }
        Ok((!peers.is_empty()).then(|| Self {
            peers,
            lifetime: args.sign_in.sign_in_lifetime,
            turns: Semaphore::new(AT_ONCE),
        }))
    }

    /// The platform with this name, if its users sign in.
    pub(crate) fn peer(&self, platform: &str) -> Option<&Peer> {
        self.peers.get(platform)
    }

    /// For each platform, in the order of their names: why its users can't sign in, if they can't.
    pub(crate) async fn tried(&self) -> Vec<(&str, Result<(), String>)> {
        let mut peers: Vec<_> = self.peers.iter().collect();
        peers.sort_unstable_by_key(|(name, _)| *name);
        let mut all = Vec::new();
        for (name, peer) in peers {
            let tried = peer.tried().await.map_err(|trouble| trouble.to_string());
            all.push((name.as_str(), tried));
        }
        all
    }
}

/// Now, in seconds since 1970, by this process's clock: of those that share the keys one may run ahead by a little.
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match lifetime.as_secs() {
        1..=3_600 => Ok(lifetime),
        _ => Err("from 1s to 1h".to_owned()),
    }
}
