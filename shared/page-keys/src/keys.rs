//! The ring of keys that sign links, and the tokens that they make: `<key's id>.<number>.<MAC>`; and the tokens of the forms on a page,
//! which end by themselves: `<key's id>.<until>.<MAC>`.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use secret::RingKey;
use subtle::ConstantTimeEq as _;

/// The first line of what is signed for a link. Whatever else these keys sign has another one, …
const LINK: &str = "cdn-broker 1: link of a status page";
/// … as a form has, a form of the operator's page, and what a sign-in consists of.
const FORM: &str = "cdn-broker 1: form of a status page";
/// How long a form can be sent after its page was made, in seconds.
pub(crate) const FORM_LASTS: i64 = 3_600;

/// Why there are no keys. Contains no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageKeysError {
    /// The setting is malformed.
    #[error("PAGE_KEYS: {0}; write id:base64 of 32 random bytes, several separated by commas, the first signs")]
    Setting(&'static str),
    /// There is an address of status pages, but no key.
    #[error("PAGES_URL is set, and neither PAGE_KEYS nor PAGE_KEYS_FILE is: links to status pages have to be signed")]
    Missing,
}

/// The ring: the first key signs, all of them verify.
#[derive(Clone)]
pub struct PageKeys {
    pub(crate) first: LinkKey,
    others: Vec<LinkKey>,
}

#[derive(Clone)]
pub(crate) struct LinkKey {
    pub(crate) id: String,
    pub(crate) key: Key,
}

impl fmt::Debug for PageKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().map(|key| &key.id)).finish()
    }
}

impl PageKeys {
    /// Reads the setting.
    ///
    /// # Errors
    /// When it is malformed; the error doesn't quote it.
    pub fn parse(setting: &str) -> Result<Self, PageKeysError> {
        let ring = secret::read_ring(setting).map_err(PageKeysError::Setting)?;
        if !ring.iter().all(|key| fits_a_link(&key.id)) {
            return Err(PageKeysError::Setting(
                "a key's id is seen in links, and may have letters, digits, hyphens and underscores only",
            ));
        }
        let mut keys = ring.iter().map(LinkKey::from);
        let first = keys.next().ok_or(PageKeysError::Setting("no key"))?;
        Ok(Self {
            first,
            others: keys.collect(),
        })
    }

    /// The token of an instance's link with that number, by the first key.
    pub fn token(&self, instance: &str, number: i32) -> String {
        self.first.token(instance, number)
    }

    /// The number of a token that one of the keys has made for this instance. The time it takes tells nothing about the right MAC.
    pub fn verified(&self, instance: &str, token: &str) -> Option<i32> {
        let (id, rest) = token.split_once('.')?;
        let (number, _) = rest.split_once('.')?;
        let number: i32 = number.parse().ok()?;
        let key = self.all().find(|key| key.id == id)?;
        // The whole text is compared, so there is no second way to write a number or a MAC.
        is_same(&key.token(instance, number), token).then_some(number)
    }

    /// What a form on the page of an instance's link with that number contains, by the first key. It is good for an hour from `now`, in
    /// seconds since 1970 by the database's clock: any process may have made it.
    pub fn form_token(&self, instance: &str, number: i32, now: i64) -> String {
        self.first.form_token(instance, number, now.saturating_add(FORM_LASTS))
    }

    /// Whether one of the keys has made the token for a form on that page, and not too long ago.
    pub fn is_form_token(&self, instance: &str, number: i32, token: &str, now: i64) -> bool {
        let Some((id, rest)) = token.split_once('.') else {
            return false;
        };
        let until = rest.split_once('.').and_then(|(until, _)| until.parse::<i64>().ok());
        let (Some(key), Some(until)) = (self.all().find(|key| key.id == id), until) else {
            return false;
        };
        is_same(&key.form_token(instance, number, until), token) && now <= until
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &LinkKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// The time it takes tells nothing about where they differ.
pub(crate) fn is_same(right: &str, token: &str) -> bool {
    right.as_bytes().ct_eq(token.as_bytes()).into()
}

/// It ends at the first dot, and needs no encoding.
fn fits_a_link(id: &str) -> bool {
    id.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl From<&RingKey> for LinkKey {
    fn from(key: &RingKey) -> Self {
        Self {
            id: key.id.clone(),
            key: Key::new(HMAC_SHA256, key.bytes.expose_secret()),
        }
    }
}

impl LinkKey {
    fn token(&self, instance: &str, number: i32) -> String {
        let mac = self.mac(LINK, instance, &number.to_string());
        format!("{}.{number}.{mac}", self.id)
    }

    fn form_token(&self, instance: &str, number: i32, until: i64) -> String {
        let mac = self.mac(FORM, instance, &format!("{number}\n{until}"));
        format!("{}.{until}.{mac}", self.id)
    }

    /// The MAC of texts that may be anything, for this purpose.
    pub(crate) fn mac_of(&self, purpose: &str, says: &[&str], until: i64) -> String {
        // Each text is preceded by its length, so that nothing else has the same encoding.
        let told: String = [self.id.as_str()]
            .iter()
            .chain(says)
            .map(|text| format!("{}:{text}\n", text.len()))
            .collect();
        let signed = format!("{purpose}\n{told}{until}");
        URL_SAFE_NO_PAD.encode(sign(&self.key, signed.as_bytes()))
    }

    /// `numbers` have no other encoding.
    fn mac(&self, purpose: &str, instance: &str, numbers: &str) -> String {
        // Each text is preceded by its length, so that nothing else has the same encoding.
        let signed = format!(
            "{purpose}\n{}:{}\n{}:{instance}\n{numbers}",
            self.id.len(),
            self.id,
            instance.len()
        );
        URL_SAFE_NO_PAD.encode(sign(&self.key, signed.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const INSTANCE: &str = "8b8c5c1e-2f1c-4c53-9b0e-6c9d6a1f0a01";

    fn keys(ids: &[(&str, u8)]) -> PageKeys {
        let entries: Vec<String> = ids
            .iter()
            .map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; 32])))
            .collect();
        PageKeys::parse(&entries.join(",")).unwrap()
    }

    #[test]
    fn a_link_is_the_same_each_time() {
        let keys = keys(&[("k1", 1)]);
        let token = keys.token(INSTANCE, 1);
        assert_eq!(token, keys.token(INSTANCE, 1));
        assert_eq!(token, "k1.1.mDqktINsKXCWoYTTwu2YB8c7U26niJ_QPDwyoaKy5yE");
        assert_eq!(keys.verified(INSTANCE, &token), Some(1));
        assert_eq!(keys.verified(INSTANCE, &keys.token(INSTANCE, 1234)), Some(1234));
    }

    #[test]
    fn no_byte_can_be_another() {
        let keys = keys(&[("k1", 1), ("k2", 2)]);
        let token = keys.token(INSTANCE, 17);
        let mut changed = 0;
        for at in 0..token.len() {
            for other in 0..=0x7f_u8 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] = other;
                let forged = String::from_utf8(bytes).unwrap();
                if forged != token {
                    assert_eq!(keys.verified(INSTANCE, &forged), None, "{forged:?}");
                    changed += 1;
                }
            }
            assert_eq!(keys.verified(INSTANCE, &token[..at]), None, "cut at {at}");
        }
        assert_eq!(changed, token.len() * 0x7f);
        for odd in [
            "",
            ".",
            "..",
            "k1",
            "k1.17",
            "k1.17.",
            "k1..",
            "k1.99999999999.x",
            "ü.1.x",
        ] {
            assert_eq!(keys.verified(INSTANCE, odd), None, "{odd:?}");
        }
        // Another way to write the same.
        for odd in [
            token.replacen("17", "+17", 1),
            token.replacen("17", "017", 1),
            format!("{token}="),
            format!("{token}."),
            format!(" {token}"),
        ] {
            assert_eq!(keys.verified(INSTANCE, &odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_token_is_of_one_instance_one_number_and_one_key() {
        let keys = keys(&[("k1", 1), ("k2", 2)]);
        let token = keys.token(INSTANCE, 1);
        let (_, mac) = token.rsplit_once('.').unwrap();
        // The MAC of another instance, of another number, under the id of another key.
        assert_eq!(keys.verified("another", &token), None);
        assert_eq!(keys.verified(INSTANCE, &format!("k1.2.{mac}")), None);
        assert_eq!(keys.verified(INSTANCE, &format!("k2.1.{mac}")), None);
        assert_eq!(keys.verified(INSTANCE, &format!("k3.1.{mac}")), None);
        // What is signed has one reading only.
        assert_ne!(keys.token("a\n1", 2), keys.token("a", 12));
        assert_ne!(keys.token("1:a", 1), keys.token("a", 1));
        // A key under another id is another key.
        let renamed = super::tests::keys(&[("k9", 1)]).token(INSTANCE, 1);
        assert_ne!(renamed.rsplit_once('.').unwrap().1, mac);
    }

    #[test]
    fn an_old_key_verifies_until_it_is_taken_out() {
        let old = keys(&[("k1", 1)]);
        let token = old.token(INSTANCE, 1);
        let rotated = keys(&[("k2", 2), ("k1", 1)]);
        assert_eq!(rotated.verified(INSTANCE, &token), Some(1));
        let new = rotated.token(INSTANCE, 1);
        assert!(new.starts_with("k2.1."), "{new}");
        assert_eq!(old.verified(INSTANCE, &new), None);
        assert_eq!(keys(&[("k2", 2)]).verified(INSTANCE, &token), None);
        // The same id with another key.
        assert_eq!(keys(&[("k1", 3)]).verified(INSTANCE, &token), None);
    }

    #[test]
    fn a_form_is_of_one_page_and_ends_after_an_hour() {
        const NOW: i64 = 1_796_000_000;
        let keys = keys(&[("k1", 1), ("k2", 2)]);
        let token = keys.form_token(INSTANCE, 1, NOW);
        assert!(token.starts_with("k1.1796003600."), "{token}");
        for (later, good) in [(0, true), (3_600, true), (3_601, false)] {
            assert_eq!(
                keys.is_form_token(INSTANCE, 1, &token, NOW + later),
                good,
                "{later} s later"
            );
        }
        // Of another page, another link to it, another key, with another end.
        assert!(!keys.is_form_token("another", 1, &token, NOW));
        assert!(!keys.is_form_token(INSTANCE, 2, &token, NOW));
        for forged in [
            token.replacen("k1.", "k2.", 1),
            token.replacen("k1.", "k3.", 1),
            token.replacen("1796003600", "1796003601", 1),
            token.replacen("1796003600", "+1796003600", 1),
            token.replacen("1796003600", "99999999999999999999", 1),
            format!("{token}="),
            token[..token.len() - 1].to_owned(),
            String::new(),
            "k1".to_owned(),
            "k1.1796003600".to_owned(),
            "k1.1796003600.".to_owned(),
        ] {
            assert!(!keys.is_form_token(INSTANCE, 1, &forged, NOW), "{forged:?}");
        }
        // A link is no form, a form no link.
        assert!(!keys.is_form_token(INSTANCE, 1, &keys.token(INSTANCE, 1), 0));
        assert_eq!(keys.verified(INSTANCE, &keys.form_token(INSTANCE, 1, 1)), None);
        // After a change of keys the page that is open can still be used.
        let rotated = super::tests::keys(&[("k2", 2), ("k1", 1)]);
        assert!(rotated.is_form_token(INSTANCE, 1, &token, NOW));
        assert!(!super::tests::keys(&[("k2", 2)]).is_form_token(INSTANCE, 1, &token, NOW));
    }

    #[test]
    fn a_bad_setting_is_told_without_quoting_it_and_keys_do_not_print() {
        let dotted = format!("k.1:{}", STANDARD.encode([1; 32]));
        for setting in ["", "hunter2", "k1:hunter2", "k1:aHVudGVyMg==", &dotted] {
            let error = PageKeys::parse(setting).unwrap_err().to_string();
            assert!(error.starts_with("PAGE_KEYS: "), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("aHVudGVyMg"), "{error}");
        }
        assert_eq!(format!("{:?}", keys(&[("k2", 2), ("k1", 1)])), r#"["k2", "k1"]"#);
    }
}
