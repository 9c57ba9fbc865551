//! Every store that there is, and the one that takes new certificates. What is added here doesn't compile until it is everywhere below.

use std::sync::Arc;

use aws_config::SdkConfig;

use crate::iam::{Iam, IamArgs};
use crate::reference::Kind;
use crate::store::CertificateStore;

/// The stores' settings.
#[derive(Debug, Clone, clap::Args)]
pub struct StoreArgs {
    #[command(flatten)]
    iam: IamArgs,
}

/// The stores.
pub struct Stores {
    iam: Arc<Iam>,
}

impl Stores {
    /// By their settings, with clients by this configuration.
    pub fn new(args: StoreArgs, sdk: &SdkConfig) -> Self {
        let StoreArgs { iam } = args;
        Self {
            iam: Arc::new(Iam::new(iam, sdk)),
        }
    }

    /// The one of that kind.
    pub fn of(&self, kind: Kind) -> &dyn CertificateStore {
        match kind {
            Kind::Iam => &*self.iam,
        }
    }

    /// All of them.
    pub fn all(&self) -> Vec<(Kind, Arc<dyn CertificateStore>)> {
        let Self { iam } = self;
        vec![(Kind::Iam, iam.clone())]
    }

    /// The one that takes new certificates.
    pub fn for_new(&self) -> &dyn CertificateStore {
        &*self.iam
    }
}
