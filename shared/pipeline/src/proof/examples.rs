//! Challenges for tests.

use super::dns_persist01::Form;
use super::{Challenge, Challenges, Dns01, DnsPersist01, Http01};
use crate::domain::wildcard_of;

/// What Let's Encrypt would offer.
pub(crate) fn challenges(account_url: &str, dns01_value: &str, domain: &str) -> Challenges {
    let persist = Challenge::DnsPersist01(DnsPersist01 {
        form: Form::AccountUrl,
        issuer_domains: vec!["letsencrypt.org".to_owned()],
        account_uris: account_url.into(),
    });
    let dns01 = Challenge::Dns01(Dns01 {
        value: dns01_value.to_owned(),
    });
    let http01 = wildcard_of(domain).is_none().then(|| {
        Challenge::Http01(Http01 {
            token: "LoqXcYV8q5ONbJQxbmR7SC".to_owned(),
            key_authorization: "LoqXcYV8q5ONbJQxbmR7SC.9jg46WB3rR_AHD-EBXdN7c".to_owned(),
        })
    });
    [persist, dns01].into_iter().chain(http01).collect()
}
