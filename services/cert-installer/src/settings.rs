//! The service's settings.

use store::sealing::SealingArgs;
use worker::WorkerArgs;

/// Uploads certificates to IAM, attaches them to CloudFront distributions, retires old ones.
#[derive(Debug, clap::Parser)]
#[command(version, about, after_help = aws::AFTER_HELP)]
pub(crate) struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) action: Option<doctor::Action>,
    /// Path of certificates in IAM; CloudFront wants it to begin with /cloudfront/.
    #[arg(long, env, help_heading = "IAM", default_value = "/cloudfront/cdn-broker/",
        value_parser = iam_path)]
    pub(crate) iam_path: String,
    #[command(flatten)]
    pub(crate) viewer: aws::ViewerArgs,
    #[command(flatten)]
    pub(crate) reconcile: aws::ReconcileArgs,
    #[command(flatten)]
    pub(crate) sealing: SealingArgs,
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
}

/// IAM service model: `/`-separated, printable ASCII, at most 512 characters. CloudFront developer guide: below
/// `/cloudfront/`.
fn iam_path(path: &str) -> Result<String, String> {
    if !path.starts_with("/cloudfront/") || !path.ends_with('/') {
        return Err("it must begin with /cloudfront/ and end with /".to_string());
    }
    if path.len() > 512 || !path.chars().all(|c| c.is_ascii_graphic()) {
        return Err("at most 512 printable ASCII characters, no blanks".to_string());
    }
    Ok(path.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_can_be_parsed_at_all() {
        use clap::CommandFactory as _;
        Settings::command().debug_assert();
    }

    #[test]
    fn a_path_is_one_that_cloudfront_looks_into() {
        assert!(iam_path("/cloudfront/").is_ok());
        assert!(iam_path("/cloudfront/a/b/").is_ok());
        for refused in ["", "/", "/cdn/", "/cloudfront", "/cloudfront/a", "/cloudfront/a b/"] {
            assert!(iam_path(refused).is_err(), "{refused}");
        }
    }
}
