//! What a place for certificates has to do.

use std::fmt;

use async_trait::async_trait;
use aws::{CloudFrontCertificate, Failure, Probe};
use secrecy::SecretString;
use uuid::Uuid;

use crate::reference::Reference;

/// A place where certificates are kept for CloudFront. Nothing here waits or tries again. Each call may come twice, and from a worker that
/// was superseded: what is done twice is as done once. No method has a default, so that a store that forgets one doesn't compile.
///
/// A [`Failure`] is what AWS or the connection to it came up with.
#[async_trait]
pub trait CertificateStore: Send + Sync {
    /// What is written down before the certificate of this id is put: with it [`Self::find`] and [`Self::remove`] find what a crash left.
    fn intended(&self, certificate: Uuid) -> Reference;

    /// Puts it, with tags that say whose it is.
    async fn put(&self, new: &NewCertificate<'_>) -> Result<CloudFrontCertificate, NotPut>;

    /// What an earlier attempt put, if there is something.
    async fn find(&self, reference: &Reference) -> Result<Option<Found>, Failure>;

    /// Removes it.
    async fn remove(&self, reference: &Reference) -> Result<Removed, Failure>;

    /// Everything that is named as this broker's certificates are, other brokers' in the same account included.
    async fn list(&self) -> Result<Vec<Listed>, Failure>;

    /// Which broker put it: the value of the tag [`aws::DEPLOYMENT_TAG`].
    async fn deployment(&self, reference: &Reference) -> Result<Option<String>, Failure>;

    /// What the doctor calls the quota of it.
    fn quota(&self) -> Quota;

    /// How full it is.
    async fn usage(&self) -> Result<Usage, Failure>;

    /// The calls by which the doctor sees whether everything above is allowed; first one that needs nothing to be there.
    fn probes(&self) -> Vec<Probe>;
}

/// A certificate that is put.
#[derive(Debug)]
pub struct NewCertificate<'a> {
    /// What [`CertificateStore::intended`] said.
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

/// Why a certificate was not put.
#[derive(Debug)]
pub enum NotPut {
    /// One of that name is there.
    Exists,
    /// The leaf has more characters than the store takes: these.
    TooLong(usize),
    /// The store takes this certificate at no time.
    Unfit(Failure),
    /// The store refuses what was asked, whatever the certificate.
    Refused(Failure),
    /// Anything else.
    Failed(Failure),
}

/// A certificate that is there.
#[derive(Debug)]
pub struct Found {
    /// How CloudFront is told to use it.
    pub in_cloudfront: CloudFrontCertificate,
    /// Its leaf, PEM.
    pub leaf: String,
    /// Why CloudFront can't use it where it is, if so.
    pub misplaced: Option<String>,
}

/// What a removal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It isn't there, or wasn't.
    Gone,
    /// CloudFront uses it, and the store doesn't let go of it.
    InUse,
}

/// A certificate of a list.
#[derive(Debug)]
pub struct Listed {
    /// Our id of it, by its name.
    pub certificate: Uuid,
    /// Where it is.
    pub reference: Reference,
}

/// The words for what a store may hold at most.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Of what, with the store's name.
    pub of: &'static str,
    /// Its name in Service Quotas.
    pub name: &'static str,
}

/// How much a store holds, whoever's it is: each renewal needs room for one more while the old certificate is still in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// How many certificates there are.
    pub held: u32,
    /// How many there may be.
    pub quota: u32,
    /// What they are called.
    pub of: &'static str,
}

impl Usage {
    /// From this share of the quota on an operator is told, in percent.
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
