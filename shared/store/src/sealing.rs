//! Sealing: private keys are encrypted (AES-256-GCM, with the id of the sealing key) before they reach PostgreSQL.
//!
//! A sealed value is `format and id length (1 byte) | id | nonce (12 bytes) | ciphertext and tag`; the first byte's
//! highest bit is the format. Its [`Place`] (table, column and row) is authenticated with it, so that someone who can
//! write to the database can't move a sealed value to another place. Older values (format 1, the bit is 0) are bound to
//! their owner only; they are read, never written.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret as _, SecretBox};
use secret::{RingKey, Secret};

/// Why a secret can't be sealed or opened. Contains no secret.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The setting is malformed.
    #[error("SEALING_KEYS: {0}; write id:base64 of 32 random bytes, several separated by commas, the first seals")]
    Setting(&'static str),
    /// The key that sealed the value is not in the ring.
    #[error("sealed by key {0:?}, which SEALING_KEYS doesn't hold")]
    UnknownKey(String),
    /// The same of an address.
    #[error("sealed by key {0:?}, which NOTICE_KEYS doesn't hold")]
    UnknownNoticeKey(String),
    /// The bytes were changed, or belong to another row or column.
    #[error("the sealed bytes are not authentic: they were changed, or sealed for another row or column")]
    NotAuthentic,
}

/// Where a sealed value is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Column and row.
    bound: String,
    /// What a value of format 1 is bound to.
    owner: String,
}

impl Place {
    /// `acme_accounts.sealed_key`.
    pub fn account_key(tenant: &str, directory_url: &str) -> Self {
        Self::of(
            "account key",
            &[tenant, directory_url],
            format!("acme account {tenant}"),
        )
    }

    /// `acme_accounts.next_sealed_key`.
    pub fn next_account_key(tenant: &str, directory_url: &str) -> Self {
        Self::of(
            "next account key",
            &[tenant, directory_url],
            format!("acme account {tenant}"),
        )
    }

    /// `orders.sealed_key`, and `certificates.sealed_key` of the order's certificate, which is a copy.
    pub fn certificate_key(instance: &str, order: &str) -> Self {
        Self::of(
            "certificate key",
            &[instance, order],
            format!("certificate of {instance}"),
        )
    }

    /// `recipients.sealed_address`, beside that digest of the address.
    pub(crate) fn address(digest: &[u8]) -> Self {
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::of("mail address", &[&digest], format!("mail address {digest}"))
    }

    /// Each part is preceded by its length, so that no two places have the same encoding.
    fn of(column: &str, row: &[&str], owner: String) -> Self {
        let row = row.iter().map(|part| format!("\n{}:{part}", part.len()));
        Self {
            bound: format!("cdn-broker 2\n{column}{}", row.collect::<String>()),
            owner,
        }
    }

    fn in_format(&self, format: u8) -> &[u8] {
        match format {
            0 => self.owner.as_bytes(),
            _ => self.bound.as_bytes(),
        }
    }
}

/// The bit of the first byte that marks a value as bound to its place.
const BOUND: u8 = 0x80;

/// The ring of sealing keys: the first one seals, all of them open.
pub struct KeyRing {
    keys: Vec<(String, RandomizedNonceKey)>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

secret::setting!(
    pub SealingKeys,
    "sealing-keys",
    "SEALING_KEYS",
    required,
    "Keys that seal private keys in PostgreSQL: id:base64 of 32 random bytes, comma separated. The first seals, all \
     open. Make one with `echo k1:$(head -c32 /dev/urandom | base64)`."
);

/// How a service is given its ring.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Sealing of private keys")]
pub struct SealingArgs {
    /// The keys.
    #[command(flatten)]
    pub sealing_keys: Secret<SealingKeys>,
}

impl SealingArgs {
    /// The ring.
    ///
    /// # Errors
    /// When the setting is malformed.
    pub fn key_ring(&self) -> Result<KeyRing, SealingError> {
        KeyRing::parse(self.sealing_keys.expose())
    }
}

impl KeyRing {
    /// Reads the setting.
    ///
    /// # Errors
    /// When the setting is malformed; the error doesn't quote it.
    pub fn parse(setting: &str) -> Result<Self, SealingError> {
        Self::of(&secret::read_ring(setting).map_err(SealingError::Setting)?)
    }

    /// Of these keys.
    pub(crate) fn of(keys: &[RingKey]) -> Result<Self, SealingError> {
        let keys = keys.iter().map(sealing_key).collect::<Result<_, SealingError>>()?;
        Ok(Self { keys })
    }

    /// The prefix of every value that the newest key has sealed in the newest format.
    pub(crate) fn newest_prefix(&self) -> Result<Vec<u8>, SealingError> {
        let (id, _) = self.keys.first().ok_or(SealingError::Setting("no key"))?;
        let mut prefix = vec![BOUND | u8::try_from(id.len()).unwrap_or(0)];
        prefix.extend_from_slice(id.as_bytes());
        Ok(prefix)
    }

    /// Opens a value and seals it with the newest key.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(crate) fn reseal(&self, place: &Place, sealed: &[u8]) -> Result<Vec<u8>, SealingError> {
        self.seal(place, self.open(place, sealed)?.expose_secret())
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// When the cryptographic library refuses.
    pub fn seal(&self, place: &Place, secret: &[u8]) -> Result<Vec<u8>, SealingError> {
        let (_, key) = self.keys.first().ok_or(SealingError::Setting("no key"))?;
        let mut bytes = secret.to_vec();
        let nonce = key
            .seal_in_place_append_tag(Aad::from(place.in_format(BOUND)), &mut bytes)
            .map_err(|_| SealingError::NotAuthentic)?;
        let mut sealed = self.newest_prefix()?;
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut bytes);
        Ok(sealed)
    }

    /// Opens a value made by [`Self::seal`] for the same place, or a value sealed for the place's owner in format 1.
    ///
    /// # Errors
    /// When the key is unknown or the bytes are not authentic for this place.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<SecretBox<Vec<u8>>, SealingError> {
        let (first, rest) = sealed.split_first().ok_or(SealingError::NotAuthentic)?;
        let (id, rest) = rest
            .split_at_checked(usize::from(first & !BOUND))
            .ok_or(SealingError::NotAuthentic)?;
        let (nonce, ciphertext) = rest.split_at_checked(12).ok_or(SealingError::NotAuthentic)?;
        let id = String::from_utf8_lossy(id);
        let (_, key) = self
            .keys
            .iter()
            .find(|(known, _)| *known == id)
            .ok_or_else(|| SealingError::UnknownKey(id.chars().take(32).collect()))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealingError::NotAuthentic)?;
        let mut bytes = Box::new(ciphertext.to_vec());
        let length = key
            .open_in_place(nonce, Aad::from(place.in_format(first & BOUND)), &mut bytes)
            .map_err(|_| SealingError::NotAuthentic)?
            .len();
        bytes.truncate(length);
        Ok(SecretBox::new(bytes))
    }
}

fn sealing_key(key: &RingKey) -> Result<(String, RandomizedNonceKey), SealingError> {
    let sealing = RandomizedNonceKey::new(&AES_256_GCM, key.bytes.expose_secret())
        .map_err(|_| SealingError::Setting("a key that has not 32 bytes"))?;
    Ok((key.id.clone(), sealing))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn ring(ids: &[(&str, u8)]) -> KeyRing {
        let setting: Vec<String> = ids
            .iter()
            .map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; 32])))
            .collect();
        KeyRing::parse(&setting.join(",")).unwrap()
    }

    fn account(tenant: &str) -> Place {
        Place::account_key(tenant, "https://ca.example/dir")
    }

    /// Seals as older programs did.
    fn sealed_for_its_owner(ring: &KeyRing, owner: &str, secret: &[u8]) -> Vec<u8> {
        let (id, key) = &ring.keys[0];
        let mut bytes = secret.to_vec();
        let nonce = key
            .seal_in_place_append_tag(Aad::from(owner.as_bytes()), &mut bytes)
            .unwrap();
        let length = u8::try_from(id.len()).unwrap();
        [&[length], id.as_bytes(), nonce.as_ref(), &bytes].concat()
    }

    #[test]
    fn an_old_key_still_opens_and_a_stranger_does_not() {
        let old = ring(&[("k1", 1)]);
        let (place, other) = (account("org-1"), account("org-2"));
        let sealed = old.seal(&place, b"private").unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"private"));
        let rotated = ring(&[("k2", 2), ("k1", 1)]);
        assert_eq!(rotated.open(&place, &sealed).unwrap().expose_secret(), b"private");
        assert!(matches!(
            ring(&[("k2", 2)]).open(&place, &sealed),
            Err(SealingError::UnknownKey(_))
        ));
        assert!(matches!(
            ring(&[("k1", 9)]).open(&place, &sealed),
            Err(SealingError::NotAuthentic)
        ));
        assert!(
            matches!(old.open(&other, &sealed), Err(SealingError::NotAuthentic)),
            "another row's secret"
        );
        for length in 0..sealed.len() {
            assert!(old.open(&place, &sealed[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_value_opens_in_its_row_and_column_only() {
        let ring = ring(&[("k1", 1)]);
        let places = [
            Place::account_key("org-1", "https://ca.example/dir"),
            Place::next_account_key("org-1", "https://ca.example/dir"),
            Place::account_key("org-1", "https://other.example/dir"),
            Place::account_key("org-2", "https://ca.example/dir"),
            Place::certificate_key("i1", "order-1"),
            Place::certificate_key("i1", "order-2"),
            Place::certificate_key("i1\n7:order-1", ""),
        ];
        for (at, place) in places.iter().enumerate() {
            let sealed = ring.seal(place, b"private").unwrap();
            for (other, elsewhere) in places.iter().enumerate() {
                assert_eq!(
                    ring.open(elsewhere, &sealed).is_ok(),
                    at == other,
                    "{place:?} at {elsewhere:?}"
                );
            }
            // Changing the format bit does not bypass the authentication.
            let mut older = sealed.clone();
            older[0] &= !BOUND;
            assert!(ring.open(place, &older).is_err());
        }
    }

    #[test]
    fn what_was_sealed_for_its_owner_opens_until_it_is_sealed_anew() {
        let ring = ring(&[("k1", 1)]);
        let (place, next) = (
            account("org-1"),
            Place::next_account_key("org-1", "https://ca.example/dir"),
        );
        let old = sealed_for_its_owner(&ring, "acme account org-1", b"private");
        assert_eq!(ring.open(&place, &old).unwrap().expose_secret(), b"private");
        assert!(ring.open(&account("org-2"), &old).is_err());
        assert!(!old.starts_with(&ring.newest_prefix().unwrap()), "reseal finds it");
        let new = ring.reseal(&place, &old).unwrap();
        assert!(new.starts_with(&ring.newest_prefix().unwrap()));
        assert!(ring.open(&place, &new).is_ok() && ring.open(&next, &new).is_err());
    }

    #[test]
    fn the_first_key_seals_anew_what_any_opens() {
        let old = ring(&[("k1", 1)]).seal(&account("org-1"), b"private").unwrap();
        let rotating = ring(&[("k2", 2), ("k1", 1)]);
        let new = rotating.reseal(&account("org-1"), &old).unwrap();
        assert!(new.starts_with(&rotating.newest_prefix().unwrap()) && !old.starts_with(b"\x82k2"));
        let opened = ring(&[("k2", 2)]).open(&account("org-1"), &new).unwrap();
        assert_eq!(opened.expose_secret(), b"private");
        assert!(
            rotating.reseal(&account("org-2"), &old).is_err(),
            "another row's secret"
        );
    }

    #[test]
    fn a_bad_setting_is_told_without_quoting_it() {
        let twice = format!("k1:{0},k1:{0}", STANDARD.encode([1; 32]));
        for setting in [&twice, "", "k1", "k1:%%%", "k1:c2hvcnQ=", ":AAAA"] {
            let error = KeyRing::parse(setting).unwrap_err().to_string();
            assert!(
                error.starts_with("SEALING_KEYS:") && !error.contains("c2hvcnQ"),
                "{error}"
            );
        }
    }
}
