//! The syntax of a ring of keys: `id:base64`, several separated by commas, the newest first. What a key is used for, is its
//! owner's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretBox};

/// The bytes of every key.
const KEY_BYTES: usize = 32;
/// The most bytes of a key's id.
const MOST_ID_BYTES: usize = 32;

/// A key of a ring. Its bytes don't print.
#[derive(Debug)]
pub struct RingKey {
    /// What values that were made with it are found by.
    pub id: String,
    /// The key.
    pub bytes: SecretBox<[u8; KEY_BYTES]>,
}

/// The keys of a setting, in its order: at least one.
///
/// # Errors
/// What is wrong, without quoting the setting.
pub fn read_ring(setting: &str) -> Result<Vec<RingKey>, &'static str> {
    let mut keys: Vec<RingKey> = Vec::new();
    for entry in setting.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (id, encoded) = entry.split_once(':').ok_or("an entry without a colon")?;
        if id.is_empty() || id.len() > MOST_ID_BYTES {
            return Err("a key's id must have 1 to 32 bytes");
        }
        let decoded = STANDARD.decode(encoded).map_err(|_| "a key that is not base64")?;
        let decoded = SecretBox::new(Box::new(decoded));
        let bytes: [u8; KEY_BYTES] = decoded
            .expose_secret()
            .as_slice()
            .try_into()
            .map_err(|_| "a key that has not 32 bytes")?;
        if keys.iter().any(|known| known.id == id) {
            return Err("an id twice");
        }
        keys.push(RingKey {
            id: id.to_owned(),
            bytes: SecretBox::new(Box::new(bytes)),
        });
    }
    match keys.is_empty() {
        true => Err("no key"),
        false => Ok(keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, bytes: &[u8]) -> String {
        format!("{id}:{}", STANDARD.encode(bytes))
    }

    #[test]
    fn keys_keep_their_order_and_do_not_print() {
        let setting = format!(" {},,{} ", entry("k2", &[2; 32]), entry("k1", &[1; 32]));
        let keys = read_ring(&setting).unwrap();
        let read: Vec<(&str, [u8; 32])> = keys
            .iter()
            .map(|key| (key.id.as_str(), *key.bytes.expose_secret()))
            .collect();
        assert_eq!(read, [("k2", [2; 32]), ("k1", [1; 32])]);
        let printed = format!("{keys:?}");
        assert!(printed.contains("k2") && !printed.contains("2, 2"), "{printed}");
    }

    #[test]
    fn what_is_wrong_is_told_without_quoting_it() {
        let key = entry("k1", &[1; 32]);
        for (setting, says) in [
            (String::new(), "no key"),
            (" , ".to_owned(), "no key"),
            ("hunter2".to_owned(), "an entry without a colon"),
            (format!("{}:x", "k".repeat(33)), "a key's id must have 1 to 32 bytes"),
            (":AAAA".to_owned(), "a key's id must have 1 to 32 bytes"),
            ("k1:%%%".to_owned(), "a key that is not base64"),
            (entry("k1", b"hunter2"), "a key that has not 32 bytes"),
            (format!("{key},{key}"), "an id twice"),
        ] {
            assert_eq!(read_ring(&setting).unwrap_err(), says);
        }
    }
}
