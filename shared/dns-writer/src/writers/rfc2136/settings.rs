//! Settings: which server, which zone, which key.

use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{Name, TSigner};
use secret::Secret;

use super::response::FUDGE_SECONDS;
use super::{Writer, names};
use crate::settings::InvalidSetting;

/// RFC 1035 §4.2.2.
const DNS_PORT: u16 = 53;

secret::setting!(
    pub(crate) Key,
    "rfc2136-key",
    "RFC2136_KEY",
    optional,
    "Secret of the TSIG key, base64, as tsig-keygen and keymgr print it."
);

/// The server that takes the updates, and the key for it.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// Primary server of the zone, host:port (port 53 if there is none). A name is resolved for each request.
    #[arg(long, env)]
    rfc2136_server: Option<String>,
    /// Zone on that server, if DELEGATION_ZONE is only a name in it; unset: DELEGATION_ZONE.
    #[arg(long, env)]
    rfc2136_zone: Option<String>,
    /// Name of the TSIG key, as in the server's configuration.
    #[arg(long, env)]
    rfc2136_key_name: Option<String>,
    /// Algorithm of the TSIG key.
    #[arg(long, env, value_enum, default_value = "hmac-sha256")]
    rfc2136_key_algorithm: Algorithm,
    #[command(flatten)]
    rfc2136_key: Secret<Key>,
}

/// The algorithms of RFC 8945 §6 that are safe and that hickory has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
enum Algorithm {
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

impl From<Algorithm> for TsigAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::HmacSha256 => Self::HmacSha256,
            Algorithm::HmacSha384 => Self::HmacSha384,
            Algorithm::HmacSha512 => Self::HmacSha512,
        }
    }
}

impl Args {
    /// The writer for this delegation zone.
    ///
    /// # Errors
    /// When a setting is missing or invalid.
    pub(super) fn writer(self, delegation_zone: &str) -> Result<Writer, InvalidSetting> {
        let server = set(self.rfc2136_server.as_deref()).ok_or(InvalidSetting::Missing("RFC2136_SERVER"))?;
        let server = host_and_port(server).ok_or_else(|| unusable("RFC2136_SERVER", "write host:port"))?;
        let below = names::parse(delegation_zone).ok_or(InvalidSetting::Zone)?;
        let zone = match set(self.rfc2136_zone.as_deref()) {
            None => below.clone(),
            Some(zone) => above(zone, &below)?,
        };
        let signer = self.signer()?;
        Ok(Writer {
            server,
            zone,
            below,
            signer,
        })
    }

    fn signer(&self) -> Result<TSigner, InvalidSetting> {
        let name = set(self.rfc2136_key_name.as_deref()).ok_or(InvalidSetting::Missing("RFC2136_KEY_NAME"))?;
        let name = names::parse(name).ok_or_else(|| unusable("RFC2136_KEY_NAME", "it is not a DNS name"))?;
        let secret = set(Some(self.rfc2136_key.expose())).ok_or(InvalidSetting::Missing("RFC2136_KEY"))?;
        let secret = STANDARD
            .decode(secret)
            .map_err(|_| unusable("RFC2136_KEY", "it is not base64"))?;
        TSigner::new(secret, self.rfc2136_key_algorithm.into(), name, FUDGE_SECONDS)
            .map_err(|_| unusable("RFC2136_KEY_ALGORITHM", "it is not supported"))
    }
}

fn set(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

fn unusable(setting: &'static str, why: &str) -> InvalidSetting {
    let why = why.to_owned();
    InvalidSetting::Unusable { setting, why }
}

fn above(zone: &str, below: &Name) -> Result<Name, InvalidSetting> {
    let zone = names::parse(zone).ok_or_else(|| unusable("RFC2136_ZONE", "it is not the name of a DNS zone"))?;
    if zone.zone_of(below) {
        Ok(zone)
    } else {
        Err(unusable(
            "RFC2136_ZONE",
            "it is neither DELEGATION_ZONE nor a zone above it",
        ))
    }
}

/// The address with its port, as text that can be resolved.
fn host_and_port(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.to_string());
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, DNS_PORT).to_string());
    }
    let (host, port) = match text.split_once(':') {
        None => (text, DNS_PORT),
        Some((host, port)) => (host, port.parse().ok().filter(|&port| port != 0)?),
    };
    names::parse(host)?;
    Some(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    const ZONE: &str = "acme.platform.example";
    const WHOLE: [(&str, &str); 3] = [
        ("server", "ns.example"),
        ("key-name", "cdn-broker"),
        ("key", "aHVudGVyMg=="),
    ];

    fn with(changes: &[(&str, &str)]) -> Args {
        let value = |name: &str| {
            let of = |from: &[(&str, &str)]| {
                from.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            of(changes).or_else(|| of(&WHOLE)).unwrap_or_default()
        };
        let names = ["server", "zone", "key-name"].map(|name| format!("--rfc2136-{name}={}", value(name)));
        let line = ["test"].into_iter().chain(names.iter().map(String::as_str));
        let mut args = Line::try_parse_from(line).unwrap().args;
        args.rfc2136_key = value("key").as_str().into();
        args
    }

    fn error(changes: &[(&str, &str)]) -> String {
        with(changes).writer(ZONE).err().unwrap().to_string()
    }

    #[test]
    fn unset_is_the_delegation_zone_itself_at_port_53() {
        let writer = with(&[]).writer(ZONE).unwrap();
        assert_eq!(
            (writer.server.as_str(), names::text(&writer.zone).as_str()),
            ("ns.example:53", ZONE)
        );
        let writer = with(&[("zone", "Platform.Example.")]).writer(ZONE).unwrap();
        assert_eq!(names::text(&writer.zone), "platform.example");
    }

    #[test]
    fn a_server_is_a_name_or_an_address() {
        for (text, expected) in [
            ("ns.example:5353", "ns.example:5353"),
            ("127.0.0.1", "127.0.0.1:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(host_and_port(text).as_deref(), Some(expected));
        }
        for text in [
            "",
            ":53",
            "ns.example:",
            "ns.example:0",
            "ns.example:70000",
            "a b",
            "a:b:c",
        ] {
            assert_eq!(host_and_port(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_missing_or_invalid_is_named_and_its_value_is_not_quoted() {
        for (name, setting) in [
            ("server", "RFC2136_SERVER"),
            ("key-name", "RFC2136_KEY_NAME"),
            ("key", "RFC2136_KEY"),
        ] {
            assert_eq!(error(&[(name, " ")]), format!("DELEGATION_ZONE needs {setting}"));
        }
        for (name, value, words) in [
            (
                "server",
                "ns.example:none",
                "RFC2136_SERVER can't be used: write host:port",
            ),
            (
                "zone",
                "other.example",
                "RFC2136_ZONE can't be used: it is neither DELEGATION_ZONE nor a zone above it",
            ),
            (
                "key-name",
                "a..b",
                "RFC2136_KEY_NAME can't be used: it is not a DNS name",
            ),
            ("key", "hunter2!", "RFC2136_KEY can't be used: it is not base64"),
        ] {
            assert_eq!(error(&[(name, value)]), words);
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let shown = format!("{:?}", with(&[]));
        assert!(!shown.contains("aHVudGVyMg"), "{shown}");
    }
}
