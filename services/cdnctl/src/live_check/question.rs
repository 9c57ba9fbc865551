//! The text that is shown before the confirmation.

use super::Args;
use super::state::State;
use crate::shown;

/// What the check will create, and what it costs.
pub(super) fn list(args: &Args, state: &State) -> Vec<String> {
    if let Some(why) = &state.ended {
        let mut lines = vec![format!(
            "The run {} ended ({}). What it may have left:",
            state.run,
            shown::clean(why)
        )];
        lines.extend(state.left().iter().map(|thing| format!("  {}", thing.name)));
        return lines;
    }
    let mut lines = vec![
        format!("Run {}, in the AWS account of the environment's credentials:", state.run),
        format!("  a CloudFront function, {}, published and deleted", state.function()),
        format!(
            "  an account and two orders at {} for {} (agrees to the CA's terms; counts against its limits)",
            shown::clean(&state.acme_directory_url),
            state.domain
        ),
        format!("  a TXT record that you set at _acme-challenge.{}", state.domain),
        "  two server certificates in IAM, below /cloudfront/cdn-broker/, deleted at the end".to_owned(),
        format!(
            "  a distribution (PriceClass_100) with the alias {}, changed, disabled and deleted; then a second, disabled one",
            state.domain
        ),
        "All carry the tags cdn-broker-instance and cdn-broker-deployment, or the run in their name. AWS charges nothing for".to_owned(),
        "them as long as there are no visitors; certificates are public (Certificate Transparency).".to_owned(),
    ];
    if let Some(arn) = &args.web_acl {
        lines.insert(6, format!("  updates with the web ACL {}", shown::clean(arn)));
    }
    lines
}
