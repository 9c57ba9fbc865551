//! Settings: which hosted zone. The credentials are the AWS SDK's own.

use crate::settings::InvalidSetting;

/// A zone's id has at most 32 characters (service model, `ResourceId`).
const LONGEST_ID: usize = 32;

/// The hosted zone.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// Id of the hosted zone that is DELEGATION_ZONE or above it, with or without /hostedzone/. Credentials as described below.
    #[arg(long, env)]
    route53_zone_id: Option<String>,
}

impl Args {
    /// The id, without `/hostedzone/`.
    pub(super) fn zone_id(&self) -> Result<String, InvalidSetting> {
        const SETTING: &str = "ROUTE53_ZONE_ID";
        let id = self.route53_zone_id.as_deref().unwrap_or_default().trim();
        if id.is_empty() {
            return Err(InvalidSetting::Missing(SETTING));
        }
        let id = id.trim_start_matches('/').trim_start_matches("hostedzone/");
        let is_id = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_id {
            return Err(InvalidSetting::Unusable {
                setting: SETTING,
                why: "write the id of a hosted zone, such as Z0123456789ABCDEFGHIJ, not its name".to_owned(),
            });
        }
        Ok(id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: Option<&str>) -> Result<String, String> {
        let route53_zone_id = text.map(str::to_owned);
        Args { route53_zone_id }.zone_id().map_err(|error| error.to_string())
    }

    #[test]
    fn an_id_is_taken_as_the_console_and_the_api_write_it() {
        for text in ["Z0123", "/hostedzone/Z0123", "hostedzone/Z0123", " Z0123 "] {
            assert_eq!(id(Some(text)).as_deref(), Ok("Z0123"), "{text}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused_with_what_to_write() {
        for text in [None, Some(""), Some(" ")] {
            assert_eq!(id(text).unwrap_err(), "DELEGATION_ZONE needs ROUTE53_ZONE_ID");
        }
        for text in ["acme.platform.example", "/hostedzone/", "Z0123/rrset", &"Z".repeat(33)] {
            let told = id(Some(text)).unwrap_err();
            assert!(
                told.starts_with("ROUTE53_ZONE_ID can't be used: write the id"),
                "{told}"
            );
        }
    }
}
