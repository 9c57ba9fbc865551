//! The tenant's account at the CA, and a session with it: one account object per attempt, with nothing kept in memory.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::{Account, AccountCredentials, Error, Order, Problem};
use pipeline::Outcome;
use pipeline::reason::{CaReason, Request, Spent};
use pipeline::tenant::EVERYBODY;
use secrecy::{ExposeSecret as _, SecretBox};
use serde_json::json;
use store::NextKey;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use worker::Stop;

use crate::ca::{Ca, Cas};
use crate::client::acme_client::{Answer, Exchange};
use crate::client::directory::Directory;
use crate::client::jws::{self, new_key};
use crate::client::registration::{find, has_none, register};
use crate::client::triage::{Trouble, triage};
use crate::client::words::{cause, said, short_type};
use crate::promote_key::promote;
use crate::within_limits::before_account;

/// One attempt's requests to the CA, on behalf of one tenant.
///
/// A session is created for each attempt: it costs no request (the directory is cached) unless a change of the
/// account's key is in progress, it leaves no account key in memory, and it can't be mistaken for another tenant's.
pub(crate) struct Session<'a> {
    cas: &'a Cas,
    /// The CA.
    pub(crate) ca: &'a Ca,
    /// Whose account it is: the tenant's, or [`EVERYBODY`].
    owner: &'a str,
    account: Account,
    key: SecretBox<Vec<u8>>,
    /// The generation of the account key that the session uses.
    pub(crate) key_generation: i32,
    /// The account's URL.
    pub(crate) account_uri: String,
    /// RFC 7638 thumbprints of the account's earlier keys, the newest first.
    pub(crate) earlier_thumbprints: Vec<String>,
    /// The parts of responses that instant-acme doesn't expose.
    pub(crate) exchange: Exchange,
    /// The CA's directory.
    pub(crate) directory: Arc<Directory>,
}

impl<'a> Session<'a> {
    /// Opens a session with the tenant's account at the CA, and registers the account if necessary (RFC 8555 §7.3).
    ///
    /// # Errors
    /// When the CA refuses, or the store fails.
    pub(crate) async fn open(cas: &'a Cas, ca: &'a Ca, tenant: &'a str) -> Result<Self, Stop> {
        let owner = if ca.settings.one_account { EVERYBODY } else { tenant };
        let exchange = ca.client.exchange();
        let url = ca.url();
        let directory = ca
            .directory(&exchange)
            .await
            .map_err(|error| refused_or_later(&exchange, &error, Request::Directory))?;
        let fresh = new_key().map_err(Stop::internal)?;
        let mut stored = cas.store.account(&cas.ring, owner, url, &fresh).await?;
        if let Some(next) = &stored.next_key
            && settle(cas, ca, &exchange, &directory, owner, &stored, next).await?
        {
            stored = cas.store.account(&cas.ring, owner, url, &fresh).await?;
        }
        let account_uri = match stored.account_uri {
            Some(account_uri) => account_uri,
            None => {
                before_account(cas, ca).await?;
                let registered = register(
                    &exchange,
                    &directory,
                    stored.key.expose_secret(),
                    &ca.settings.contact,
                    ca.settings.external.as_ref(),
                )
                .await
                .map_err(|error| refused_or_later(&exchange, &error, Request::RegisterAccount))?;
                cas.store.set_account_uri(owner, url, Some(&registered)).await?;
                tracing::info!(
                    tenant,
                    account_uri = registered,
                    ca = ca.settings.name,
                    "account registered"
                );
                registered
            }
        };
        // With `urls` instant-acme doesn't fetch the directory itself.
        let credentials: AccountCredentials = serde_json::from_value(json!({
            "id": account_uri,
            "key_pkcs8": URL_SAFE_NO_PAD.encode(stored.key.expose_secret()),
            "urls": directory.json,
        }))
        // Not the error itself: it may quote the input that it could not parse.
        .map_err(|_| Stop::internal("the account's credentials are refused"))?;
        let account = Account::builder_with_http(Box::new(exchange.clone()))
            .from_credentials(credentials)
            .await
            .map_err(Stop::internal)?;
        Ok(Self {
            cas,
            ca,
            owner,
            account,
            key: stored.key,
            key_generation: stored.key_generation,
            account_uri,
            earlier_thumbprints: stored.earlier_thumbprints,
            exchange,
            directory,
        })
    }

    /// The account, as challenges are computed for it.
    pub(crate) fn holder(&self) -> pipeline::proof::Account<'_> {
        pipeline::proof::Account {
            url: &self.account_uri,
            thumbprint: self.account.key_thumbprint(),
            earlier_thumbprints: &self.earlier_thumbprints,
        }
    }

    /// The account, for requests.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Opens a session at the CA of the order.
    ///
    /// # Errors
    /// The order is spent when its CA is not set any more; as [`Self::open`].
    pub(crate) async fn of(cas: &'a Cas, order: &store::Order, tenant: &'a str) -> Result<Self, Stop> {
        Self::open(cas, cas.of(order)?, tenant).await
    }

    /// Fetches the task's order, by the URL in the store.
    ///
    /// # Errors
    /// The order is spent when the CA doesn't know it, when it belongs to another account, or has no URL.
    pub(crate) async fn order(&self, stored: &store::Order, request: Request) -> Result<Order, Stop> {
        let ours = stored.account_uri.as_ref().is_none_or(|uri| *uri == self.account_uri);
        let Some(url) = stored.url.clone().filter(|_| ours) else {
            return Err(Outcome::spent(Spent::OtherAccount).into());
        };
        match self.account.order(url).await {
            Ok(order) => Ok(order),
            Err(error) => match self.trouble(&error, request).await {
                // Another account's order is refused as unauthorized (RFC 8555 §7.1).
                Trouble::Refused(problem) if problem.status == Some(403) => {
                    Err(Outcome::spent(Spent::Hidden { said: said(&problem) }).into())
                }
                trouble => Err(self.stop(trouble, request).await),
            },
        }
    }

    /// Fetches a resource that the CA named, by a POST-as-GET.
    ///
    /// # Errors
    /// The error of the CA or of the connection to it.
    pub(crate) async fn get(&self, url: &str) -> Result<Answer, Error> {
        let key = jws::read(self.key.expose_secret())?;
        let header = |nonce: &str| json!({ "kid": self.account_uri, "nonce": nonce, "url": url });
        jws::post(&self.exchange, &self.directory, url, |nonce| {
            jws::signed_get(&key, header(nonce))
        })
        .await
    }

    /// When the order expires at the CA (RFC 8555 §7.1.3), if the last response was the order.
    pub(crate) fn expires(&self) -> Option<OffsetDateTime> {
        let order = self.exchange.last()?.json();
        OffsetDateTime::parse(order.get("expires")?.as_str()?, &Rfc3339).ok()
    }

    /// Classifies an error. A refusal that may be caused by the account's key is investigated.
    pub(crate) async fn trouble(&self, error: &Error, request: Request) -> Trouble {
        let trouble = triage(error, self.exchange.retry_after(), request);
        let why = match &trouble {
            Trouble::Refused(problem) if may_be_about_the_key(problem) => self.about_the_key(request).await,
            _ => None,
        };
        match why {
            Some(why) => Trouble::Later { why, retry_after: None },
            None => trouble,
        }
    }

    /// Finds out whether the session's key is the reason for the refusal. If it is, the next attempt uses the account's
    /// then current key.
    async fn about_the_key(&self, request: Request) -> Option<CaReason> {
        let (cas, ca, tenant) = (self.cas, self.ca, self.owner);
        match cas.store.known_account(&cas.ring, tenant, ca.url()).await {
            Ok(Some(now)) if now.key_generation == self.key_generation && !now.key_unsettled => {}
            Ok(_) => return Some(CaReason::KeyChanging),
            Err(_) => return Some(CaReason::RefusalUnexplained { request }),
        }
        // A separate exchange: the caller may still need the CA's last response.
        let known = find(&ca.client.exchange(), &self.directory, self.key.expose_secret()).await;
        if !known.is_err_and(|error| has_none(&error)) {
            return None;
        }
        tracing::error!(
            tenant,
            account_uri = self.account_uri,
            "the CA doesn't know the key of the tenant's account: was a dump restored that is older than a change of the key?"
        );
        Some(CaReason::KeyUnknown)
    }

    /// The outcome of a step that has no specific handling for an error.
    pub(crate) async fn fail(&self, error: &Error, request: Request) -> Stop {
        self.stop(self.trouble(error, request).await, request).await
    }

    /// The outcome of a step that has no specific handling for a failure.
    pub(crate) async fn stop(&self, trouble: Trouble, request: Request) -> Stop {
        match trouble {
            Trouble::AccountUnknown => match self.forget_account().await {
                Ok(()) => Outcome::spent(Spent::AccountForgotten).into(),
                Err(stop) => stop,
            },
            Trouble::Gone => Outcome::spent(Spent::OrderForgotten).into(),
            other => plain_stop(other, request),
        }
    }

    /// The CA doesn't know the account any more (a test CA that was restarted): the next attempt registers the same key
    /// again.
    pub(crate) async fn forget_account(&self) -> Result<(), Stop> {
        tracing::warn!(
            tenant = self.owner,
            account_uri = self.account_uri,
            "the CA doesn't know the account"
        );
        self.cas.store.set_account_uri(self.owner, self.ca.url(), None).await?;
        Ok(())
    }
}

/// Resolves a key change that was started and whose result isn't recorded: the CA knows the account by one of the two
/// keys. Returns `true` when it is the next one, which then becomes the account's key.
///
/// # Errors
/// When the CA can't be asked now, or the store fails.
async fn settle(
    cas: &Cas,
    ca: &Ca,
    exchange: &Exchange,
    directory: &Directory,
    tenant: &str,
    stored: &store::Account,
    next: &NextKey,
) -> Result<bool, Stop> {
    let request = Request::FindAccount;
    match find(exchange, directory, next.key.expose_secret()).await {
        Ok(known) if stored.account_uri.as_ref().is_none_or(|ours| *ours == known) => {
            let current = stored.key.expose_secret();
            promote(cas, tenant, ca.url(), &known, current, next).await?;
            Ok(true)
        }
        Ok(_) => Ok(false),
        Err(error) => match triage(&error, exchange.retry_after(), request) {
            later @ Trouble::Later { .. } => Err(plain_stop(later, request)),
            _ => Ok(false),
        },
    }
}

/// A signature by a key that the account no longer has is `malformed` for Boulder and Pebble ("JWS verification
/// error"), and `unauthorized` elsewhere. Both have many other causes.
fn may_be_about_the_key(problem: &Problem) -> bool {
    matches!(problem.status, Some(400 | 401 | 403))
        && matches!(
            short_type(problem.r#type.as_deref()),
            None | Some("malformed" | "unauthorized")
        )
        && problem.subproblems.is_empty()
}

fn refused_or_later(exchange: &Exchange, error: &Error, request: Request) -> Stop {
    plain_stop(triage(error, exchange.retry_after(), request), request)
}

fn plain_stop(trouble: Trouble, request: Request) -> Stop {
    match trouble {
        Trouble::Later { why, retry_after } => Outcome::pending_for(why, retry_after).into(),
        Trouble::Refused(problem) => Outcome::failed(
            format!(
                "The CA refused while {request}: {}. Tell the broker's operator.",
                said(&problem)
            ),
            cause(request, &problem),
        )
        .into(),
        Trouble::Gone | Trouble::AccountUnknown => Outcome::pending(CaReason::Unknown { request }).into(),
        Trouble::Ours(cause) => Stop::internal(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_the_whole_request_may_be_about_the_key() {
        let problem = |status: u16, kind: &str, subproblems: &str| -> Problem {
            let text = format!(
                r#"{{"type":"urn:ietf:params:acme:error:{kind}","status":{status},"detail":"JWS verification error","subproblems":[{subproblems}]}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        for (status, kind) in [(400, "malformed"), (401, "unauthorized"), (403, "unauthorized")] {
            assert!(may_be_about_the_key(&problem(status, kind, "")), "{status} {kind}");
            let one = r#"{"detail":"no","identifier":{"type":"dns","value":"a.example"}}"#;
            assert!(!may_be_about_the_key(&problem(status, kind, one)), "{status} {kind}");
        }
        for (status, kind) in [
            (400, "rejectedIdentifier"),
            (403, "caa"),
            (400, "badCSR"),
            (404, "malformed"),
        ] {
            assert!(!may_be_about_the_key(&problem(status, kind, "")), "{status} {kind}");
        }
    }
}
