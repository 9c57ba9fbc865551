//! Every store, one row each, and the store for new certificates.

mod iam;

use std::sync::Arc;

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};

use crate::store::CertificateStore;

stores! {
    /// IAM's server certificates.
    Iam, "iam", iam;
}

/// The store for new certificates.
const FOR_NEW: Kind = Kind::Iam;

impl Stores {
    /// The store for new certificates.
    pub fn for_new(&self) -> &dyn CertificateStore {
        self.of(FOR_NEW)
    }
}
