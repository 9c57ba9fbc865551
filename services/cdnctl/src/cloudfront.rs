//! This program's CloudFront client.

use aws::CloudFront;

use crate::command_error::CommandError;

/// A client that is configured by the environment.
///
/// # Errors
/// When the environment's region is in an AWS partition that is not supported.
pub(crate) async fn open() -> Result<CloudFront, CommandError> {
    // One crypto provider for all TLS connections of the process; installing it fails only when one is installed
    // already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Ok(CloudFront::new(&aws::sdk_config().await?))
}
