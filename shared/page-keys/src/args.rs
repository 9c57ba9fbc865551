//! The settings of status pages: broker-api's, and cdnctl's, which prints links.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;
use secret::Secret;

use crate::keys::{PageKeys, PageKeysError};
use crate::link::Links;

secret::setting!(
    pub PageKeysSetting,
    "page-keys",
    "PAGE_KEYS",
    optional,
    "Keys that sign the links to status pages, and the forms on these and on the operator's page: id:base64 of 32 random bytes, comma separated. The first signs, all verify; \
     a key that is taken out ends the links that it signed. Make one with `echo k1:$(head -c32 /dev/urandom | base64)`."
);

/// Where status pages are, and who may see them.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Status pages")]
pub struct PageArgs {
    /// Public address of broker-api for browsers, where each service instance has a status page: scheme, host and port, such as
    /// https://broker.example.com. Its links let everybody in who has them, so use https. Unset: there are no pages.
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub pages_url: OptionalPagesUrl,
    /// The keys.
    #[command(flatten)]
    pub page_keys: Secret<PageKeysSetting>,
    /// How long a link to a status page lasts that nobody uses, from 2d to 3650d: it is counted anew, once a day at most, when
    /// the page is looked at, and when the platform creates, updates or fetches the instance.
    #[arg(long, env, default_value = "400d", value_parser = lifetime)]
    pub page_link_lifetime: Duration,
}

impl PageArgs {
    /// The keys; `None`: none are set.
    ///
    /// # Errors
    /// When they are malformed.
    pub fn keys(&self) -> Result<Option<PageKeys>, PageKeysError> {
        match self.page_keys.expose() {
            "" => Ok(None),
            keys => PageKeys::parse(keys).map(Some),
        }
    }

    /// What makes and reads links; `None`: there are no pages.
    ///
    /// # Errors
    /// When the keys are missing or malformed.
    pub fn links(&self) -> Result<Option<Links>, PageKeysError> {
        let Some(address) = &self.pages_url.0 else {
            return Ok(None);
        };
        Ok(Some(Links {
            address: address.clone(),
            keys: self.keys()?.ok_or(PageKeysError::Missing)?,
            lifetime: self.page_link_lifetime,
        }))
    }
}

/// A link's times are moved once a day, so that one of a day could end while it is used.
fn lifetime(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 86_400;
    let lifetime = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match lifetime.as_secs() / DAY {
        2..=3650 => Ok(lifetime),
        _ => Err("from 2d to 3650d".to_owned()),
    }
}

/// The address of status pages, or none. An empty value counts as unset, since deployment templates often set empty values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalPagesUrl(pub Option<PagesUrl>);

impl FromStr for OptionalPagesUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Ok(Self(None)),
            address => address.parse().map(|address| Self(Some(address))),
        }
    }
}

/// The address of status pages: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagesUrl(String);

impl PagesUrl {
    /// Its origin, as browsers write it (RFC 6454 §6.2): in lower case, without the scheme's own port.
    pub(crate) fn origin(&self) -> String {
        let address = self.0.to_ascii_lowercase();
        let port = if address.starts_with("https:") { ":443" } else { ":80" };
        address.strip_suffix(port).unwrap_or(&address).to_owned()
    }

    /// Whether nobody on the way reads what is sent there, so that browsers keep `Secure` cookies of it (W3C, Secure Contexts §3.1): by TLS,
    /// or on this machine.
    pub fn is_private(&self) -> bool {
        self.0.parse::<Uri>().is_ok_and(|uri| is_private(&uri))
    }
}

/// Whether nobody on the way reads what is sent to this address: by TLS, or on this machine.
pub fn is_private(uri: &Uri) -> bool {
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => matches!(host, "localhost" | "127.0.0.1" | "[::1]"),
        _ => false,
    }
}

/// The address, without a trailing slash.
impl fmt::Display for PagesUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PagesUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text
            .trim()
            .parse()
            .map_err(|_| "not a URL; write for example https://broker.example.com")?;
        let scheme = uri
            .scheme_str()
            .filter(|scheme| matches!(*scheme, "https" | "http"))
            .ok_or("https:// is expected (or http://), such as https://broker.example.com")?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err("only scheme, host and port, without a path".to_owned());
        }
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
            .ok_or("a host name without user or password is expected")?;
        // `Authority::port` ignores a port that is not a number up to 65535.
        let after_host = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if !after_host.is_empty() && authority.port_u16().is_none() {
            return Err("the port is not a number up to 65535".to_owned());
        }
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        pages: PageArgs,
    }

    fn parse(line: &[&str]) -> Result<PageArgs, String> {
        let line = std::iter::once("test").chain(line.iter().copied());
        match Line::try_parse_from(line) {
            Ok(line) => Ok(line.pages),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn an_address_is_scheme_host_and_port() {
        for (text, shown) in [
            ("https://a.example", "https://a.example"),
            (" https://a.example/ ", "https://a.example"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(text.parse::<PagesUrl>().unwrap().to_string(), shown);
        }
        for refused in [
            "",
            "a.example",
            "ftp://a.example",
            "https://a.example/pages",
            "https://a.example/?x",
            "https://u:p@a.example",
            "https://a.example:99999",
        ] {
            assert!(refused.parse::<PagesUrl>().is_err(), "{refused}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, origin) in [
            ("https://a.example", "https://a.example"),
            ("https://A.Example:443/", "https://a.example"),
            ("https://a.example:80", "https://a.example:80"),
            ("http://a.example:80", "http://a.example"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::80]:8080", "http://[::80]:8080"),
            ("http://[::80]", "http://[::80]"),
        ] {
            assert_eq!(text.parse::<PagesUrl>().unwrap().origin(), origin, "{text}");
        }
    }

    #[test]
    fn what_is_sent_by_tls_or_stays_here_is_private() {
        for private in [
            "https://a.example",
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:80",
        ] {
            assert!(private.parse::<PagesUrl>().unwrap().is_private(), "{private}");
        }
        for open in [
            "http://a.example",
            "http://127.0.0.1.a.example",
            "http://localhost.a.example:80",
            "http://10.0.0.1",
        ] {
            assert!(!open.parse::<PagesUrl>().unwrap().is_private(), "{open}");
        }
        assert!(!is_private(&Uri::from_static("/oauth/token")));
    }

    #[test]
    fn without_an_address_there_are_no_pages_and_with_one_there_have_to_be_keys() {
        assert!(parse(&[]).unwrap().links().unwrap().is_none());
        assert!(parse(&["--pages-url="]).unwrap().links().unwrap().is_none());
        let missing = parse(&["--pages-url=https://a.example"]).unwrap().links().unwrap_err();
        assert!(missing.to_string().contains("neither PAGE_KEYS nor PAGE_KEYS_FILE is"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n").unwrap();
        let keys = format!("--page-keys-file={}", file.path().display());
        let pages = parse(&["--pages-url=https://a.example", &keys]).unwrap();
        let links = pages.links().unwrap().unwrap();
        assert!(links.url("i1", 1).starts_with("https://a.example/i/i1/k1.1."));
        assert_eq!(links.lifetime(), Duration::from_secs(400 * 86_400));
        assert!(!format!("{pages:?}").contains("AQEB"));
        std::fs::write(file.path(), "k1:short").unwrap();
        let wrong = parse(&["--pages-url=https://a.example", &keys]).unwrap().links();
        assert!(matches!(wrong, Err(PageKeysError::Setting(_))));
    }

    #[test]
    fn a_link_lasts_for_days() {
        for (text, days) in [
            ("2d", Some(2)),
            ("3650d", Some(3650)),
            ("47h", None),
            ("11y", None),
            ("soon", None),
        ] {
            let parsed = parse(&[&format!("--page-link-lifetime={text}")]);
            let lifetime = parsed.ok().map(|pages| pages.page_link_lifetime.as_secs() / 86_400);
            assert_eq!(lifetime, days, "{text}");
        }
    }
}
