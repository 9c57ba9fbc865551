//! Steps: the units of work. A step kind belongs to one service, and its name is its name everywhere.

/// The services that do steps; each has one work queue of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// CloudFront distributions.
    Distribution,
    /// DNS and HTTP probes.
    ChallengeVerifier,
    /// The ACME CA.
    CertificateIssuer,
    /// IAM server certificates and their attachment.
    CertInstaller,
}

impl Service {
    /// All four, in the order in which work passes them.
    pub const ALL: [Self; 4] = [
        Self::Distribution,
        Self::ChallengeVerifier,
        Self::CertificateIssuer,
        Self::CertInstaller,
    ];

    /// The service's name: its binary, its queue, its routing key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::ChallengeVerifier => "challenge-verifier",
            Self::CertificateIssuer => "certificate-issuer",
            Self::CertInstaller => "cert-installer",
        }
    }
}

/// What a step does. Adding one is: a variant here, a line in [`crate::plan`], a handler file in its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Create the CloudFront distribution, with aliases and certificate.
    CreateDistribution,
    /// Place an ACME order (RFC 8555 §7.4) and write down its authorizations.
    PlaceOrder,
    /// See whether the CA could verify one domain now; the only step that fans out.
    VerifyChallenge,
    /// Tell the CA that the challenges are ready (RFC 8555 §7.5.1).
    AnswerChallenges,
    /// Wait until the CA has validated every authorization.
    AwaitValidation,
    /// Send the CSR and store the certificate (RFC 8555 §7.4).
    FinalizeOrder,
    /// Upload the certificate to IAM under `/cloudfront/`.
    UploadCertificate,
    /// Set aliases and certificate on the distribution, together.
    AttachCertificate,
    /// Set what an update changes on the distribution: settings, aliases and certificate, together.
    ConfigureDistribution,
    /// Wait until CloudFront says `Deployed`.
    AwaitDeployment,
    /// Disable the distribution; CloudFront deletes only disabled ones.
    DisableDistribution,
    /// Delete the disabled and deployed distribution.
    DeleteDistribution,
    /// Put the CloudFront function right that redirects, or delete it when nothing is redirected any more.
    SettleFunction,
    /// Delete IAM certificates that nothing uses any more.
    RetireCertificates,
}

impl StepKind {
    /// Every kind there is.
    pub const ALL: [Self; 14] = [
        Self::CreateDistribution,
        Self::PlaceOrder,
        Self::VerifyChallenge,
        Self::AnswerChallenges,
        Self::AwaitValidation,
        Self::FinalizeOrder,
        Self::UploadCertificate,
        Self::AttachCertificate,
        Self::ConfigureDistribution,
        Self::AwaitDeployment,
        Self::DisableDistribution,
        Self::DeleteDistribution,
        Self::SettleFunction,
        Self::RetireCertificates,
    ];

    /// The kind's name, in SQL, metrics, logs and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateDistribution => "create-distribution",
            Self::PlaceOrder => "place-order",
            Self::VerifyChallenge => "verify-challenge",
            Self::AnswerChallenges => "answer-challenges",
            Self::AwaitValidation => "await-validation",
            Self::FinalizeOrder => "finalize-order",
            Self::UploadCertificate => "upload-certificate",
            Self::AttachCertificate => "attach-certificate",
            Self::ConfigureDistribution => "configure-distribution",
            Self::AwaitDeployment => "await-deployment",
            Self::DisableDistribution => "disable-distribution",
            Self::DeleteDistribution => "delete-distribution",
            Self::SettleFunction => "settle-function",
            Self::RetireCertificates => "retire-certificates",
        }
    }

    /// Of an update: CloudFront was told already when this is at work.
    pub fn follows_configuration(self) -> bool {
        matches!(
            self,
            Self::AwaitDeployment | Self::SettleFunction | Self::RetireCertificates
        )
    }

    /// The service that does steps of this kind.
    pub fn service(self) -> Service {
        match self {
            Self::CreateDistribution
            | Self::ConfigureDistribution
            | Self::AwaitDeployment
            | Self::DisableDistribution
            | Self::DeleteDistribution
            | Self::SettleFunction => Service::Distribution,
            Self::VerifyChallenge => Service::ChallengeVerifier,
            Self::PlaceOrder | Self::AnswerChallenges | Self::AwaitValidation | Self::FinalizeOrder => {
                Service::CertificateIssuer
            }
            Self::UploadCertificate | Self::AttachCertificate | Self::RetireCertificates => Service::CertInstaller,
        }
    }
}

impl std::str::FromStr for StepKind {
    type Err = UnknownName;
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownName::new("step kind", name))
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Due now or later.
    Waiting,
    /// Accomplished; never tried again.
    Done,
    /// Failed for good, and its operation with it.
    Failed,
    /// Its order was replaced or its operation ended; never tried again.
    Cancelled,
}

impl StepState {
    /// The state's name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::str::FromStr for StepState {
    type Err = UnknownName;
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "waiting" => Ok(Self::Waiting),
            "done" => Ok(Self::Done),
            "failed" => Ok(Self::Failed),
            "cancelled" => Ok(Self::Cancelled),
            other => Err(UnknownName::new("step state", other)),
        }
    }
}

/// A name read from outside that this version doesn't know.
#[derive(Debug, thiserror::Error)]
#[error("unknown {what} {name:?}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, name: &str) -> Self {
        Self {
            what,
            name: name.chars().take(64).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_name() {
        for kind in StepKind::ALL {
            assert_eq!(kind.as_str().parse::<StepKind>().unwrap(), kind);
            assert_eq!(
                serde_json::to_value(kind).unwrap(),
                serde_json::Value::from(kind.as_str()),
                "serde and SQL must agree on the name"
            );
        }
        assert!("reboot-the-moon".parse::<StepKind>().is_err());
    }
}
