//! Every store that there is, a row each, and the one that takes new certificates.

mod iam;

use std::sync::Arc;

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};

use crate::store::CertificateStore;

stores! {
    /// IAM's server certificates.
    Iam, "iam", iam;
}

/// Where new certificates are put.
const FOR_NEW: Kind = Kind::Iam;

impl Stores {
    /// The one that takes new certificates.
    pub fn for_new(&self) -> &dyn CertificateStore {
        self.of(FOR_NEW)
    }
}
