//! Settings that two services read: one definition each, flattened in both.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;

/// Where broker-api's http-01 responder is: for broker-api, which tells its users, and for distribution.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Shared: The same in every service that has it")]
pub struct ResponderArgs {
    /// Public address of broker-api, where users' redirects for http-01 and CloudFront's requests for challenges lead:
    /// scheme, host and port, such as http://broker.example.com.
    #[arg(long, env)]
    pub acme_responder_url: Responder,
}

/// The CA's certificate profile: for certificate-issuer, and for broker-api, which refuses more names than it allows.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Shared: The same in every service that has it")]
pub struct ProfileArgs {
    /// Certificate profile (draft-ietf-acme-profiles), such as classic or tlsserver; unset: the CA's default.
    /// Certificates of tlsserver and shortlived hold at most 25 names.
    #[arg(long, env)]
    acme_profile: Option<String>,
}

impl ProfileArgs {
    /// The profile to request. An empty value counts as unset, since deployment templates often set empty values.
    pub fn acme_profile(&self) -> Option<&str> {
        self.acme_profile.as_deref().filter(|profile| !profile.is_empty())
    }
}

/// broker-api's http-01 responder, as users' redirects and CloudFront reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responder {
    /// Fetched over HTTPS.
    pub secure: bool,
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Responder {
    fn scheme(&self) -> (&'static str, u16) {
        if self.secure { ("https", 443) } else { ("http", 80) }
    }
}

/// The address, without a trailing slash.
impl fmt::Display for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = self.scheme();
        write!(f, "{scheme}://{}", self.host)?;
        match self.port {
            port if port == usual => Ok(()),
            port => write!(f, ":{port}"),
        }
    }
}

impl FromStr for Responder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text
            .trim()
            .parse()
            .map_err(|_| "not a URL; write for example http://broker.example.com:8080")?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("http:// or https:// is expected, such as http://broker.example.com".to_string()),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err("only scheme, host and port, without a path".to_string());
        }
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
            .ok_or("a host name without user or password is expected")?;
        // `Authority::port` ignores a port that is not a number up to 65535.
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
    fn a_responder_is_scheme_host_and_port() {
        for (text, secure, port, shown) in [
            ("http://a.example", false, 80, "http://a.example"),
            ("https://a.example/", true, 443, "https://a.example"),
            ("http://a.example:8080", false, 8080, "http://a.example:8080"),
            ("https://a.example:80", true, 80, "https://a.example:80"),
        ] {
            let responder: Responder = text.parse().unwrap();
            let expected = Responder {
                secure,
                host: "a.example".to_string(),
                port,
            };
            assert_eq!(responder, expected);
            assert_eq!(responder.to_string(), shown);
        }
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
