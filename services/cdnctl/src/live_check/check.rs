//! What every step needs: the clients, the state, and the waiting.

use std::time::Duration;

use aws::{CloudFront, Failure, Reason};
use tokio::time::Instant;

use super::Args;
use super::beliefs::{Belief, Verdict};
use super::ended::Ended;
use super::folder::Folder;
use super::state::{Done, Kind, State};
use super::stop::Stop;
use crate::CommandError;
use crate::shown;

/// A running check.
pub(super) struct Check {
    pub(super) args: Args,
    pub(super) cloudfront: CloudFront,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) state: State,
    pub(super) stop: Stop,
    /// The account at the CA, of this process alone: its key is never written to disk.
    pub(super) account: Option<instant_acme::Account>,
    folder: Folder,
}

impl Check {
    pub(super) async fn new(args: Args, folder: Folder, state: State) -> Result<Self, CommandError> {
        // One crypto provider for all TLS connections of the process; installing it fails only when one is installed
        // already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = aws::sdk_config().await?;
        let check = Self {
            cloudfront: CloudFront::watched(&config, folder.watcher()),
            iam: aws::iam_watched(&config, folder.watcher()),
            stop: Stop::listen().map_err(|error| CommandError::Refused(format!("no signals can be heard: {error}")))?,
            account: None,
            args,
            state,
            folder,
        };
        check.save()?;
        Ok(check)
    }

    pub(super) fn save(&self) -> Result<(), CommandError> {
        self.folder.save(&self.state)
    }

    /// Runs a step, unless it was completed before; it describes its result in a sentence.
    pub(super) async fn step(
        &mut self,
        name: &str,
        work: impl AsyncFnOnce(&mut Self) -> Result<String, Ended>,
    ) -> Result<(), Ended> {
        if self.state.done.iter().any(|done| done.step == name) {
            self.tell(&format!("{name}: done before"));
            return Ok(());
        }
        self.stop.go_on()?;
        self.tell(&format!("{name} …"));
        let begun = Instant::now();
        let told = work(self).await?;
        let took = begun.elapsed();
        self.tell(&format!("{name}: {} ({})", shown::clean(&told), span(took)));
        self.state.done.push(Done {
            step: name.to_owned(),
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            told,
        });
        Ok(self.save()?)
    }

    /// Reports progress to the user; only the result goes to standard output.
    pub(super) fn tell(&self, line: &str) {
        let now = shown::moment(time::OffsetDateTime::now_utc());
        eprintln!("{now}  {line}");
    }

    pub(super) fn see(&mut self, belief: &Belief, verdict: Verdict, observed: impl Into<String>) {
        self.state.see(belief, verdict, observed);
    }

    /// Records the resource before the call that creates it.
    pub(super) fn intend(&mut self, kind: Kind, name: &str) -> Result<(), CommandError> {
        self.state.intend(kind, name);
        self.save()
    }

    pub(super) fn made(&mut self, name: &str, id: &str) -> Result<(), CommandError> {
        self.state.made(name, id);
        self.save()
    }

    pub(super) fn gone(&mut self, name: &str) -> Result<(), CommandError> {
        self.state.gone(name);
        self.save()
    }

    /// Waits until the next poll, unless the whole wait took too long.
    pub(super) async fn wait(&mut self, what: &str, since: Instant) -> Result<(), Ended> {
        if since.elapsed() > Duration::from(self.args.patience) {
            return Err(Ended::Waited(what.to_owned()));
        }
        self.stop.pause(self.args.every.into()).await
    }
}

/// A duration, for people.
pub(super) fn span(span: Duration) -> String {
    shown::span(time::Duration::try_from(span).unwrap_or(time::Duration::MAX))
}

/// AWS's error, when it refused. A missing response or a temporary error says nothing about a belief and ends the
/// check.
pub(super) fn refusal(failure: Failure) -> Result<String, Ended> {
    match &failure.reason {
        Reason::Refused { status, code, .. } if !passes(&failure) => {
            Ok(format!("{code} ({status}) {}", failure.words()).trim_end().to_owned())
        }
        _ => Err(failure.into()),
    }
}

/// Whether the same call may succeed a moment later.
pub(super) fn passes(failure: &Failure) -> bool {
    match &failure.reason {
        Reason::Refused { status, code, .. } => *status >= 500 || code.is_empty() || code.contains("Throttl"),
        Reason::NoAnswer(_) | Reason::Raced => true,
        Reason::NoCredentials(_) | Reason::Incomplete(_) => false,
    }
}
