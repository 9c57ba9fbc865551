//! Which CA, and how this service introduces itself there.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pipeline::instance::KeyType;
use secrecy::SecretBox;
use secret::Secret;
use worker::ProfileArgs;

use crate::limits::{Limits, LimitsSetting};

secret::setting!(
    pub(crate) EabHmacKey,
    "acme-eab-hmac-key",
    "ACME_EAB_HMAC_KEY",
    optional,
    "HMAC key of the external account, base64url, as the CA gave it."
);

/// Which CA, and how to introduce oneself. An empty value counts as unset, as deployment templates like to set those.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "ACME CA")]
pub(crate) struct AcmeArgs {
    /// The CA's directory (RFC 8555 §7.1.1), an https:// address. Accounts belong to one directory: another one means
    /// new accounts.
    #[arg(long, env, default_value = instant_acme::LetsEncrypt::Production.url())]
    pub(crate) acme_directory_url: String,
    /// PEM file of roots trusted for the CA's own TLS, beside the system's roots; unset: the system's roots alone.
    #[arg(long, env)]
    acme_ca_roots: Option<String>,
    /// Contacts of every account, such as mailto:ops@example.com, comma separated; unset: none (Let's Encrypt sends no
    /// mail any more).
    #[arg(long, env, value_delimiter = ',', value_parser = contact)]
    acme_contact: Vec<String>,
    /// Key identifier of the external account (RFC 8555 §7.3.4), for CAs that want one; unset: none.
    #[arg(long, env)]
    acme_eab_kid: Option<String>,
    /// HMAC key of the external account.
    #[command(flatten)]
    acme_eab_hmac_key: Secret<EabHmacKey>,
    /// Type of the certificates' keys, where the instance's plan has none. AWS documents P-256 at CloudFront for certificates of ACM only.
    #[arg(long, env, value_enum, default_value = "rsa-2048")]
    pub(crate) certificate_key_type: KeyType,
    /// The CA's name in CAA records, if its directory doesn't say (caaIdentities); unset: not known, and CAA records are left to the CA.
    /// The names in records of dns-persist-01 are those of the CA's challenges.
    #[arg(long, env)]
    acme_issuer_domain: Option<String>,
    /// Common name of the root that the chain should lead to, where the CA offers several, such as "ISRG Root X1" (certbot's
    /// --preferred-chain); unset, or if the CA doesn't offer it: the CA's default.
    #[arg(long, env)]
    acme_preferred_chain: Option<String>,
    /// Rate limits of the CA that are obeyed, so that it never has to refuse: auto (Let's Encrypt's there, none elsewhere), none, or such
    /// as orders=300/3h,accounts=10/3h,domain=50/7d,same=5/7d (of an account, from our address, for a registered domain, with the same
    /// names).
    #[arg(long, env, default_value = "auto")]
    acme_limits: LimitsSetting,
    /// The most orders that this process places concurrently; other requests to the CA are not limited.
    #[arg(long, env, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) acme_orders_at_once: u16,
    #[command(flatten)]
    profile: ProfileArgs,
}

/// An account elsewhere that new ACME accounts are bound to (RFC 8555 §7.3.4).
pub(crate) struct ExternalAccount {
    pub(crate) kid: String,
    pub(crate) hmac_key: SecretBox<Vec<u8>>,
}

/// An invalid setting. Quotes no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidSetting {
    #[error("ACME_DIRECTORY_URL is not an https:// address")]
    Directory,
    #[error("ACME_EAB_HMAC_KEY is not base64url")]
    HmacKey,
    #[error("set both ACME_EAB_KID and ACME_EAB_HMAC_KEY, or neither")]
    HalfAnAccount,
}

impl AcmeArgs {
    /// Checks what clap can't.
    ///
    /// # Errors
    /// When the directory is not an https:// URL.
    pub(crate) fn check(&self) -> Result<(), InvalidSetting> {
        let uri: http::Uri = self.acme_directory_url.parse().map_err(|_| InvalidSetting::Directory)?;
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(_)) => Ok(()),
            _ => Err(InvalidSetting::Directory),
        }
    }

    /// The file of roots that are trusted in addition to the system's.
    pub(crate) fn ca_roots(&self) -> Option<&Path> {
        set(self.acme_ca_roots.as_deref()).map(Path::new)
    }

    /// Contacts of new accounts.
    pub(crate) fn contact(&self) -> Vec<String> {
        self.acme_contact
            .iter()
            .filter(|uri| !uri.is_empty())
            .cloned()
            .collect()
    }

    /// The name that CAA records are assumed to use for the CA.
    pub(crate) fn issuer_domain(&self) -> Option<&str> {
        set(self.acme_issuer_domain.as_deref())
    }

    /// The CA's rate limits that apply.
    pub(crate) fn limits(&self) -> Limits {
        self.acme_limits.at(&self.acme_directory_url)
    }

    /// The root that the chain should lead to.
    pub(crate) fn preferred_chain(&self) -> Option<&str> {
        set(self.acme_preferred_chain.as_deref())
    }

    /// The profile to request.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.acme_profile()
    }

    /// The external account, if one is configured.
    ///
    /// # Errors
    /// When its key is not base64url, or only one of the two settings is set.
    pub(crate) fn external_account(&self) -> Result<Option<ExternalAccount>, InvalidSetting> {
        let key = self.acme_eab_hmac_key.expose().trim();
        let (kid, key) = match (set(self.acme_eab_kid.as_deref()), set(Some(key))) {
            (None, None) => return Ok(None),
            (Some(kid), Some(key)) => (kid, key),
            _ => return Err(InvalidSetting::HalfAnAccount),
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(key.trim_end_matches('='))
            .map_err(|_| InvalidSetting::HmacKey)?;
        Ok(Some(ExternalAccount {
            kid: kid.to_string(),
            hmac_key: SecretBox::new(Box::new(bytes)),
        }))
    }
}

fn set(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

fn contact(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.split_once(':') {
        None if text.is_empty() => Ok(String::new()),
        Some((_, rest)) if !rest.is_empty() => Ok(text.to_string()),
        _ => Err("write a URI such as mailto:ops@example.com".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret as _;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        acme: AcmeArgs,
    }

    fn parse(args: &[&str]) -> Result<AcmeArgs, clap::Error> {
        Line::try_parse_from([&["test"], args].concat()).map(|line| line.acme)
    }

    fn with_account(kid: &str, key: &str) -> AcmeArgs {
        let mut acme = parse(&["--acme-eab-kid", kid]).unwrap();
        acme.acme_eab_hmac_key = key.into();
        acme
    }

    #[test]
    fn the_defaults_are_lets_encrypt_and_rsa() {
        let acme = parse(&[]).unwrap();
        assert_eq!(
            acme.acme_directory_url,
            "https://acme-v02.api.letsencrypt.org/directory"
        );
        assert_eq!(acme.certificate_key_type, KeyType::Rsa2048);
        assert!(acme.contact().is_empty() && acme.external_account().unwrap().is_none());
        acme.check().unwrap();
    }

    #[test]
    fn an_external_account_is_whole_or_not_at_all() {
        for (kid, key) in [("kid-1", ""), ("", "AAAA")] {
            assert!(with_account(kid, key).external_account().is_err());
        }
        let line = |key| with_account("kid-1", key);
        let account = line("zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")
            .external_account()
            .unwrap()
            .unwrap();
        assert_eq!(account.hmac_key.expose_secret().len(), 48);
        for bad in ["not base64url!", ""] {
            let error = line(bad).external_account().err().unwrap().to_string();
            assert!(!error.contains("not base64url!"), "{error}");
        }
    }

    #[test]
    fn empty_is_unset() {
        let names = [
            "ca-roots",
            "contact",
            "eab-kid",
            "eab-hmac-key-file",
            "issuer-domain",
            "profile",
        ];
        let flags = names.map(|name| format!("--acme-{name}="));
        let acme = parse(&flags.each_ref().map(String::as_str)).unwrap();
        assert_eq!(
            (acme.ca_roots(), acme.issuer_domain(), acme.profile()),
            (None, None, None)
        );
        assert!(acme.contact().is_empty() && acme.external_account().unwrap().is_none());
    }

    #[test]
    fn secrets_are_not_shown() {
        let acme = with_account("kid-1", "c2VjcmV0");
        assert!(!format!("{acme:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn values_are_checked() {
        let acme = parse(&["--acme-contact", "mailto:a@example.com,mailto:b@example.com"]).unwrap();
        assert_eq!(acme.contact().len(), 2);
        assert!(parse(&["--acme-contact", "a@example.com"]).is_err());
        assert!(parse(&["--certificate-key-type", "dsa"]).is_err());
        let p256 = parse(&["--certificate-key-type", "ecdsa-p256"]).unwrap();
        assert_eq!(p256.certificate_key_type, KeyType::EcdsaP256);
        for url in ["http://ca.example/dir", "ca.example", ""] {
            assert!(parse(&["--acme-directory-url", url]).unwrap().check().is_err());
        }
    }
}
