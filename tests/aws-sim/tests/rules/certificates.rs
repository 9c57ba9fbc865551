//! The viewer certificate.

use aws_sdk_cloudfront::types::{CertificateSource, MinimumProtocolVersion, SslSupportMethod, ViewerCertificate};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;
use time::Duration;

use crate::support::configs::{aliases, iam_certificate, minimal, with_certificate};
use crate::support::{Ca, NEVER, eventually, refusal, world, world_with};

const NOT_COVERED: &str = "The certificate that is attached to your distribution doesn't cover the alternate domain name (CNAME) that you're \
                           trying to add";
const NOT_USABLE: &str = "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid \
                          certificate chain.";

fn with(reference: &str, certificate: ViewerCertificate) -> aws_sdk_cloudfront::types::DistributionConfig {
    let mut config = minimal(reference);
    config.viewer_certificate = Some(certificate);
    config
}

#[tokio::test]
async fn aliases_need_a_certificate() {
    let mut config = minimal("one");
    config.aliases = Some(aliases(&["www.example.com"]));
    world().await.refused(config).await.is("InvalidViewerCertificate", 400);
}

#[tokio::test]
async fn the_certificate_must_cover_every_alias() {
    let world = world().await;
    let certificate = world
        .upload("one", &world.ca.leaf(&["www.example.com", "*.shop.example.com"]))
        .await;
    world
        .refused(with_certificate(
            "one",
            &["www.example.com", "api.example.com"],
            &certificate,
        ))
        .await
        .is("InvalidViewerCertificate", 400)
        .says(NOT_COVERED);
    world
        .refused(with_certificate("one", &["a.b.shop.example.com"], &certificate))
        .await
        .is("InvalidViewerCertificate", 400);
    world
        .create(with_certificate(
            "one",
            &["www.example.com", "a.shop.example.com"],
            &certificate,
        ))
        .await;
}

#[tokio::test]
async fn the_certificate_must_be_from_a_trusted_ca() {
    let world = world().await;
    let certificate = world
        .upload("one", &Ca::new("Other Root").leaf(&["www.example.com"]))
        .await;
    let refused = world
        .refused(with_certificate("one", &["www.example.com"], &certificate))
        .await;
    refused
        .is("InvalidViewerCertificate", 400)
        .says("trusted Certificate Authority");
}

#[tokio::test]
async fn the_chain_must_be_complete() {
    let world = world().await;
    let intermediate = world.ca.intermediate("Intermediate");
    let leaf = intermediate.leaf(&["www.example.com"]);
    let without = world.upload("without", &leaf).await;
    world
        .refused(with_certificate("one", &["www.example.com"], &without))
        .await
        .is("InvalidViewerCertificate", 400);
    let call = world
        .iam
        .upload_server_certificate()
        .path("/cloudfront/")
        .server_certificate_name("with");
    let call = call
        .certificate_body(leaf.cert_pem())
        .private_key(leaf.key_pem())
        .certificate_chain(intermediate.pem());
    let with = call
        .send()
        .await
        .unwrap()
        .server_certificate_metadata
        .unwrap()
        .server_certificate_id;
    world.create(with_certificate("one", &["www.example.com"], &with)).await;
}

#[tokio::test]
async fn the_path_must_begin_with_cloudfront() {
    let world = world().await;
    let leaf = world.ca.leaf(&["www.example.com"]);
    let call = world
        .iam
        .upload_server_certificate()
        .path("/elb/")
        .server_certificate_name("one");
    let made = call
        .certificate_body(leaf.cert_pem())
        .private_key(leaf.key_pem())
        .send()
        .await
        .unwrap();
    let id = made.server_certificate_metadata.unwrap().server_certificate_id;
    world
        .refused(with_certificate("one", &["www.example.com"], &id))
        .await
        .is("InvalidViewerCertificate", 400)
        .says(NOT_USABLE);
}

#[tokio::test]
async fn a_just_uploaded_certificate_is_not_visible_yet() {
    let world = world_with(|settings| settings.iam_visible_ms = NEVER).await;
    let certificate = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    let config = with_certificate("one", &["www.example.com"], &certificate);
    world
        .refused(config.clone())
        .await
        .is("InvalidViewerCertificate", 400)
        .says(NOT_USABLE);
    world.admin("/settings", json!({"iam_visible_ms": 0})).await;
    world.create(config).await;
}

#[tokio::test]
async fn an_unknown_certificate_does_not_exist() {
    let refused = world()
        .await
        .refused(with("one", iam_certificate("ASCA00000000000000000")))
        .await;
    refused.is("InvalidViewerCertificate", 400).says(NOT_USABLE);
}

#[tokio::test]
async fn cloudfront_takes_no_p384_key() {
    let world = world().await;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let certificate = world
        .upload("one", &world.ca.leaf_with(&["www.example.com"], key, Duration::days(9)))
        .await;
    world
        .refused(with_certificate("one", &["www.example.com"], &certificate))
        .await
        .is("InvalidViewerCertificate", 400);
}

#[tokio::test]
async fn writing_back_the_deprecated_members_with_a_new_id_is_refused() {
    let world = world().await;
    let made = world.serving("one", &["www.example.com"]).await;
    let new = world.upload("new", &world.ca.leaf(&["www.example.com"])).await;
    let naive = world.update(&made.id, |config| {
        config.viewer_certificate.as_mut().unwrap().iam_certificate_id = Some(new.clone())
    });
    refusal(naive.await)
        .is("InvalidViewerCertificate", 400)
        .says("Your IAMCertificateId does not match the given Certificate field");
    let (plain, _) = world.create(minimal("two")).await;
    let naive = world.update(&plain.id, |config| {
        let certificate = config.viewer_certificate.as_mut().unwrap();
        assert_eq!(certificate.certificate_source, Some(CertificateSource::Cloudfront));
        *certificate = ViewerCertificate::builder()
            .iam_certificate_id(&new)
            .ssl_support_method(SslSupportMethod::SniOnly)
            .minimum_protocol_version(MinimumProtocolVersion::TlSv122021)
            .certificate_source(CertificateSource::Cloudfront)
            .build();
    });
    refusal(naive.await)
        .is("InvalidViewerCertificate", 400)
        .says("Cannot specify IAMCertificateId and a CertificateSource not equal to \"iam\"");
}

#[tokio::test]
async fn leaving_the_deprecated_members_out_is_fine() {
    let world = world().await;
    let made = world.serving("one", &["www.example.com"]).await;
    let new = world.upload("new", &world.ca.leaf(&["www.example.com"])).await;
    world
        .update(&made.id, |config| {
            config.viewer_certificate = Some(iam_certificate(&new))
        })
        .await
        .unwrap();
    let read = world
        .cloudfront
        .get_distribution_config()
        .id(&made.id)
        .send()
        .await
        .unwrap()
        .distribution_config
        .unwrap();
    let certificate = read.viewer_certificate.unwrap();
    assert_eq!(certificate.certificate.as_deref(), Some(new.as_str()));
    assert_eq!(certificate.certificate_source, Some(CertificateSource::Iam));
    world
        .update(&made.id, |config| config.comment = "as read".to_owned())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_default_certificate_stands_alone() {
    let world = world().await;
    let certificate = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    let both = ViewerCertificate::builder()
        .cloud_front_default_certificate(true)
        .iam_certificate_id(&certificate)
        .build();
    world
        .refused(with("one", both))
        .await
        .is("InvalidViewerCertificate", 400);
    let neither = ViewerCertificate::builder().build();
    world
        .refused(with("one", neither))
        .await
        .is("InvalidViewerCertificate", 400);
    world
        .create(with(
            "one",
            ViewerCertificate::builder()
                .cloud_front_default_certificate(true)
                .build(),
        ))
        .await;
}

#[tokio::test]
async fn iam_and_acm_exclude_each_other() {
    let world = world().await;
    let certificate = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    let mut both = iam_certificate(&certificate);
    both.acm_certificate_arn = Some("arn:aws:acm:us-east-1:123456789012:certificate/x".to_owned());
    world
        .refused(with("one", both))
        .await
        .is("InvalidViewerCertificate", 400);
}

#[tokio::test]
async fn an_iam_certificate_needs_method_and_version() {
    let world = world().await;
    let certificate = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    let mut one = iam_certificate(&certificate);
    one.ssl_support_method = None;
    world
        .refused(with("one", one))
        .await
        .is("InvalidViewerCertificate", 400);
    let mut one = iam_certificate(&certificate);
    one.minimum_protocol_version = None;
    world
        .refused(with("one", one))
        .await
        .is("InvalidMinimumProtocolVersion", 400);
    let mut one = iam_certificate(&certificate);
    one.minimum_protocol_version = Some(MinimumProtocolVersion::from("TLSv9"));
    world
        .refused(with("one", one))
        .await
        .is("InvalidMinimumProtocolVersion", 400);
    let mut one = iam_certificate(&certificate);
    one.minimum_protocol_version = Some(MinimumProtocolVersion::SsLv3);
    world.refused(with("one", one)).await.is("InvalidProtocolSettings", 400);
    for version in ["TLSv1", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"] {
        let mut one = iam_certificate(&certificate);
        one.minimum_protocol_version = Some(MinimumProtocolVersion::from(version));
        world.create(with(version, one)).await;
    }
}

#[tokio::test]
async fn disabling_does_not_look_at_the_certificate_again() {
    let world = world().await;
    let made = world.serving("one", &["www.example.com"]).await;
    world.admin("/settings", json!({"iam_visible_ms": NEVER})).await;
    world.update(&made.id, |config| config.enabled = false).await.unwrap();
}

#[tokio::test]
async fn an_expired_certificate_cannot_be_attached() {
    let world = world().await;
    let leaf = world
        .ca
        .leaf_with(&["www.example.com"], KeyPair::generate().unwrap(), Duration::seconds(2));
    let certificate = world.upload("one", &leaf).await;
    let number = std::sync::atomic::AtomicU32::new(0);
    eventually("expired", async || {
        let reference = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst).to_string();
        let call = world
            .cloudfront
            .create_distribution()
            .distribution_config(with(&reference, iam_certificate(&certificate)));
        match call.send().await {
            Ok(_) => false,
            refused => {
                refusal(refused).is("InvalidViewerCertificate", 400).says("expired");
                true
            }
        }
    })
    .await;
}

#[tokio::test]
async fn cloudfront_takes_rsa_2048() {
    let world = world().await;
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate = world
        .upload("one", &world.ca.leaf_with(&["www.example.com"], key, Duration::days(9)))
        .await;
    world
        .create(with_certificate("one", &["www.example.com"], &certificate))
        .await;
}

#[tokio::test]
async fn the_deprecated_way_to_name_an_iam_certificate_works() {
    let world = world().await;
    let certificate = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    let mut old = iam_certificate("");
    old.iam_certificate_id = None;
    old.certificate = Some(certificate.clone());
    old.certificate_source = Some(CertificateSource::Iam);
    let (made, _) = world.create(with("one", old)).await;
    let returned = made.distribution_config.unwrap().viewer_certificate.unwrap();
    assert_eq!(returned.iam_certificate_id, Some(certificate));
}

#[tokio::test]
async fn one_certificate_change_at_a_time_where_it_is_set_so() {
    let world = world_with(|settings| settings.one_certificate_change = true).await;
    let made = world.serving("one", &["www.example.com"]).await;
    let mut ids = Vec::new();
    for name in ["second", "third"] {
        ids.push(world.upload(name, &world.ca.leaf(&["www.example.com"])).await);
    }
    world.admin("/settings", json!({"deploy_ms": 3_600_000})).await;
    let to = async |id: &str| {
        let certificate = Some(iam_certificate(id));
        world
            .update(&made.id, |config| config.viewer_certificate = certificate)
            .await
    };
    to(&ids[0]).await.unwrap();
    refusal(to(&ids[1]).await)
        .is("IllegalUpdate", 400)
        .says("Only one viewer certificate change may be in progress at a time.");
    world
        .update(&made.id, |config| config.comment = "else".to_owned())
        .await
        .unwrap();
    world.admin("/settings", json!({"deploy_ms": 0})).await;
    to(&ids[1]).await.unwrap();
}
