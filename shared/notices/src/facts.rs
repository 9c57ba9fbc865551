//! What is known of an event when it happens. Stored as JSON with a version, as a step's reason is; it is turned into words when a letter is
//! written. Nobody's secret, and no address, is in it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The version that is written.
const VERSION: u32 = 1;

/// The facts of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Facts {
    /// An operation has ended.
    Ended {
        /// `provision`, `update`, `deprovision` or `renew`.
        operation: String,
        /// Why it failed, in the words that the user has from the platform: `operations.failure`. `None`: it has succeeded.
        failure: Option<String>,
    },
    /// A domain has gone to another instance, which has proved it.
    Left {
        /// The domain.
        domain: String,
    },
    /// An operation waits for its user. What is to be done is read when it is told.
    Todo {
        /// The operation.
        operation: Uuid,
    },
    /// A certificate can't be renewed, and its end comes near.
    Trouble {
        /// The certificate.
        certificate: Uuid,
    },
    /// Another instance proves a domain, and nothing proves it for this one any more.
    Leaves {
        /// The domain. It is not called `domain`: programs that know only `Left` would take a domain that is still there for no news, and
        /// leave the notice out.
        name: String,
    },
    /// Nothing proves a domain any more by what was to be set once.
    Lapses {
        /// The domain.
        name: String,
    },
}

/// As they are stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    #[serde(flatten)]
    facts: Facts,
}

/// What was stored can't be read: a newer program has written it.
#[derive(Debug, thiserror::Error)]
#[error("facts of a notice that this version can't read")]
pub struct UnknownFacts(#[source] serde_json::Error);

impl Facts {
    /// As they are stored.
    ///
    /// # Errors
    /// When they can't be serialized.
    pub fn to_stored(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(Stored {
            v: VERSION,
            facts: self.clone(),
        })
    }

    /// Those that were stored. A newer program's are read as far as they are known here.
    ///
    /// # Errors
    /// When their kind is unknown.
    pub fn from_stored(stored: Value) -> Result<Self, UnknownFacts> {
        let stored: Stored = serde_json::from_value(stored).map_err(UnknownFacts)?;
        Ok(stored.facts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        let failed = Facts::Ended {
            operation: "update".to_owned(),
            failure: Some("The CA refuses.".to_owned()),
        };
        let done = Facts::Ended {
            operation: "provision".to_owned(),
            failure: None,
        };
        let left = Facts::Left {
            domain: "www.example.com".to_owned(),
        };
        for (facts, stored) in [
            (
                failed,
                json!({"v": 1, "kind": "ended", "operation": "update", "failure": "The CA refuses."}),
            ),
            (
                done,
                json!({"v": 1, "kind": "ended", "operation": "provision", "failure": null}),
            ),
            (left, json!({"v": 1, "kind": "left", "domain": "www.example.com"})),
            (
                Facts::Todo {
                    operation: Uuid::from_u128(7),
                },
                json!({"v": 1, "kind": "todo", "operation": "00000000-0000-0000-0000-000000000007"}),
            ),
            (
                Facts::Trouble {
                    certificate: Uuid::from_u128(8),
                },
                json!({"v": 1, "kind": "trouble", "certificate": "00000000-0000-0000-0000-000000000008"}),
            ),
            (
                Facts::Leaves {
                    name: "a.example.com".to_owned(),
                },
                json!({"v": 1, "kind": "leaves", "name": "a.example.com"}),
            ),
            (
                Facts::Lapses {
                    name: "a.example.com".to_owned(),
                },
                json!({"v": 1, "kind": "lapses", "name": "a.example.com"}),
            ),
        ] {
            assert_eq!(facts.to_stored().unwrap(), stored);
            assert_eq!(Facts::from_stored(stored).unwrap(), facts);
        }
    }

    #[test]
    fn more_of_a_newer_program_is_no_harm_and_another_kind_is_an_error() {
        let more = json!({"v": 2, "kind": "left", "domain": "a.example.com", "to": "somebody"});
        assert!(Facts::from_stored(more).is_ok());
        assert!(Facts::from_stored(json!({"v": 1, "kind": "other"})).is_err());
    }
}
