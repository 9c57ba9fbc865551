//! What seals addresses and finds them again: the keys of `NOTICE_KEYS`, in the format of everything that is sealed here.

use ::notices::{Address, Event, NoticeKeys, Notify};
use secrecy::{ExposeSecret as _, SecretString};

use crate::notices::lease::LeasedLetter;
use crate::sealing::{KeyRing, Place, SealingError};

/// The keys of notices.
#[derive(Debug)]
pub struct NoticeRing {
    keys: NoticeKeys,
    seals: KeyRing,
}

/// Whom an instance is to tell what, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribers {
    pub(crate) mail: Vec<Subscriber>,
    pub(crate) events: Vec<Event>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// What the address may be known by, that of the newest key first, each with the address sealed for a row that has it.
    pub(crate) known_by: Vec<Known>,
    pub(crate) shortened: String,
}

/// A digest of an address, and the address sealed beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) digest: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
}

impl NoticeRing {
    /// Of these keys.
    ///
    /// # Errors
    /// When the cryptographic library refuses one.
    pub fn new(keys: NoticeKeys) -> Result<Self, SealingError> {
        let seals = KeyRing::of(&keys.sealing_keys())?;
        Ok(Self { keys, seals })
    }

    /// What signs links.
    pub fn keys(&self) -> &NoticeKeys {
        &self.keys
    }

    /// Whom an instance is to tell what.
    ///
    /// # Errors
    /// When the cryptographic library refuses.
    pub fn subscribers(&self, notify: &Notify) -> Result<Subscribers, SealingError> {
        let mail = notify.mail.iter().map(|address| {
            let digests = self.keys.digests(address).into_iter();
            let known_by = digests.map(|digest| self.sealed(address, digest));
            Ok(Subscriber {
                known_by: known_by.collect::<Result<_, SealingError>>()?,
                shortened: address.shortened(),
            })
        });
        Ok(Subscribers {
            mail: mail.collect::<Result<_, SealingError>>()?,
            events: notify.events.iter().copied().collect(),
        })
    }

    fn sealed(&self, address: &Address, digest: Vec<u8>) -> Result<Known, SealingError> {
        let place = Place::address(&digest);
        let sealed = self.seals.seal(&place, address.expose().as_bytes())?;
        Ok(Known { digest, sealed })
    }

    /// How every address begins that the first key has sealed.
    pub(crate) fn newest_prefix(&self) -> Result<Vec<u8>, SealingError> {
        self.seals.newest_prefix()
    }

    /// An address that was sealed beside this digest, under the digest and the seal of the first key.
    pub(crate) fn resealed(&self, digest: &[u8], sealed: &[u8]) -> Result<Known, SealingError> {
        let opened = self.opened(digest, sealed)?;
        let (local, domain) = opened
            .expose_secret()
            .rsplit_once('@')
            .ok_or(SealingError::NotAuthentic)?;
        let address = Address::new(local, domain).ok_or(SealingError::NotAuthentic)?;
        let newest = self.keys.digests(&address).into_iter().next();
        self.sealed(&address, newest.ok_or(SealingError::NotAuthentic)?)
    }

    /// The address to which a letter goes.
    ///
    /// # Errors
    /// When its key is not in the ring, or the bytes are not authentic.
    pub fn address(&self, letter: &LeasedLetter) -> Result<SecretString, SealingError> {
        self.opened(&letter.address_digest, &letter.sealed_address)
    }

    fn opened(&self, digest: &[u8], sealed: &[u8]) -> Result<SecretString, SealingError> {
        let opened = self.seals.open(&Place::address(digest), sealed);
        let opened = opened.map_err(|error| match error {
            SealingError::UnknownKey(id) => SealingError::UnknownNoticeKey(id),
            other => other,
        })?;
        let address = std::str::from_utf8(opened.expose_secret()).map_err(|_| SealingError::NotAuthentic)?;
        Ok(SecretString::from(address))
    }
}

impl Subscribers {
    /// The events by their names, for SQL.
    pub(crate) fn event_names(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const ROTATED: &str =
        "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=,k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn ring(setting: &str) -> NoticeRing {
        NoticeRing::new(NoticeKeys::parse(setting).unwrap()).unwrap()
    }

    fn one(ring: &NoticeRing) -> Subscriber {
        let notify = Notify {
            mail: [Address::new("operators", "example.com").unwrap()].into(),
            events: Event::DEFAULT.into(),
        };
        ring.subscribers(&notify).unwrap().mail.remove(0)
    }

    /// A letter to the row that has this.
    fn letter(known: &Known) -> LeasedLetter {
        LeasedLetter::example(&known.digest, &known.sealed)
    }

    #[test]
    fn an_address_is_opened_in_its_row_only_and_does_not_print() {
        let ring = ring(KEYS);
        let subscriber = one(&ring);
        let known = &subscriber.known_by[0];
        let opened = ring.address(&letter(known)).unwrap();
        assert_eq!(opened.expose_secret(), "operators@example.com");
        let moved = Known {
            digest: vec![7; 32],
            sealed: known.sealed.clone(),
        };
        assert!(ring.address(&letter(&moved)).is_err(), "another address's row");
        let printed = format!("{subscriber:?} {ring:?} {:?}", letter(known));
        assert!(!printed.contains("operators"), "{printed}");
    }

    #[test]
    fn a_row_of_an_older_key_is_found_and_opened() {
        let (old, rotated) = (ring(KEYS), ring(ROTATED));
        let (before, after) = (one(&old), one(&rotated));
        assert_eq!(after.known_by.len(), 2);
        assert_eq!(after.known_by[1].digest, before.known_by[0].digest);
        // What the older row has, and what the newest key seals for it.
        for sealed in [&before.known_by[0].sealed, &after.known_by[1].sealed] {
            let known = Known {
                digest: before.known_by[0].digest.clone(),
                sealed: sealed.clone(),
            };
            let opened = rotated.address(&letter(&known)).unwrap();
            assert_eq!(opened.expose_secret(), "operators@example.com");
        }
        let anew = rotated
            .resealed(&before.known_by[0].digest, &before.known_by[0].sealed)
            .unwrap();
        assert_eq!(anew.digest, after.known_by[0].digest, "under the newest key");
        assert!(anew.sealed.starts_with(&rotated.newest_prefix().unwrap()));
        let opened = rotated.address(&letter(&anew)).unwrap();
        assert_eq!(opened.expose_secret(), "operators@example.com");
        let refused = old.address(&letter(&after.known_by[0])).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "sealed by key \"k2\", which NOTICE_KEYS doesn't hold"
        );
    }
}
