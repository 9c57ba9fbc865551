//! Steps: the units of work. A step kind belongs to one service and has the same name everywhere. The table below is
//! the only place that lists them.

use crate::schedule::Schedule;

/// The services that have a work queue, of the same name. All but the last run steps.
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
    /// Mail about instances; its messages wake letters up in place of steps.
    Notifier,
}

impl Service {
    /// All five, in the order in which work passes through them.
    pub const ALL: [Self; 5] = [
        Self::Distribution,
        Self::ChallengeVerifier,
        Self::CertificateIssuer,
        Self::CertInstaller,
        Self::Notifier,
    ];

    /// Whether a broker can do without: nobody consumes its queue where it is not run.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::Notifier)
    }

    /// The service's name: its binary, its queue, its routing key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::ChallengeVerifier => "challenge-verifier",
            Self::CertificateIssuer => "certificate-issuer",
            Self::CertInstaller => "cert-installer",
            Self::Notifier => "notifier",
        }
    }
}

/// Generates from the table of steps: [`StepKind`], an enum of each service's own ([`ServiceStep`]), and the settings
/// of their schedules.
macro_rules! steps {
    ($($service:ident, $of_service:ident: $about_service:literal {$(
        $(#[doc = $about:literal])+
        $kind:ident, $name:literal, $doing:literal, $setting:ident = $schedule:literal, $help:literal;
    )+})+) => {
        /// The kind of a step.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum StepKind {$($(
            $(#[doc = $about])+
            #[serde(rename = $name)]
            $kind,
        )+)+}

        impl StepKind {
            /// Every kind.
            pub const ALL: [Self; [$($(Self::$kind),+),+].len()] = [$($(Self::$kind),+),+];

            /// The kind's name, in SQL, metrics, logs and settings.
            pub fn as_str(self) -> &'static str {
                match self {$($(Self::$kind => $name,)+)+}
            }

            /// What is being done, as shown to the user.
            pub fn doing(self) -> &'static str {
                match self {$($(Self::$kind => $doing,)+)+}
            }

            /// The service that runs steps of this kind.
            pub fn service(self) -> Service {
                match self {$($(Self::$kind)|+ => Service::$service,)+}
            }
        }

        $(
            #[doc = $about_service]
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            #[expect(missing_docs, reason = "see StepKind")]
            pub enum $of_service {$($kind),+}

            impl ServiceStep for $of_service {
                const SERVICE: Service = Service::$service;

                fn of(kind: StepKind) -> Option<Self> {
                    match kind {
                        $(StepKind::$kind => Some(Self::$kind),)+
                        #[allow(unreachable_patterns, reason = "unless a service has all steps")]
                        _ => None,
                    }
                }
            }
        )+

        /// The schedule of each step kind.
        #[derive(Debug, Clone, clap::Args)]
        pub struct StepSchedules {$($(
            #[doc = $help]
            #[arg(long, env, default_value = $schedule)]
            pub $setting: Schedule,
        )+)+}

        impl StepSchedules {
            /// The schedule of a step kind.
            pub fn of(&self, kind: StepKind) -> &Schedule {
                match kind {$($(StepKind::$kind => &self.$setting,)+)+}
            }
        }
    };
}

/// A step of one service: its handler matches on these, so that a missing one doesn't compile.
pub trait ServiceStep: Copy + Send + Sync + 'static {
    /// The service.
    const SERVICE: Service;

    /// The service's own step of that kind; `None`: it belongs to another service.
    fn of(kind: StepKind) -> Option<Self>;
}

// Kind, name, what is being done, the setting of its schedule with its default, help. docs/contributors/step.md
// explains how to add one.
steps! {
    Distribution, DistributionStep: "The steps of the service distribution." {
        /// Create the CloudFront distribution, with aliases and certificate.
        CreateDistribution, "create-distribution", "making the CloudFront distribution",
            schedule_create_distribution = "first=1s,factor=1.5,max=2m,deadline=1d",
            "Creating the distribution; CloudFront doesn't see a new certificate at once.";
        /// Set what an update changes on the distribution: settings, aliases and certificate, together.
        ConfigureDistribution, "configure-distribution", "changing the CloudFront distribution",
            schedule_configure_distribution = "first=1s,factor=1.5,max=2m,deadline=1d",
            "Changing the distribution.";
        /// Wait until CloudFront says `Deployed`.
        AwaitDeployment, "await-deployment", "CloudFront is deploying, which takes minutes",
            schedule_await_deployment = "first=5s,share=4%,max=1m,deadline=1d",
            "Waiting for CloudFront to deploy.";
        /// Disable the distribution; CloudFront deletes only disabled ones.
        DisableDistribution, "disable-distribution", "disabling the CloudFront distribution",
            schedule_disable_distribution = "first=5s,max=5m",
            "Disabling the distribution.";
        /// Delete the disabled and deployed distribution.
        DeleteDistribution, "delete-distribution", "deleting the CloudFront distribution",
            schedule_delete_distribution = "first=5s,max=5m",
            "Deleting the distribution.";
        /// Update the CloudFront function that redirects, or delete it when nothing is redirected any more.
        SettleFunction, "settle-function", "changing what redirects",
            schedule_settle_function = "first=5s,max=1m",
            "Settling the function that redirects.";
    }
    ChallengeVerifier, VerifierStep: "The steps of the service challenge-verifier." {
        /// Probe whether the CA could verify one domain now; the only step that fans out.
        VerifyChallenge, "verify-challenge", "checking the domains",
            schedule_verify_challenge = "first=4s,share=4%,max=5m,first-hour=1m,deadline=7d",
            "Probing one domain; its deadline is how long a user may take.";
    }
    CertificateIssuer, IssuerStep: "The steps of the service certificate-issuer." {
        /// Place an ACME order (RFC 8555 §7.4) and record its authorizations.
        PlaceOrder, "place-order", "ordering the certificate",
            schedule_place_order = "first=5s,max=15m,limit=10m",
            "Placing an order; 100 names at a distant CA take minutes.";
        /// Write the order's values to the broker's own zone, for the domains that are delegated to it.
        PublishChallenges, "publish-challenges", "publishing the CA's values in the broker's DNS zone",
            schedule_publish_challenges = "first=1s,factor=2,max=1m,deadline=90d",
            "Publishing an order's values in DELEGATION_ZONE.";
        /// Tell the CA that the challenges are ready (RFC 8555 §7.5.1).
        AnswerChallenges, "answer-challenges", "asking the CA to verify the domains",
            schedule_answer_challenges = "first=5s,max=5m,deadline=1d,limit=10m",
            "Answering the challenges.";
        /// Wait until the CA has validated every authorization.
        AwaitValidation, "await-validation", "the CA is verifying the domains",
            schedule_await_validation = "first=500ms,share=4%,max=1m,deadline=1d,limit=2m",
            "Waiting for the CA's validation.";
        /// Send the CSR and store the certificate (RFC 8555 §7.4).
        FinalizeOrder, "finalize-order", "the CA is issuing the certificate",
            schedule_finalize_order = "first=500ms,share=4%,max=1m,deadline=1d,limit=2m",
            "Finalizing the order and fetching the certificate.";
    }
    CertInstaller, InstallerStep: "The steps of the service cert-installer." {
        /// Upload the certificate to IAM under `/cloudfront/`.
        UploadCertificate, "upload-certificate", "uploading the certificate",
            schedule_upload_certificate = "first=5s,max=5m,deadline=1d",
            "Uploading the certificate to IAM.";
        /// Set aliases and certificate on the distribution, together.
        AttachCertificate, "attach-certificate", "attaching the certificate and the domains",
            schedule_attach_certificate = "first=1s,factor=1.5,max=2m,deadline=1d",
            "Attaching certificate and aliases.";
        /// Delete IAM certificates that nothing uses any more.
        RetireCertificates, "retire-certificates", "removing the certificate that was replaced",
            schedule_retire_certificates = "first=5s,max=5m",
            "Deleting certificates from IAM.";
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

/// The state of a step.
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

/// An external name that this version doesn't know.
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
