//! Checks that SEALING_KEYS opens what is stored. One value is tried for each key that has sealed any.

use std::collections::BTreeMap;

use doctor::{Check, Finding};
use telemetry::with_causes;
use tokio_postgres::error::SqlState;
use tokio_util::task::AbortOnDropHandle;

use super::address;
use crate::connection::DatabaseArgs;
use crate::error::StoreError;
use crate::sealing::{KeyRing, Place, SealingArgs, SealingError};
use crate::statement::{Statement, statement};

const ABOUT: &str = "SEALING_KEYS";

/// What a service has to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The keys of ACME accounts.
    AccountKeys,
    /// The keys of certificates.
    CertificateKeys,
}

impl Sealed {
    fn as_str(self) -> &'static str {
        match self {
            Self::AccountKeys => "ACME account keys",
            Self::CertificateKeys => "certificates' keys",
        }
    }

    /// The newest value of each sealing key and format, with the two parts of its place, and whether it is an account's
    /// next key.
    fn newest(self) -> Statement {
        match self {
            Self::AccountKeys => statement!("doctor-account-keys"),
            Self::CertificateKeys => statement!("doctor-certificate-keys"),
        }
        .expects(SqlState::UNDEFINED_TABLE)
    }

    fn place(self, owner: &str, row: &str, is_next: bool) -> Place {
        match self {
            Self::AccountKeys if is_next => Place::next_account_key(owner, row),
            Self::AccountKeys => Place::account_key(owner, row),
            Self::CertificateKeys => Place::certificate_key(owner, row),
        }
    }
}

/// Reads the setting and opens the values that this service has to open.
pub fn check_seals(database: &DatabaseArgs, sealing: &SealingArgs, what: Sealed) -> Check {
    let (database, ring) = (database.clone(), sealing.key_ring());
    Check::one(ABOUT, async move {
        let ring = match ring {
            Ok(ring) => ring,
            Err(error) => return Finding::fail(ABOUT, "the setting can't be used", error.to_string()),
        };
        match open_all(&database, &ring, what).await {
            Ok(opened) => judged(what, &opened),
            // There is no schema yet.
            Err(StoreError::Expected { .. }) => Finding::ok(ABOUT, "well-formed; nothing is sealed yet"),
            Err(error) => Finding::skip(ABOUT, format!("not tried on what is stored: {}", with_causes(&error))),
        }
    })
}

type Opened = BTreeMap<String, Result<(), SealingError>>;

async fn open_all(database: &DatabaseArgs, ring: &KeyRing, what: Sealed) -> Result<Opened, StoreError> {
    let mut address = address(database)?;
    let connector = address.connector()?;
    let config = address.config.application_name("doctor");
    let connected = config.connect(connector).await;
    let (client, connection) = connected.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let rows = what.newest().all(&client, &[]).await?;
    let mut opened = Opened::new();
    for row in rows {
        let (prefix, sealed): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(4)?);
        let place = what.place(row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        let id = String::from_utf8_lossy(prefix.get(1..).unwrap_or_default()).into_owned();
        let result = ring.open(&place, &sealed).map(|_| ());
        // A single format that can't be opened is a failure.
        match opened.get(&id) {
            Some(Err(_)) => {}
            _ => drop(opened.insert(id, result)),
        }
    }
    Ok(opened)
}

fn judged(what: Sealed, opened: &Opened) -> Finding {
    let what = what.as_str();
    for (id, result) in opened {
        match result {
            Ok(()) => {}
            Err(SealingError::UnknownKey(_)) => {
                return Finding::fail(
                    ABOUT,
                    format!("{what} in PostgreSQL are sealed by key {id:?}, which is not in it"),
                    "put that key back, behind the one that is to seal; to be rid of it: certificate-issuer reseal",
                );
            }
            Err(error) => {
                return Finding::fail(
                    ABOUT,
                    format!("{what} in PostgreSQL are not opened by the key of the id {id:?} ({error})"),
                    "give that id the key that sealed them; the same for certificate-issuer and cert-installer",
                );
            }
        }
    }
    if opened.is_empty() {
        return Finding::ok(ABOUT, format!("well-formed; there are no {what} yet"));
    }
    let ids: Vec<&str> = opened.keys().map(String::as_str).collect();
    Finding::ok(
        ABOUT,
        format!("opens the {what} in PostgreSQL, sealed by {}", ids.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(opened: &[(&str, Result<(), SealingError>)]) -> String {
        let opened = opened
            .iter()
            .map(|(id, result)| {
                let result = match result {
                    Ok(()) => Ok(()),
                    Err(SealingError::UnknownKey(id)) => Err(SealingError::UnknownKey(id.clone())),
                    Err(_) => Err(SealingError::NotAuthentic),
                };
                ((*id).to_string(), result)
            })
            .collect();
        judged(Sealed::AccountKeys, &opened).to_string()
    }

    #[test]
    fn every_key_that_sealed_something_has_to_be_there() {
        assert!(line(&[]).starts_with("ok    SEALING_KEYS  well-formed; there are no ACME account keys yet"));
        assert!(line(&[("k1", Ok(())), ("k2", Ok(()))]).ends_with("sealed by k1, k2"));
        let missing = line(&[("k1", Err(SealingError::UnknownKey("k1".into()))), ("k2", Ok(()))]);
        assert!(
            missing.starts_with("FAIL") && missing.contains("\"k1\", which is not in it"),
            "{missing}"
        );
        let wrong = line(&[("k1", Err(SealingError::NotAuthentic))]);
        assert!(wrong.starts_with("FAIL") && wrong.contains("\"k1\""), "{wrong}");
    }
}
