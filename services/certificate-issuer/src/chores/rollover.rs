//! Changes account keys when the operator asks for it (`cdnctl rollover`). The sequence: the next key is stored in the
//! database, the CA is asked to change the key, the next key becomes the account's key. After a crash at any point, the
//! CA knows which of the two keys is valid: the next process that needs the account asks it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use instant_acme::Error;
use pipeline::reason::Request;
use secrecy::ExposeSecret as _;
use store::{StoreError, Wanted};

use crate::ca::{Ca, Cas};
use crate::client::acme_client::Exchange;
use crate::client::directory::{self, Directory};
use crate::client::jws::new_key;
use crate::client::key_change::change_key;
use crate::client::registration::find;
use crate::client::triage::{Trouble, triage};
use crate::client::words::said;
use crate::promote_key::promote;

/// Other periodic tasks wait during this one, and a CA has rate limits.
const MOST_A_TURN: usize = 20;
/// After this time no further account is started.
const LONGEST_TURN: Duration = Duration::from_secs(60);
const DOING: Request = Request::ChangeKey;
const NOT_YET: &str = "the CA says that it accepted the new key, and doesn't find the account by it";

/// Changes the keys for which a change was requested, a few at a time. Failures are retried in a later run, after the
/// accounts that were not tried yet. Sends no request to a CA when no change was requested.
///
/// # Errors
/// When the store fails; the rest is done in the next run.
pub(crate) async fn change_keys(cas: &Cas) -> Result<(), StoreError> {
    let begun = Instant::now();
    let mut away = HashSet::new();
    let mut tried = 0;
    for wanted in cas.store.wanted_rollovers().await? {
        if tried == MOST_A_TURN || begun.elapsed() > LONGEST_TURN {
            break;
        }
        if away.contains(&wanted.directory_url) {
            continue;
        }
        tried += 1;
        let changed = crash_points::within("rollover", &wanted.tenant, change(cas, &wanted)).await;
        match changed {
            Ok(()) => {}
            Err(Stopped::Store(error)) => return Err(error),
            Err(Stopped::Obstacle(problem)) => {
                tracing::warn!(
                    tenant = wanted.tenant,
                    account_uri = wanted.account_uri,
                    problem = problem.why,
                    "the account's key is not changed yet"
                );
                cas.store.set_rollover_problem(&wanted, &problem.why).await?;
                if problem.ca_is_away {
                    away.insert(wanted.directory_url);
                }
            }
        }
    }
    Ok(())
}

/// Why a key is not changed, for the operator.
struct Obstacle {
    why: String,
    /// The CA is unavailable for all accounts.
    ca_is_away: bool,
}

impl Obstacle {
    fn of(error: &Error) -> Self {
        // The caller decides when to retry.
        let (why, ca_is_away) = match triage(error, None, DOING) {
            Trouble::Later { why, .. } => (why.to_string(), true),
            Trouble::Refused(problem) => (format!("the CA refuses: {}", said(&problem)), false),
            Trouble::AccountUnknown => ("the CA doesn't know the account".to_string(), false),
            Trouble::Gone => ("the CA doesn't change keys where its directory says".to_string(), false),
            Trouble::Ours(cause) => (cause, false),
        };
        Self { why, ca_is_away }
    }

    fn that(why: &str) -> Self {
        Self {
            why: why.to_string(),
            ca_is_away: false,
        }
    }
}

enum Stopped {
    Store(StoreError),
    Obstacle(Obstacle),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        match error {
            // Affects one account only: the others are still processed.
            StoreError::Sealing(_) => Self::Obstacle(Obstacle::that(&error.to_string())),
            error => Self::Store(error),
        }
    }
}

impl From<Obstacle> for Stopped {
    fn from(problem: Obstacle) -> Self {
        Self::Obstacle(problem)
    }
}

async fn change(cas: &Cas, wanted: &Wanted) -> Result<(), Stopped> {
    // An account may be at a CA that was set earlier, which has the system's roots or the first one's.
    let known = cas.at(&wanted.directory_url);
    let client = &known.unwrap_or(&cas.all[0]).client;
    let exchange = client.exchange();
    let directory = directory_of(known, &exchange, &wanted.directory_url)
        .await
        .map_err(|error| Obstacle::of(&error))?;
    let Some(url) = directory.key_change.as_deref() else {
        return Err(Obstacle::that("the CA can't change an account's key: its directory has no keyChange").into());
    };
    let fresh = new_key().map_err(|error| Obstacle::of(&error))?;
    let keys = cas.store.next_account_key(&cas.ring, wanted, &fresh).await?;
    let Some((current, next)) = keys else { return Ok(()) };
    let (current, account_uri) = (current.expose_secret(), &wanted.account_uri);
    let asked = change_key(
        &exchange,
        &directory,
        url,
        account_uri,
        current,
        next.key.expose_secret(),
    )
    .await;
    // The response doesn't decide: it may be lost now, or was lost before a crash, and Pebble reports success without
    // making the change. The key by which the CA finds the account decides.
    match find(&exchange, &directory, next.key.expose_secret()).await {
        Ok(url) if url == *account_uri => {}
        // The next key may be the only valid one, so it is dropped only when the account is known to have its own.
        Ok(_) if is_accounts(&exchange, &directory, current, account_uri).await => {
            cas.store.drop_next_key(wanted, &next).await?;
            return Err(Obstacle::that(
                "the CA has another account with the new key: the next attempt makes another key",
            )
            .into());
        }
        _ => {
            let problem = asked.map_or_else(|error| Obstacle::of(&error), |()| Obstacle::that(NOT_YET));
            return Err(problem.into());
        }
    }
    crash_points::at("before-promotion");
    promote(cas, &wanted.tenant, &wanted.directory_url, account_uri, current, &next).await?;
    Ok(())
}

async fn directory_of(ca: Option<&Ca>, exchange: &Exchange, url: &str) -> Result<Arc<Directory>, Error> {
    match ca {
        Some(ca) => ca.directory(exchange).await,
        None => Ok(Arc::new(directory::fetch(exchange, url).await?)),
    }
}

/// Whether the CA confirms that the key is this account's.
async fn is_accounts(exchange: &Exchange, directory: &Directory, key: &[u8], account_uri: &str) -> bool {
    matches!(find(exchange, directory, key).await, Ok(url) if url == account_uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_reads_why_and_a_ca_that_is_away_is_left_alone() {
        let problem = |error: Error| Obstacle::of(&error);
        let api = |status: u16, kind: &str| {
            let text =
                format!(r#"{{"type":"urn:ietf:params:acme:error:{kind}","detail":"its words","status":{status}}}"#);
            Error::Api(serde_json::from_str(&text).unwrap())
        };
        let refused = problem(api(403, "unauthorized"));
        assert_eq!(
            (refused.why.as_str(), refused.ca_is_away),
            ("the CA refuses: its words (unauthorized)", false)
        );
        for away in [
            api(429, "rateLimited"),
            api(503, "serverInternal"),
            Error::Str("no nonce"),
        ] {
            assert!(problem(away).ca_is_away);
        }
        assert!(!problem(api(400, "accountDoesNotExist")).ca_is_away);
    }
}
