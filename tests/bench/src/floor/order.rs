//! The floor of an order: instant-acme and nothing else, at the same CA.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{Account, BodyWrapper, ChallengeType, Identifier, NewAccount, NewOrder, Order, OrderStatus};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::site::Site;

/// How often the CA is asked whether it is done: more often than its Retry-After allows, since its own time is wanted.
const EVERY: Duration = Duration::from_millis(20);
/// The CA's name in the stack (`caaIdentities`).
const ISSUER: &str = "pebble.test";

/// An account at the stack's CA.
///
/// # Errors
/// When the CA refuses.
pub(crate) async fn account(site: &Site) -> anyhow::Result<Account> {
    let new = NewAccount {
        contact: &[],
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let endpoints = site.stack.endpoints();
    let (account, _) = Account::builder_with_http(Box::new(client(site)?))
        .create(&new, endpoints.acme_directory_url.clone(), None)
        .await?;
    Ok(account)
}

/// As certificate-issuer's own client: keep-alive and `TCP_NODELAY`.
fn client(site: &Site) -> anyhow::Result<Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>> {
    let connector = stack::ca_connector(&site.stack.endpoints().acme_ca_pem)?;
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// Orders a certificate for these domains. Returns how long it took from the moment at which all records are in place,
/// and the order and its authorizations are known, until the certificate is there.
///
/// # Errors
/// When the CA refuses.
pub(crate) async fn certificate(site: &Site, account: &Account, domains: &[String]) -> anyhow::Result<Duration> {
    let identifiers: Vec<Identifier> = domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    fetch(&mut order).await?;
    let record = format!("{ISSUER}; accounturi={}", account.id());
    site.set_records(domains, &record).await?;
    let mut params = CertificateParams::new(domains)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&KeyPair::generate()?)?;

    let began = Instant::now();
    answer(&mut order).await?;
    loop {
        match order.refresh().await?.status {
            OrderStatus::Ready => break,
            OrderStatus::Invalid => bail!("the CA rejected a domain"),
            _ => tokio::time::sleep(EVERY).await,
        }
    }
    order.finalize_csr(request.der()).await?;
    while order.certificate().await?.is_none() {
        tokio::time::sleep(EVERY).await;
    }
    Ok(began.elapsed())
}

/// Fetches the authorizations, which the order keeps.
async fn fetch(order: &mut Order) -> anyhow::Result<()> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        authorization?;
    }
    Ok(())
}

/// Tells the CA that each record is in place.
async fn answer(order: &mut Order) -> anyhow::Result<()> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let way = ChallengeType::Unknown("dns-persist-01".to_owned());
        let mut challenge = authorization.challenge(way).context("dns-persist-01 is not offered")?;
        challenge.set_ready().await?;
    }
    Ok(())
}
