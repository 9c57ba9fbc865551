//! The service's settings.

use std::str::FromStr;

use worker::WorkerArgs;

/// Makes, changes, awaits, disables and deletes CloudFront distributions.
#[derive(Debug, clap::Parser)]
#[command(version, about, after_help = aws::AFTER_HELP)]
pub(crate) struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) action: Option<doctor::Action>,
    /// Where CloudFront reaches broker-api's ACME responder: scheme, host and port, such as http://acme.example.com:8080.
    #[arg(long, env, help_heading = "CloudFront")]
    pub(crate) acme_responder_url: Responder,
    /// Which edges serve: see "price class" in CloudFront's developer guide.
    #[arg(long, env, help_heading = "CloudFront", default_value = "PriceClass_100",
        value_parser = ["PriceClass_100", "PriceClass_200", "PriceClass_All"])]
    pub(crate) price_class: String,
    /// How long after a distribution was about to be made it may still turn up in CloudFront's list; a deletion waits so
    /// long for it.
    #[arg(long, env, help_heading = "CloudFront", default_value = "2m")]
    pub(crate) create_settle: humantime::Duration,
    #[command(flatten)]
    pub(crate) viewer: aws::ViewerArgs,
    #[command(flatten)]
    pub(crate) reconcile: aws::ReconcileArgs,
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
}

/// broker-api's ACME responder, as CloudFront reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Responder {
    /// Fetched by HTTPS.
    pub(crate) secure: bool,
    /// Host name.
    pub(crate) host: String,
    /// Port.
    pub(crate) port: u16,
}

impl FromStr for Responder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: http::Uri = text
            .parse()
            .map_err(|_| "not a URL; write for example http://acme.example.com:8080")?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("http:// or https:// is expected".to_string()),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err("only scheme, host and port, without a path".to_string());
        }
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or("a host name without user or password is expected")?;
        // `Authority::port` passes over a port that is no number up to 65535.
        let after_host = authority.as_str().strip_prefix(authority.host());
        let port = match after_host.and_then(|rest| rest.strip_prefix(':')) {
            Some(port) => port.parse().map_err(|_| "the port is not a number up to 65535")?,
            None if secure => 443,
            None => 80,
        };
        // Developer guide, "Custom origins": 80, 443, or 1024 to 65535.
        if !matches!(port, 80 | 443 | 1024..) {
            return Err("CloudFront fetches from ports 80, 443 and 1024 to 65535 only".to_string());
        }
        Ok(Self {
            secure,
            host: authority.host().to_string(),
            port,
        })
    }
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
    fn a_responder_is_scheme_host_and_port() {
        let responder = |secure, host: &str, port| {
            Ok(Responder {
                secure,
                host: host.to_string(),
                port,
            })
        };
        assert_eq!("http://a.example".parse(), responder(false, "a.example", 80));
        assert_eq!("https://a.example/".parse(), responder(true, "a.example", 443));
        assert_eq!("http://a.example:8080".parse(), responder(false, "a.example", 8080));
        for refused in [
            "",
            "a.example",
            "ftp://a.example",
            "http://a.example/acme",
            "http://a.example/?x",
            "http://u:p@a.example",
            "http://a.example:22",
            "http://a.example:99999",
        ] {
            assert!(refused.parse::<Responder>().is_err(), "{refused}");
        }
    }
}
