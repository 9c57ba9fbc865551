//! Which CAs, and how this service introduces itself there.

use std::path::PathBuf;

use pipeline::instance::KeyType;
use secret::Secret;
use worker::ProfileArgs;

use crate::ca_settings::{CaSettings, contact, external_account, is_https, others};
use crate::limits::LimitsSetting;

secret::setting!(
    pub(crate) EabHmacKey,
    "acme-eab-hmac-key",
    "ACME_EAB_HMAC_KEY",
    optional,
    "HMAC key of the external account, base64url, as the CA gave it."
);

secret::setting!(
    pub(crate) OtherCas,
    "acme-other-cas",
    "ACME_OTHER_CAS",
    optional,
    "More CAs beside the one above, as a JSON list; an order goes to the first that takes it, or to those that the plan names. \
     Secret, since it may hold EAB keys. docs/operators/several-cas.md"
);

/// The name of the first CA.
const FIRST: &str = "main";

/// Which CAs, and how to introduce oneself. An empty text counts as unset, as deployment templates like to set those.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "ACME CA")]
pub(crate) struct AcmeArgs {
    /// The CA's directory (RFC 8555 §7.1.1), an https:// address. Accounts belong to one directory: another one means
    /// new accounts.
    #[arg(long, env, default_value = instant_acme::LetsEncrypt::Production.url())]
    acme_directory_url: String,
    /// The CA's name, for the plans' certificate_authorities, where there are several.
    #[arg(long, env, default_value = FIRST)]
    acme_ca_name: String,
    /// More CAs.
    #[command(flatten)]
    acme_other_cas: Secret<OtherCas>,
    /// How long a CA must have taken no order, or how far off its rate limits put one, before the next CA is asked.
    #[arg(long, env, default_value = "1h")]
    pub(crate) acme_fallback_after: humantime::Duration,
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
    /// All organizations share one account at this CA, for CAs that give no more, such as Google's. Then only a CNAME to the
    /// broker's own zone proves a domain, so DELEGATION_ZONE must be set: other records don't tell organizations apart.
    #[arg(long, env, default_value_t = false, action = clap::ArgAction::Set)]
    acme_one_account: bool,
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

/// An invalid setting. Quotes no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidSetting {
    #[error("ACME_DIRECTORY_URL is not an https:// address")]
    Directory,
    #[error("{0}")]
    ExternalAccount(String),
    #[error("ACME_OTHER_CAS: {0}")]
    OtherCas(String),
    #[error("ACME_OTHER_CAS: [{0}].name is that of another CA; the first one's is ACME_CA_NAME")]
    SameName(usize),
    #[error("ACME_OTHER_CAS: [{0}].directory_url is that of another CA")]
    SameDirectory(usize),
    #[error("the CA {0:?} has one account for all organizations, which needs DELEGATION_ZONE")]
    OneAccount(String),
}

impl AcmeArgs {
    /// Every CA, the preferred first. `delegation`: the broker has a DNS zone of its own.
    ///
    /// # Errors
    /// When a setting is invalid.
    pub(crate) fn cas(&self, delegation: bool) -> Result<Vec<CaSettings>, InvalidSetting> {
        let mut cas = vec![self.first()?];
        if let Some(json) = set(Some(self.acme_other_cas.expose())) {
            for (index, other) in others(json).map_err(InvalidSetting::OtherCas)?.into_iter().enumerate() {
                if cas.iter().any(|ca| ca.name == other.name) {
                    return Err(InvalidSetting::SameName(index));
                }
                if cas.iter().any(|ca| ca.directory_url == other.directory_url) {
                    return Err(InvalidSetting::SameDirectory(index));
                }
                cas.push(other);
            }
        }
        match cas.iter().find(|ca| ca.one_account && !delegation) {
            Some(ca) => Err(InvalidSetting::OneAccount(ca.name.clone())),
            None => Ok(cas),
        }
    }

    fn first(&self) -> Result<CaSettings, InvalidSetting> {
        if !is_https(&self.acme_directory_url) {
            return Err(InvalidSetting::Directory);
        }
        let key = self.acme_eab_hmac_key.expose().trim();
        let external = external_account(
            set(self.acme_eab_kid.as_deref()),
            set(Some(key)),
            ("ACME_EAB_KID", "ACME_EAB_HMAC_KEY"),
        )
        .map_err(InvalidSetting::ExternalAccount)?;
        Ok(CaSettings {
            name: set(Some(&self.acme_ca_name)).unwrap_or(FIRST).to_owned(),
            directory_url: self.acme_directory_url.clone(),
            roots: set(self.acme_ca_roots.as_deref()).map(PathBuf::from),
            contact: self
                .acme_contact
                .iter()
                .filter(|uri| !uri.is_empty())
                .cloned()
                .collect(),
            one_account: self.acme_one_account,
            external,
            issuer_domain: owned(self.acme_issuer_domain.as_deref()),
            preferred_chain: owned(self.acme_preferred_chain.as_deref()),
            limits: self.acme_limits.at(&self.acme_directory_url),
            profile: owned(self.profile.acme_profile()),
        })
    }
}

fn set(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

fn owned(value: Option<&str>) -> Option<String> {
    set(value).map(str::to_owned)
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

    fn first(acme: &AcmeArgs) -> CaSettings {
        acme.cas(false).unwrap().remove(0)
    }

    #[test]
    fn the_defaults_are_lets_encrypt_and_rsa() {
        let acme = parse(&[]).unwrap();
        let ca = first(&acme);
        assert_eq!(ca.directory_url, "https://acme-v02.api.letsencrypt.org/directory");
        assert_eq!((ca.name.as_str(), ca.limits.orders.unwrap().most), ("main", 300));
        assert_eq!(acme.certificate_key_type, KeyType::Rsa2048);
        assert!(ca.contact.is_empty() && ca.external.is_none());
    }

    #[test]
    fn an_external_account_is_whole_or_not_at_all() {
        for (kid, key) in [("kid-1", ""), ("", "AAAA")] {
            assert!(with_account(kid, key).cas(false).is_err());
        }
        let line = |key| with_account("kid-1", key);
        let ca = first(&line(
            "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
        ));
        assert_eq!(ca.external.unwrap().hmac_key.expose_secret().len(), 48);
        for bad in ["not base64url!", ""] {
            let error = line(bad).cas(false).err().unwrap().to_string();
            assert!(!error.contains("not base64url!"), "{error}");
        }
    }

    #[test]
    fn other_cas_follow_the_first_each_with_its_own_name_and_directory() {
        let with = |json: &str| {
            let mut acme = parse(&[]).unwrap();
            acme.acme_other_cas = json.into();
            acme.cas(false)
        };
        let other = |name: &str, url: &str| format!(r#"{{"name": "{name}", "directory_url": "{url}"}}"#);
        let (google, lets_encrypt) = (
            other("google", "https://dv.acme-v02.api.pki.goog/directory"),
            other("again", "https://acme-v02.api.letsencrypt.org/directory"),
        );
        let cas = with(&format!("[{google}]")).unwrap();
        assert_eq!(
            cas.iter().map(|ca| ca.name.as_str()).collect::<Vec<_>>(),
            ["main", "google"]
        );
        for (json, says) in [
            (format!("[{lets_encrypt}]"), "[0].directory_url is that of another CA"),
            (format!("[{google}, {google}]"), "[1].name is that of another CA"),
            ("[1]".to_owned(), "ACME_OTHER_CAS: [0]: a number is not an object"),
        ] {
            let error = with(&json).err().unwrap().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn one_account_for_all_needs_a_zone() {
        let mut acme = parse(&["--acme-one-account=true"]).unwrap();
        assert!(acme.cas(true).unwrap()[0].one_account);
        assert!(matches!(acme.cas(false), Err(InvalidSetting::OneAccount(name)) if name == "main"));
        acme = parse(&["--acme-one-account=false"]).unwrap();
        acme.acme_other_cas = r#"[{"name": "google", "directory_url": "https://g/dir", "one_account": true}]"#.into();
        assert!(matches!(acme.cas(false), Err(InvalidSetting::OneAccount(name)) if name == "google"));
    }

    #[test]
    fn empty_is_unset() {
        let names = [
            "ca-name",
            "ca-roots",
            "contact",
            "eab-kid",
            "eab-hmac-key-file",
            "issuer-domain",
            "other-cas-file",
            "profile",
        ];
        let flags = names.map(|name| format!("--acme-{name}="));
        let acme = parse(&flags.each_ref().map(String::as_str)).unwrap();
        let ca = first(&acme);
        assert_eq!((ca.roots, ca.issuer_domain, ca.profile), (None, None, None));
        assert!(ca.contact.is_empty() && ca.external.is_none());
        assert_eq!(acme.cas(false).unwrap().len(), 1);
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut acme = with_account("kid-1", "c2VjcmV0");
        acme.acme_other_cas = "c2VjcmV0".into();
        assert!(!format!("{acme:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn values_are_checked() {
        let acme = parse(&["--acme-contact", "mailto:a@example.com,mailto:b@example.com"]).unwrap();
        assert_eq!(first(&acme).contact.len(), 2);
        assert!(parse(&["--acme-contact", "a@example.com"]).is_err());
        assert!(parse(&["--certificate-key-type", "dsa"]).is_err());
        let p256 = parse(&["--certificate-key-type", "ecdsa-p256"]).unwrap();
        assert_eq!(p256.certificate_key_type, KeyType::EcdsaP256);
        for url in ["http://ca.example/dir", "ca.example", ""] {
            assert!(parse(&["--acme-directory-url", url]).unwrap().cas(false).is_err());
        }
    }
}
