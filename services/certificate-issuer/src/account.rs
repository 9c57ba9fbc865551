//! The tenant's account at the CA, and a session with it: one account object for one attempt, nothing kept in memory.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::{Account, AccountCredentials, Error, Order};
use pipeline::{Outcome, Verdict};
use secrecy::{ExposeSecret as _, SecretBox};
use serde_json::json;
use store::{KeyRing, Store};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Semaphore;

use crate::acme_client::{AcmeClient, Exchange};
use crate::directory::{Directory, DirectoryCache};
use crate::limits::before_account;
use crate::registration::register;
use crate::settings::{AcmeArgs, ExternalAccount};
use crate::triage::{Stop, Trouble, triage};
use crate::words::{cause, said};

/// What every step needs.
pub(crate) struct Ca {
    pub(crate) settings: AcmeArgs,
    pub(crate) external: Option<ExternalAccount>,
    pub(crate) client: AcmeClient,
    pub(crate) directories: DirectoryCache,
    pub(crate) store: Store,
    pub(crate) ring: KeyRing,
    /// Held while an order is placed.
    pub(crate) placing: Semaphore,
}

impl Ca {
    /// What the CA offers where.
    ///
    /// # Errors
    /// When it can't be had.
    pub(crate) async fn directory(&self, exchange: &Exchange) -> Result<Arc<Directory>, Error> {
        self.directories.get(exchange, &self.settings.acme_directory_url).await
    }
}

/// One attempt's conversation with the CA, in the name of one tenant.
///
/// Made anew for each attempt: it costs no request (the directory is kept), leaves no account key in memory, and can't
/// be mistaken for another tenant's.
pub(crate) struct Session<'a> {
    ca: &'a Ca,
    tenant: &'a str,
    account: Account,
    /// The account's URL.
    pub(crate) account_uri: String,
    /// What instant-acme doesn't hand on.
    pub(crate) exchange: Exchange,
    /// What the CA offers.
    pub(crate) directory: Arc<Directory>,
}

impl<'a> Session<'a> {
    /// The tenant's account, registered if it isn't yet (RFC 8555 §7.3).
    ///
    /// # Errors
    /// When the CA doesn't let us, or the store fails.
    pub(crate) async fn open(ca: &'a Ca, tenant: &'a str) -> Result<Self, Stop> {
        let exchange = ca.client.exchange();
        let url = &ca.settings.acme_directory_url;
        let directory = ca
            .directory(&exchange)
            .await
            .map_err(|error| refused_or_later(&exchange, &error, "fetching its directory"))?;
        let (_, fresh) = instant_acme::Key::generate_pkcs8()
            .map_err(|error| Stop::internal("no account key could be made", error))?;
        let fresh = SecretBox::new(Box::new(fresh.secret_pkcs8_der().to_vec()));
        let stored = ca.store.account(&ca.ring, tenant, url, &fresh).await?;
        let account_uri = match stored.account_uri {
            Some(account_uri) => account_uri,
            None => {
                before_account(ca).await?;
                let registered = register(
                    &exchange,
                    &directory,
                    stored.key.expose_secret(),
                    &ca.settings.contact(),
                    ca.external.as_ref(),
                )
                .await
                .map_err(|error| refused_or_later(&exchange, &error, "registering your account"))?;
                ca.store.set_account_uri(tenant, url, Some(&registered)).await?;
                tracing::info!(tenant, account_uri = registered, "account registered");
                registered
            }
        };
        // With `urls` instant-acme fetches no directory of its own.
        let credentials: AccountCredentials = serde_json::from_value(json!({
            "id": account_uri,
            "key_pkcs8": URL_SAFE_NO_PAD.encode(stored.key.expose_secret()),
            "urls": directory.json,
        }))
        // Not the error itself: it may quote what it could not read.
        .map_err(|_| Stop::internal("the account can't be used", "credentials refused"))?;
        let account = Account::builder_with_http(Box::new(exchange.clone()))
            .from_credentials(credentials)
            .await
            .map_err(|error| Stop::internal("the account can't be used", error))?;
        Ok(Self {
            ca,
            tenant,
            account,
            account_uri,
            exchange,
            directory,
        })
    }

    /// The account, for requests.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Fetches the task's order, by the URL that the store knows.
    ///
    /// # Errors
    /// The order is spent when the CA doesn't know it, when it is another account's, or has no URL.
    pub(crate) async fn order(&self, stored: &store::Order, doing: &str) -> Result<Order, Stop> {
        let ours = stored.account_uri.as_ref().is_none_or(|uri| *uri == self.account_uri);
        let Some(url) = stored.url.clone().filter(|_| ours) else {
            return Err(spent("the order belongs to an account that is no longer used").into());
        };
        match self.account.order(url).await {
            Ok(order) => Ok(order),
            Err(error) => match self.trouble(&error, doing) {
                // Another account's order is refused as unauthorized (RFC 8555 §7.1).
                Trouble::Refused(problem) if problem.status == Some(403) => {
                    Err(spent(format!("the CA doesn't show the order: {}", said(&problem))).into())
                }
                trouble => Err(self.stop(trouble, doing).await),
            },
        }
    }

    /// When the CA drops the order (RFC 8555 §7.1.3), if its last answer was the order.
    pub(crate) fn expires(&self) -> Option<OffsetDateTime> {
        let order = self.exchange.last()?.json();
        OffsetDateTime::parse(order.get("expires")?.as_str()?, &Rfc3339).ok()
    }

    /// What an error means.
    pub(crate) fn trouble(&self, error: &Error, doing: &str) -> Trouble {
        triage(error, self.exchange.retry_after(), doing)
    }

    /// How a step ends by an error that it has no better answer to.
    pub(crate) async fn fail(&self, error: &Error, doing: &str) -> Stop {
        self.stop(self.trouble(error, doing), doing).await
    }

    /// How a step ends by a trouble that it has no better answer to.
    pub(crate) async fn stop(&self, trouble: Trouble, doing: &str) -> Stop {
        match trouble {
            Trouble::AccountUnknown => match self.forget_account().await {
                Ok(()) => spent("the CA no longer knows the account, which is registered anew").into(),
                Err(stop) => stop,
            },
            Trouble::Gone => spent("the CA no longer knows the order").into(),
            other => plain_stop(other, doing),
        }
    }

    /// The CA forgot the account (a test CA that was started anew): the same key is registered again next time.
    pub(crate) async fn forget_account(&self) -> Result<(), Stop> {
        tracing::warn!(
            tenant = self.tenant,
            account_uri = self.account_uri,
            "the CA doesn't know the account"
        );
        self.ca
            .store
            .set_account_uri(self.tenant, &self.ca.settings.acme_directory_url, None)
            .await?;
        Ok(())
    }
}

fn refused_or_later(exchange: &Exchange, error: &Error, doing: &str) -> Stop {
    plain_stop(triage(error, exchange.retry_after(), doing), doing)
}

fn plain_stop(trouble: Trouble, doing: &str) -> Stop {
    match trouble {
        Trouble::Later { why, retry_after } => Outcome::pending_for(why, retry_after).into(),
        Trouble::Refused(problem) => Outcome::failed(
            format!(
                "The CA refused while {doing}: {}. Tell the broker's operator.",
                said(&problem)
            ),
            cause(doing, &problem),
        )
        .into(),
        Trouble::Gone | Trouble::AccountUnknown => {
            Outcome::pending(format!("the CA doesn't know what it was asked about, while {doing}")).into()
        }
        Trouble::Ours(cause) => Stop::internal("an internal error, which the operator sees in the log", cause),
    }
}

/// The order can't lead to a certificate any more, and no domain is to blame.
pub(crate) fn spent(reason: impl Into<String>) -> Outcome {
    Outcome::Done(Verdict::OrderSpent {
        reason: reason.into(),
        rejections: Vec::new(),
    })
}
