//! CloudFront, as this program asks it.

use aws::CloudFront;

use crate::command_error::CommandError;

/// A client by the environment.
///
/// # Errors
/// The environment's region is in a part of AWS that is not supported.
pub(crate) async fn open() -> Result<CloudFront, CommandError> {
    // One provider for every TLS connection of the process; it is an error only when there is one already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Ok(CloudFront::new(&aws::sdk_config().await?))
}
