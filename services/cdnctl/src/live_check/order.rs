//! An order at the CA, from the account to the certificate. The key exists in this process only.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use super::check::Check;
use super::ended::Ended;
use super::record;
use super::state::KeyKind;

/// How long a CA may take to validate, and to issue; `Retry-After` is honoured.
const PACE: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_secs(1))
    .timeout(Duration::from_secs(600));

/// A certificate for the domain.
pub(super) struct Issued {
    /// The leaf, PEM.
    pub(super) leaf: String,
    /// The rest of the chain, PEM.
    pub(super) chain: Option<String>,
    /// PKCS #8, PEM. Must be sent to IAM only.
    pub(super) key: String,
}

/// Orders a certificate.
pub(super) async fn certificate(check: &mut Check, kind: KeyKind) -> Result<Issued, Ended> {
    let key = tokio::task::spawn_blocking(move || new_key(kind))
        .await
        .map_err(|error| Ended::Unfit(error.to_string()))??;
    let identifiers = [Identifier::Dns(check.state.domain.clone())];
    let mut order = account(check).await?.new_order(&NewOrder::new(&identifiers)).await?;
    prove(check, &mut order).await?;
    check.stop.go_on()?;
    if check.stop.unless_wanted(order.poll_ready(&PACE)).await?? != OrderStatus::Ready {
        return Err(Ended::Unfit(
            "the CA rejected the order: it did not find the record".to_owned(),
        ));
    }
    let mut params = CertificateParams::new(vec![check.state.domain.clone()])?;
    params.distinguished_name = DistinguishedName::new();
    order.finalize_csr(params.serialize_request(&key)?.der()).await?;
    let pem = check.stop.unless_wanted(order.poll_certificate(&PACE)).await??;
    let (leaf, chain) = split(&pem).ok_or_else(|| Ended::Unfit("the CA's answer is no certificate".to_owned()))?;
    Ok(Issued {
        leaf: leaf.to_owned(),
        chain: chain.map(str::to_owned),
        key: key.serialize_pem(),
    })
}

fn new_key(kind: KeyKind) -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(match kind {
        KeyKind::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
        KeyKind::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
    })
}

async fn account(check: &mut Check) -> Result<Account, Ended> {
    if let Some(account) = &check.account {
        return Ok(account.clone());
    }
    let builder = match &check.args.ca_roots {
        Some(roots) => Account::builder_with_root(roots)?,
        None => Account::builder()?,
    };
    let new = NewAccount {
        contact: &[],
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let url = check.state.acme_directory_url.clone();
    let (account, _key) = builder.create(&new, url, None).await?;
    check.tell("made an account at the CA");
    check.account = Some(account.clone());
    Ok(account)
}

/// Answers the pending challenges; the domain may be valid already from an earlier order.
async fn prove(check: &mut Check, order: &mut Order) -> Result<(), Ended> {
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let mut authorization = next?;
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::Dns01) else {
            return Err(Ended::Unfit("the CA does not offer dns-01".to_owned()));
        };
        let value = challenge.key_authorization().dns_value();
        record::wait_for(check, &value).await?;
        challenge.set_ready().await?;
    }
    Ok(())
}

/// The leaf, and the rest of the chain (RFC 8555 §9.1: leaf first).
fn split(pem: &str) -> Option<(&str, Option<&str>)> {
    const END: &str = "-----END CERTIFICATE-----";
    let end = pem.find(END)? + END.len();
    let (leaf, rest) = pem.split_at(end);
    let chain = rest.trim();
    Some((leaf.trim(), (!chain.is_empty()).then_some(chain)))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_leaf_is_apart_from_its_chain() {
        let one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        let two = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----";
        assert_eq!(split(&format!("{one}\n\n{two}\n")), Some((one, Some(two))));
        assert_eq!(split(&format!("{one}\n")), Some((one, None)));
        assert_eq!(split("<html>"), None);
    }
}
