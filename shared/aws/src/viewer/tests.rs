use aws_sdk_cloudfront::types::{
    CertificateSource, DefaultCacheBehavior, Origins, ViewerCertificate, ViewerProtocolPolicy,
};

use super::*;
use crate::failure::{Peer, Reason};

const SETTINGS: ViewerSettings = ViewerSettings {
    minimum_tls_version: MinimumProtocolVersion::TlSv122021,
    visible_within: Duration::from_secs(900),
};

fn viewer() -> Viewer<'static> {
    Viewer {
        domains: vec!["example.com".to_string(), "www.example.com".to_string()],
        stored: Uuid::nil(),
        certificate: CloudFrontCertificate::Iam("ASCANEW".into()),
        name: "cdn-broker-1".into(),
        uploaded_ago: Some(Duration::from_secs(60)),
        settings: &SETTINGS,
    }
}

/// As CloudFront returns it, deprecated fields included.
#[expect(deprecated, reason = "CloudFront still sends these two")]
fn read_config() -> DistributionConfig {
    DistributionConfig::builder()
        .caller_reference("instance-1")
        .comment("cdn-broker instance-1")
        .enabled(true)
        .origins(
            Origins::builder()
                .quantity(0)
                .set_items(Some(Vec::new()))
                .build()
                .unwrap(),
        )
        .default_cache_behavior(
            DefaultCacheBehavior::builder()
                .target_origin_id("origin")
                .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
                .build()
                .unwrap(),
        )
        .web_acl_id("kept")
        .viewer_certificate(
            ViewerCertificate::builder()
                .cloud_front_default_certificate(true)
                .certificate_source(CertificateSource::Cloudfront)
                .certificate("ASCAOLD")
                .build(),
        )
        .build()
        .unwrap()
}

#[test]
#[expect(deprecated, reason = "the test is that these two are gone")]
fn aliases_and_certificate_change_together_and_nothing_else() {
    let mut config = read_config();
    assert!(!viewer().is_in(&config));
    viewer().put_into(&mut config).unwrap();
    let certificate = config.viewer_certificate.clone().unwrap();
    assert_eq!(certificate.iam_certificate_id.as_deref(), Some("ASCANEW"));
    assert_eq!(certificate.certificate, None);
    assert_eq!(certificate.certificate_source, None);
    assert_eq!(certificate.cloud_front_default_certificate, None);
    assert_eq!(config.aliases.as_ref().unwrap().quantity, 2);
    assert_eq!(config.web_acl_id.as_deref(), Some("kept"));
    assert_eq!(config.caller_reference, "instance-1");
    assert!(viewer().is_in(&config));

    let mut other = viewer();
    other.certificate = CloudFrontCertificate::Iam("ASCAOTHER".into());
    assert!(!other.is_in(&config));
    let mut fewer = viewer();
    fewer.domains.pop();
    assert!(!fewer.is_in(&config));
}

#[test]
fn the_order_of_aliases_does_not_matter() {
    let mut config = read_config();
    viewer().put_into(&mut config).unwrap();
    let items = config.aliases.as_mut().unwrap().items.as_mut().unwrap();
    items.reverse();
    assert!(viewer().is_in(&config));
}

fn refused(code: &str, message: &str) -> Outcome {
    viewer().refused(&failure(code, message), Some("E1"))
}

fn failure(code: &str, message: &str) -> Failure {
    Failure {
        peer: Peer::CloudFront,
        action: "UpdateDistribution",
        reason: Reason::Refused {
            status: 400,
            code: code.to_string(),
            message: message.to_string(),
        },
    }
}

#[test]
fn a_refusal_ends_what_waiting_can_not_mend() {
    let unseen = "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't \
                  include a valid certificate chain.";
    let uncovered = "The certificate that is attached to your distribution doesn't cover the alternate domain name \
                     (CNAME) that you're trying to add.";
    let dns = "One or more aliases specified for the distribution includes an incorrectly configured DNS record that \
               points to another CloudFront distribution.";
    for (code, message, name) in [
        ("PreconditionFailed", "", "failed"),
        ("InvalidViewerCertificate", unseen, "pending"),
        ("InvalidViewerCertificate", uncovered, "failed"),
        ("CNAMEAlreadyExists", dns, "pending"),
        (
            "CNAMEAlreadyExists",
            "One or more of the CNAMEs you provided are already associated with a different resource.",
            "failed",
        ),
        ("TooManyDistributionCNAMEs", "", "failed"),
        ("NoSuchDistribution", "", "failed"),
        ("Throttling", "", "pending"),
        ("IllegalUpdate", "", "failed"),
    ] {
        assert_eq!(refused(code, message).name(), name, "{code} {message}");
    }
}

#[test]
fn a_certificate_that_is_not_seen_for_a_quarter_of_an_hour_never_will_be() {
    let unseen = failure(
        "InvalidViewerCertificate",
        "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid certificate chain.",
    );
    let after = |seconds: Option<u64>| Viewer {
        uploaded_ago: seconds.map(Duration::from_secs),
        ..viewer()
    };
    // An older program recorded no time.
    for seconds in [Some(0), Some(899), None] {
        assert_eq!(after(seconds).refused(&unseen, None).name(), "pending", "{seconds:?}");
    }
    let Outcome::Failed {
        certificate_is_useless, ..
    } = after(Some(900)).refused(&unseen, None)
    else {
        panic!("it is still waited for");
    };
    assert!(certificate_is_useless);
}

#[test]
fn a_taken_alias_is_named_when_cloudfront_names_it() {
    let text = |message| match refused("CNAMEAlreadyExists", message) {
        Outcome::Failed { for_user, .. } => for_user,
        other => panic!("{other:?}"),
    };
    let named = text("The alias www.example.com. is in use.");
    assert!(named.starts_with("www.example.com belongs to"), "{named}");
    assert!(
        named.contains("distribution E1 and certificate cdn-broker-1"),
        "{named}"
    );
    assert!(text("In use.").starts_with("one of example.com, www.example.com belongs to"));
    // During creation there is no distribution yet.
    let created = viewer().refused(&failure("CNAMEAlreadyExists", ""), None);
    assert!(
        matches!(&created, Outcome::Failed { for_user, .. } if for_user.ends_with("(Here it was for certificate cdn-broker-1.)")),
        "{created:?}"
    );
}
