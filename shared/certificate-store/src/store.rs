//! The interface of a certificate store.

use std::fmt;

use async_trait::async_trait;
use aws::{CloudFrontCertificate, Failure, Probe};
use secrecy::SecretString;
use uuid::Uuid;

use crate::reference::Reference;

/// A store of certificates for CloudFront. Nothing here waits or retries. Each call may be repeated, even by a worker
/// that was superseded: every call is idempotent. No method has a default, so that a store that lacks one doesn't
/// compile.
///
/// A [`Failure`] is an error of AWS or of the connection to it.
#[async_trait]
pub trait CertificateStore: Send + Sync {
    /// The reference that is recorded before the certificate of this id is uploaded: with it [`Self::find`] and
    /// [`Self::remove`] find what a crash left behind.
    fn intended(&self, certificate: Uuid) -> Reference;

    /// Uploads it, with tags that name its owner.
    async fn put(&self, new: &NewCertificate<'_>) -> Result<CloudFrontCertificate, NotPut>;

    /// The certificate that an earlier attempt uploaded, if there is one.
    async fn find(&self, reference: &Reference) -> Result<Option<Found>, Failure>;

    /// Removes it.
    async fn remove(&self, reference: &Reference) -> Result<Removed, Failure>;

    /// Every certificate that is named like this broker's, including those of other brokers in the same account.
    async fn list(&self) -> Result<Vec<Listed>, Failure>;

    /// The broker that uploaded it: the value of the tag [`aws::DEPLOYMENT_TAG`].
    async fn deployment(&self, reference: &Reference) -> Result<Option<String>, Failure>;

    /// The doctor's name for the store's quota.
    fn quota(&self) -> Quota;

    /// How many certificates it holds and may hold.
    async fn usage(&self) -> Result<Usage, Failure>;

    /// The calls with which the doctor checks that everything above is allowed; the first one requires nothing to
    /// exist.
    fn probes(&self) -> Vec<Probe>;
}

/// A certificate to be uploaded.
#[derive(Debug)]
pub struct NewCertificate<'a> {
    /// The result of [`CertificateStore::intended`].
    pub reference: &'a Reference,
    /// The leaf, PEM.
    pub leaf: &'a str,
    /// The intermediates without the root, PEM; none when a root issued the leaf.
    pub chain: Option<&'a str>,
    /// The key, PEM (PKCS #8).
    pub key: &'a SecretString,
    /// The value of the tag [`aws::INSTANCE_TAG`].
    pub instance: &'a str,
    /// The value of the tag [`aws::DEPLOYMENT_TAG`].
    pub deployment: &'a str,
}

/// Why a certificate was not uploaded.
#[derive(Debug)]
pub enum NotPut {
    /// A certificate of that name exists.
    Exists,
    /// The leaf has more characters than the store accepts: this many.
    TooLong(usize),
    /// The store will never accept this certificate.
    Unfit(Failure),
    /// The store refuses the request, whatever the certificate.
    Refused(Failure),
    /// Any other failure.
    Failed(Failure),
}

/// A stored certificate.
#[derive(Debug)]
pub struct Found {
    /// How CloudFront's configuration refers to it.
    pub in_cloudfront: CloudFrontCertificate,
    /// Its leaf, PEM.
    pub leaf: String,
    /// Why CloudFront can't use it at its location, if so.
    pub misplaced: Option<String>,
}

/// The result of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It no longer exists, or never did.
    Gone,
    /// CloudFront uses it, and the store refuses to remove it.
    InUse,
}

/// A listed certificate.
#[derive(Debug)]
pub struct Listed {
    /// This broker's id of it, from its name.
    pub certificate: Uuid,
    /// Its location.
    pub reference: Reference,
}

/// The wording for a store's quota.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// What is counted, with the store's name.
    pub of: &'static str,
    /// Its name in Service Quotas.
    pub name: &'static str,
}

/// A store's usage, whoever owns the certificates: each renewal needs room for one more while the old certificate is
/// still in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The number of certificates.
    pub held: u32,
    /// The maximum number of certificates.
    pub quota: u32,
    /// What they are called.
    pub of: &'static str,
}

impl Usage {
    /// From this percentage of the quota on the operator is warned.
    const NEARLY_FULL: u32 = 80;

    /// Whether renewals may soon find no room.
    pub fn is_nearly_full(self) -> bool {
        u64::from(self.held) * 100 >= u64::from(self.quota) * u64::from(Self::NEARLY_FULL)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, quota, of } = self;
        write!(f, "the account holds {held} {of} of at most {quota}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_told_while_there_is_room_still() {
        let nearly_full = |held, quota| {
            Usage {
                held,
                quota,
                of: "certificates",
            }
            .is_nearly_full()
        };
        assert!(!nearly_full(15, 20) && nearly_full(16, 20) && nearly_full(21, 20));
        assert!(!nearly_full(0, 20) && nearly_full(0, 0));
    }
}
