//! CloudFront, as this program asks it.

use aws::CloudFront;

/// A client by the environment.
pub(crate) async fn open() -> CloudFront {
    // One provider for every TLS connection of the process; it is an error only when there is one already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    CloudFront::new(&aws::sdk_config().await)
}
