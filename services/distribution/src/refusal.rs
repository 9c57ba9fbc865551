//! The text for the user when CloudFront refuses a configuration: about their domains, or their own settings by name.

use aws::{Failure, Viewer, shown};
use pipeline::{InstanceSettings, Outcome};

use crate::function::not_taken_yet;

/// The meaning of a refused configuration: caused by the function, by aliases and certificate, or by a setting.
pub(crate) fn judged(
    failure: &Failure,
    viewer: &Viewer<'_>,
    distribution: Option<&str>,
    settings: &InstanceSettings,
) -> Outcome {
    match (failure.code(), viewer.refused(failure, distribution)) {
        ("InvalidFunctionAssociation", _) => not_taken_yet(failure),
        (
            "CNAMEAlreadyExists" | "TooManyDistributionCNAMEs" | "InvalidViewerCertificate" | "NoSuchDistribution",
            outcome,
        ) => outcome,
        (_, Outcome::Failed { .. }) => refused(failure, settings),
        (_, outcome) => outcome,
    }
}

/// Refusals that the user's own settings may cause are described in terms of those settings.
pub(crate) fn refused(failure: &Failure, settings: &InstanceSettings) -> Outcome {
    let blame = match failure.code() {
        "InvalidArgument" if failure.refuses_log_bucket() => return failure.outcome(),
        // The code of every error without its own; the message tells which it was.
        "InvalidArgument" => return failure.failed(invalid(&failure.words(), settings)),
        "TooManyHeadersInForwardedValues" => "CloudFront passes fewer headers to an origin than \"headers\" names",
        "TooManyCookieNamesInWhiteList" => "CloudFront passes fewer cookies to an origin than \"cookies\" names",
        "InvalidForwardCookies" => "CloudFront doesn't accept what \"cookies\" says",
        "InvalidOrigin" => "CloudFront doesn't accept what \"origin\" says as an origin",
        "InvalidRelativePath" => "CloudFront doesn't accept what \"path\" says",
        "InvalidHeadersForS3Origin" => "CloudFront doesn't pass these \"headers\" to an S3 origin",
        _ => return failure.outcome(),
    };
    failure.failed(format!("{blame}: it needs another value"))
}

/// The settings that may be the cause, with their values, and CloudFront's own message.
fn invalid(words: &str, settings: &InstanceSettings) -> String {
    let values = [
        ("origin", settings.origin.clone()),
        ("path", settings.path.clone()),
        ("failover_origin", settings.failover_origin.clone().unwrap_or_default()),
        (
            "error_responses",
            settings
                .error_responses
                .values()
                .cloned()
                .collect::<Vec<_>>()
                .join(", "),
        ),
        ("forward_headers", settings.forward_headers.join(", ")),
    ];
    let suspects: Vec<String> = values
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name} \"{}\"", shown(value)))
        .collect();
    let words = match words {
        "" => String::new(),
        words => format!(" It says: \"{words}\"."),
    };
    format!(
        "CloudFront doesn't accept the distribution; these settings may be the cause: {}.{words} Try other values, or ask \
         the broker's operator, who has the same words in the log.",
        suspects.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::{Peer, Reason};

    fn outcome(code: &str, message: &str, path: &str) -> Outcome {
        let failure = Failure {
            peer: Peer::CloudFront,
            action: "CreateDistributionWithTags",
            reason: Reason::Refused {
                status: 400,
                code: code.to_string(),
                message: message.to_string(),
            },
        };
        let settings = InstanceSettings {
            origin: "app.example.com".into(),
            path: path.into(),
            forward_headers: vec!["ACCEPT".into(), "HOST".into()],
            ..InstanceSettings::default()
        };
        refused(&failure, &settings)
    }

    fn for_user(outcome: Outcome) -> String {
        match outcome {
            Outcome::Failed { for_user, .. } => for_user,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_setting_that_is_refused_is_named_and_a_quota_is_waited_for() {
        assert!(for_user(outcome("TooManyHeadersInForwardedValues", "", "")).contains("\"headers\""));
        assert_eq!(outcome("TooManyDistributions", "", "").name(), "pending");
    }

    #[test]
    fn an_argument_that_is_refused_names_the_settings_and_the_reason() {
        assert_eq!(
            for_user(outcome(
                "InvalidArgument",
                "The parameter Headers has \"X\" of 123456789012.",
                ""
            )),
            "CloudFront doesn't accept the distribution; these settings may be the cause: origin \"app.example.com\"; \
             forward_headers \"ACCEPT, HOST\". It says: \"The parameter Headers has \"X\" of ….\". Try other values, or ask \
             the broker's operator, who has the same words in the log."
        );
        let text = for_user(outcome(
            "InvalidArgument",
            &format!("\u{202e}{}", "x".repeat(400)),
            "/assets",
        ));
        assert!(
            text.contains("path \"/assets\"") && text.contains("\\u{202e}x"),
            "{text}"
        );
        assert!(text.contains("x…\"") && !text.contains(&"x".repeat(200)), "{text}");
        assert!(!for_user(outcome("InvalidArgument", "", "")).contains("It says"));
    }
}
