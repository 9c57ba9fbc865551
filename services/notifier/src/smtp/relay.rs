//! Where the mail server is, and how it is spoken to: `SMTP_URL`.

use std::fmt;
use std::net::IpAddr;

use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use url::Url;

/// Why `SMTP_URL` can't be used. Contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("SMTP_URL: {0}")]
pub(crate) struct RelayError(&'static str);

/// What is between this process and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TLS from the start (RFC 8314 §3.3).
    Tls,
    /// TLS by STARTTLS (RFC 3207); a server that doesn't offer it gets nothing.
    StartTls,
    /// Plain text, to this machine only.
    Plain,
}

/// The mail server.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// They don't print.
    pub(crate) credentials: Option<Credentials>,
}

/// `host:port`, without user and password.
impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Relay {
    /// Reads the setting.
    pub(crate) fn parse(setting: &str) -> Result<Self, RelayError> {
        let url = Url::parse(setting.trim())
            .map_err(|_| RelayError("not a URL; write for example smtp://user:password@mail.example.com:587"))?;
        let (tls, usual) = match url.scheme() {
            "smtps" => (Security::Tls, 465),
            "smtp" => (Security::StartTls, 587),
            _ => return Err(RelayError("smtp:// (STARTTLS) or smtps:// is expected")),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(RelayError("only user, password, host and port are expected"));
        }
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(RelayError("a host is expected"));
        }
        let security = match (url.query(), tls) {
            (None, tls) => tls,
            (Some("tls=none"), Security::StartTls) if is_this_machine(&host) => Security::Plain,
            (Some("tls=none"), Security::StartTls) => {
                return Err(RelayError(
                    "tls=none is for a server on this machine only: 127.0.0.1, [::1] or localhost",
                ));
            }
            _ => {
                return Err(RelayError(
                    "after the question mark, only tls=none is known, and only with smtp://",
                ));
            }
        };
        Ok(Self {
            credentials: credentials(&url, security)?,
            port: url.port().unwrap_or(usual),
            host,
            security,
        })
    }
}

fn credentials(url: &Url, security: Security) -> Result<Option<Credentials>, RelayError> {
    let text = |encoded: &str| match percent_decode_str(encoded).decode_utf8() {
        Ok(text) if text.contains('\0') => Err(RelayError("user and password can't have a zero byte")),
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(RelayError("user or password is not UTF-8")),
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(RelayError("user and password go together")),
        _ if security == Security::Plain => Err(RelayError("a password is not sent in plain text")),
        (user, Some(password)) => Ok(Some(Credentials::new(text(user)?, text(password)?))),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_says_how_tls_begins() {
        for (setting, security, place, has_user) in [
            (
                "smtp://u:p@mail.example.com",
                Security::StartTls,
                "mail.example.com:587",
                true,
            ),
            (
                "smtp://mail.example.com:25",
                Security::StartTls,
                "mail.example.com:25",
                false,
            ),
            (
                "smtps://u:p%40@mail.example.com",
                Security::Tls,
                "mail.example.com:465",
                true,
            ),
            ("smtps://192.0.2.1:2465/", Security::Tls, "192.0.2.1:2465", false),
            ("smtps://[2001:db8::1]", Security::Tls, "2001:db8::1:465", false),
            (
                "smtp://127.0.0.1:2525?tls=none",
                Security::Plain,
                "127.0.0.1:2525",
                false,
            ),
            ("smtp://localhost?tls=none", Security::Plain, "localhost:587", false),
            ("smtp://[::1]:25?tls=none", Security::Plain, "::1:25", false),
        ] {
            let relay = Relay::parse(setting).unwrap();
            assert_eq!(
                (relay.security, relay.to_string(), relay.credentials.is_some()),
                (security, place.to_owned(), has_user),
                "{setting}"
            );
        }
        let relay = Relay::parse("smtps://us:p%40ss@mail.example.com").unwrap();
        assert_eq!(
            relay.credentials,
            Some(Credentials::new("us".to_owned(), "p@ss".to_owned()))
        );
    }

    #[test]
    fn what_would_send_in_plain_text_is_refused_and_no_password_is_quoted() {
        for setting in [
            "",
            "mail.example.com:587",
            "http://mail.example.com",
            "smtp://",
            "smtp://u:hunter2@mail.example.com?tls=none",
            "smtp://mail.example.com?tls=none",
            "smtp://192.0.2.1?tls=none",
            "smtps://127.0.0.1?tls=none",
            "smtp://127.0.0.1?tls=maybe",
            "smtp://u:hunter2@127.0.0.1?tls=none",
            "smtp://u@mail.example.com",
            "smtp://:hunter2@mail.example.com",
            "smtp://u:hunter2%ff@mail.example.com",
            "smtp://u:hunter2@mail.example.com/path",
            "smtp://u:hunter2@mail.example.com:99999",
        ] {
            let error = Relay::parse(setting).unwrap_err().to_string();
            assert!(
                error.starts_with("SMTP_URL: ") && !error.contains("hunter2"),
                "{setting}: {error}"
            );
        }
        let relay = Relay::parse("smtps://u:hunter2@mail.example.com").unwrap();
        assert!(!format!("{relay:?} {relay}").contains("hunter2"));
    }
}
