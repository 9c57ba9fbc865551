//! The ring of keys. Of each key three are derived, so that nothing is signed by what seals: one for links, one for the digests by which an
//! address is found again, one that seals addresses.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretBox};
use secret::RingKey;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::address::Address;
use crate::link::{Link, Purpose};

const LINKS: &str = "cdn-broker 1: links in letters";
const DIGESTS: &str = "cdn-broker 1: digests of mail addresses";
const SEALS: &str = "cdn-broker 1: sealing of mail addresses";

/// Why there are no keys. Contains no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeKeysError {
    /// The setting is malformed.
    #[error(
        "NOTICE_KEYS: {0}; write id:base64 of 32 random bytes, several separated by commas, the first seals and signs"
    )]
    Setting(&'static str),
    /// The links in letters would lead nowhere.
    #[error("NOTICE_KEYS is set, and PAGES_URL is not: the links in mails lead there")]
    NoAddress,
}

/// The ring: the first key seals and signs, all of them open and verify.
#[derive(Clone)]
pub struct NoticeKeys {
    first: NoticeKey,
    others: Vec<NoticeKey>,
}

#[derive(Clone)]
struct NoticeKey {
    id: String,
    whole: Key,
    links: Key,
    digests: Key,
}

impl fmt::Debug for NoticeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().map(|key| &key.id)).finish()
    }
}

impl NoticeKeys {
    /// Reads the setting.
    ///
    /// # Errors
    /// When it is malformed; the error doesn't quote it.
    pub fn parse(setting: &str) -> Result<Self, NoticeKeysError> {
        let ring = secret::read_ring(setting).map_err(NoticeKeysError::Setting)?;
        if !ring.iter().all(|key| fits_a_link(&key.id)) {
            return Err(NoticeKeysError::Setting(
                "a key's id is seen in links, and may have letters, digits, hyphens and underscores only",
            ));
        }
        let mut keys = ring.iter().map(NoticeKey::from);
        let first = keys.next().ok_or(NoticeKeysError::Setting("no key"))?;
        Ok(Self {
            first,
            others: keys.collect(),
        })
    }

    /// The token of a link, by the first key.
    pub fn token(&self, link: &Link) -> String {
        self.first.token(link)
    }

    /// The link of a token that one of the keys has made. The time it takes tells nothing about the right MAC.
    pub fn verified(&self, token: &str) -> Option<Link> {
        let mut parts = token.splitn(5, '.');
        let (id, purpose, recipient) = (parts.next()?, parts.next()?, parts.next()?);
        let link = Link {
            purpose: Purpose::of(purpose)?,
            recipient: Uuid::try_parse(recipient).ok()?,
            generation: parts.next()?.parse().ok()?,
        };
        let key = self.all().find(|key| key.id == id)?;
        // The whole text is compared, so there is no second way to write an id, a number or a MAC.
        let is_same: bool = key.token(&link).as_bytes().ct_eq(token.as_bytes()).into();
        is_same.then_some(link)
    }

    /// What an address may be known by, that of the first key first. Upper and lower case are the same, as they are to nearly all
    /// mail servers: who wants no mail gets none for another way to write the address.
    pub fn digests(&self, address: &Address) -> Vec<Vec<u8>> {
        let address = address.expose().to_ascii_lowercase();
        self.all()
            .map(|key| sign(&key.digests, address.as_bytes()).as_ref().to_vec())
            .collect()
    }

    /// The keys that seal addresses, by the ids of those that they are derived from, the first one's first.
    pub fn sealing_keys(&self) -> Vec<RingKey> {
        self.all().map(NoticeKey::sealing).collect()
    }

    fn all(&self) -> impl Iterator<Item = &NoticeKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// It ends at the first dot, and needs no encoding.
fn fits_a_link(id: &str) -> bool {
    id.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl From<&RingKey> for NoticeKey {
    fn from(key: &RingKey) -> Self {
        let whole = Key::new(HMAC_SHA256, key.bytes.expose_secret());
        let derived = |purpose: &str| Key::new(HMAC_SHA256, sign(&whole, purpose.as_bytes()).as_ref());
        Self {
            id: key.id.clone(),
            links: derived(LINKS),
            digests: derived(DIGESTS),
            whole,
        }
    }
}

impl NoticeKey {
    fn token(&self, link: &Link) -> String {
        // None of the parts has a dot: nothing else has the same encoding.
        let signed = format!(
            "{}.{}.{}.{}",
            self.id,
            link.purpose.letter(),
            link.recipient.simple(),
            link.generation
        );
        let mac = URL_SAFE_NO_PAD.encode(sign(&self.links, signed.as_bytes()));
        format!("{signed}.{mac}")
    }

    fn sealing(&self) -> RingKey {
        let mut bytes = Box::new([0; 32]);
        // HMAC-SHA-256 has as many.
        let derived = sign(&self.whole, SEALS.as_bytes());
        bytes
            .iter_mut()
            .zip(derived.as_ref())
            .for_each(|(to, from)| *to = *from);
        RingKey {
            id: self.id.clone(),
            bytes: SecretBox::new(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const RECIPIENT: Uuid = Uuid::from_u128(0x8b8c_5c1e_2f1c_4c53_9b0e_6c9d_6a1f_0a01);

    fn keys(ids: &[(&str, u8)]) -> NoticeKeys {
        let entries: Vec<String> = ids
            .iter()
            .map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; 32])))
            .collect();
        NoticeKeys::parse(&entries.join(",")).unwrap()
    }

    fn link(purpose: Purpose, generation: i32) -> Link {
        Link {
            purpose,
            recipient: RECIPIENT,
            generation,
        }
    }

    fn address(local: &str) -> Address {
        Address::new(local, "example.com").unwrap()
    }

    #[test]
    fn a_link_is_the_same_each_time_and_needs_no_encoding() {
        let keys = keys(&[("k1", 1)]);
        let link = link(Purpose::Confirm, 3);
        let token = keys.token(&link);
        assert_eq!(token, keys.token(&link));
        assert!(token.starts_with("k1.c.8b8c5c1e2f1c4c539b0e6c9d6a1f0a01.3."), "{token}");
        assert_eq!(token.rsplit_once('.').unwrap().1.len(), 43);
        assert!(
            token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)),
            "{token}"
        );
        assert_eq!(keys.verified(&token), Some(link));
    }

    #[test]
    fn no_byte_can_be_another() {
        let keys = keys(&[("k1", 1), ("k2", 2)]);
        let token = keys.token(&link(Purpose::Leave, 17));
        for at in 0..token.len() {
            for other in 0..=0x7f_u8 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] = other;
                let forged = String::from_utf8(bytes).unwrap();
                assert_eq!(keys.verified(&forged).is_some(), forged == token, "{forged:?}");
            }
            assert_eq!(keys.verified(&token[..at]), None, "cut at {at}");
        }
        for odd in [
            String::new(),
            "....".to_owned(),
            "ü.l.x.1.x".to_owned(),
            format!("{token}="),
            format!("{token}.x"),
            format!(" {token}"),
            token.replacen(".17.", ".+17.", 1),
            token.replacen(".17.", ".017.", 1),
            token.replacen("8b8c5c1e2f1c4c53", "8B8C5C1E2F1C4C53", 1),
            token.replacen("8b8c5c1e2f1c4c539b0e6c9d6a1f0a01", &RECIPIENT.to_string(), 1),
        ] {
            assert_eq!(keys.verified(&odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_token_is_for_one_purpose_of_one_key() {
        let keys = keys(&[("k1", 1), ("k2", 2)]);
        let token = keys.token(&link(Purpose::Leave, 1));
        for forged in [
            token.replacen(".l.", ".c.", 1),
            token.replacen("k1.", "k2.", 1),
            token.replacen("k1.", "k3.", 1),
            token.replacen(".1.", ".2.", 1),
        ] {
            assert_eq!(keys.verified(&forged), None, "{forged}");
        }
        assert_eq!(
            super::tests::keys(&[("k1", 3)]).verified(&token),
            None,
            "another key of this id"
        );
        let rotated = super::tests::keys(&[("k2", 2), ("k1", 1)]);
        assert!(rotated.verified(&token).is_some(), "an old key verifies");
        assert!(rotated.token(&link(Purpose::Leave, 1)).starts_with("k2."));
        assert_eq!(
            super::tests::keys(&[("k2", 2)]).verified(&token),
            None,
            "one that was taken out doesn't"
        );
    }

    #[test]
    fn an_address_is_found_again_by_every_key_however_it_is_written() {
        let old = keys(&[("k1", 1)]).digests(&address("ops"));
        let both = keys(&[("k2", 2), ("k1", 1)]).digests(&address("OPS"));
        assert_eq!((old.len(), both.len()), (1, 2));
        assert_eq!(both[1], old[0]);
        assert_ne!(both[0], both[1]);
        assert_ne!(keys(&[("k1", 1)]).digests(&address("opt")), old);
    }

    #[test]
    fn what_seals_is_no_other_key() {
        let keys = keys(&[("k1", 1), ("k2", 2)]);
        let sealing = keys.sealing_keys();
        assert_eq!((sealing[0].id.as_str(), sealing[1].id.as_str()), ("k1", "k2"));
        let bytes: Vec<[u8; 32]> = sealing.iter().map(|key| *key.bytes.expose_secret()).collect();
        assert!(bytes[0] != bytes[1] && bytes[0] != [1; 32] && bytes[0] != [0; 32]);
    }

    #[test]
    fn a_bad_setting_is_told_without_quoting_it_and_keys_do_not_print() {
        let dotted = format!("k.1:{}", STANDARD.encode([1; 32]));
        for setting in ["", "hunter2", "k1:hunter2", "k1:aHVudGVyMg==", &dotted] {
            let error = NoticeKeys::parse(setting).unwrap_err().to_string();
            assert!(error.starts_with("NOTICE_KEYS: "), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("aHVudGVyMg"), "{error}");
        }
        let keys = keys(&[("k2", 2), ("k1", 1)]);
        assert_eq!(format!("{keys:?}"), r#"["k2", "k1"]"#);
        assert!(!format!("{:?}", keys.sealing_keys()).contains("bytes: ["));
    }
}
