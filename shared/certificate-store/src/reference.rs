//! What the database holds of a certificate's location: created by its store, and opaque to everything else.

use aws::CloudFrontCertificate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stores::Kind;

/// A certificate's location, or intended location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The store.
    pub store: Kind,
    /// The name by which the store finds it, before and after the upload.
    pub name: String,
    /// How CloudFront's configuration refers to it: after the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cloudfront: Option<CloudFrontCertificate>,
}

/// A reference that this program can't read.
#[derive(Debug, thiserror::Error)]
#[error("a newer program stored a certificate in a place that this one doesn't know: {json}")]
pub struct UnknownReference {
    json: Value,
    source: serde_json::Error,
}

impl Reference {
    /// Reads a reference from the database.
    ///
    /// # Errors
    /// It belongs to a store that this program doesn't have.
    pub fn read(json: &Value) -> Result<Self, UnknownReference> {
        Self::deserialize(json).map_err(|source| UnknownReference {
            json: json.clone(),
            source,
        })
    }

    /// The same reference, after the upload.
    #[must_use]
    pub fn put(self, in_cloudfront: CloudFrontCertificate) -> Self {
        Self {
            in_cloudfront: Some(in_cloudfront),
            ..self
        }
    }

    /// The id of an orphan: CloudFront's identifier for it, where there is one.
    pub fn id(&self) -> &str {
        self.in_cloudfront.as_ref().map_or(&self.name, |it| it.id())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_database_holds_what_it_held_and_says_which_store_it_is_of() {
        let intended = Reference {
            store: Kind::Iam,
            name: "cdn-broker-1".into(),
            in_cloudfront: None,
        };
        let put = intended.clone().put(CloudFrontCertificate::Iam("ASCA1".into()));
        for (reference, stored) in [
            (intended, json!({"store": "iam", "name": "cdn-broker-1"})),
            (
                put,
                json!({"store": "iam", "name": "cdn-broker-1", "in_cloudfront": {"iam_certificate_id": "ASCA1"}}),
            ),
        ] {
            assert_eq!(serde_json::to_value(&reference).unwrap(), stored);
            assert_eq!(Reference::read(&stored).unwrap(), reference);
            assert_eq!(stored["store"], reference.store.as_str());
        }
    }

    #[test]
    fn a_store_that_is_not_known_is_no_other() {
        for json in [
            json!({"store": "vault", "name": "x"}),
            json!({"store": "iam"}),
            json!({}),
            json!("iam"),
        ] {
            let told = Reference::read(&json).unwrap_err().to_string();
            assert!(told.contains(&json.to_string()), "{told}");
        }
    }
}
