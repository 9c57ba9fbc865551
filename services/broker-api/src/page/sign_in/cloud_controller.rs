//! What Cloud Controller and UAA are asked, and how their answers are read. Read in cloud_controller_ng (`root_controller.rb`,
//! `service_instances_controller.rb`: `show_permissions`) and uaa (`OpenIdConnectEndpoints.java`); not tried with real ones.

use axum::http::{StatusCode, Uri};
use oauth2::{AuthUrl, TokenUrl};
use page_keys::{Right, is_private};
use serde::Deserialize;

use super::outside::Unreached;

/// Longer than any GUID.
const LONGEST_ID: usize = 64;

/// Why a platform's word is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Of Cloud Controller, or of what signs users in.
    #[error("{0}")]
    Unreached(#[from] Unreached),
    #[error("{of}: it answers {status}")]
    Status { of: &'static str, status: StatusCode },
    #[error("{0}: its answer can't be read")]
    Unreadable(&'static str),
    #[error("{0}: an address in its answer is no https:// address")]
    Address(&'static str),
    #[error("the token endpoint: {0}")]
    Refused(String),
    /// The code is used up, too old or not this sign-in's (RFC 6749 §5.2, `invalid_grant`), or from elsewhere.
    #[error("the code is refused")]
    Code,
}

/// Where users sign in (OpenID Connect Discovery 1.0 §3).
pub(super) struct Endpoints {
    pub(super) issuer: String,
    pub(super) authorization: AuthUrl,
    pub(super) token: TokenUrl,
}

#[derive(Deserialize)]
struct Root {
    links: Links,
}

#[derive(Deserialize)]
struct Links {
    login: Option<Link>,
    uaa: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
}

#[derive(Deserialize)]
struct Permissions {
    read: bool,
    manage: bool,
}

/// Where its users sign in, by `GET /` of Cloud Controller.
pub(super) fn sign_in_server(body: &[u8]) -> Result<String, Trouble> {
    const OF: &str = "Cloud Controller's GET /";
    let root: Root = serde_json::from_slice(body).map_err(|_odd| Trouble::Unreadable(OF))?;
    let link = root.links.login.or(root.links.uaa).ok_or(Trouble::Unreadable(OF))?;
    checked(OF, link.href.trim_end_matches('/').to_owned())
}

/// The endpoints, by what `openid-configuration` says.
pub(super) fn endpoints(body: &[u8]) -> Result<Endpoints, Trouble> {
    const OF: &str = "openid-configuration";
    let configuration: Configuration = serde_json::from_slice(body).map_err(|_odd| Trouble::Unreadable(OF))?;
    let authorization = AuthUrl::new(checked(OF, configuration.authorization_endpoint)?);
    let token = TokenUrl::new(checked(OF, configuration.token_endpoint)?);
    Ok(Endpoints {
        issuer: configuration.issuer,
        authorization: authorization.map_err(|_odd| Trouble::Address(OF))?,
        token: token.map_err(|_odd| Trouble::Address(OF))?,
    })
}

fn checked(of: &'static str, address: String) -> Result<String, Trouble> {
    match address.parse::<Uri>().is_ok_and(|uri| is_private(&uri)) {
        true => Ok(address),
        false => Err(Trouble::Address(of)),
    }
}

/// What a user may see, by Cloud Controller's answer. `None`: nothing, or there is no such instance.
pub(super) fn right(status: StatusCode, body: &[u8]) -> Result<Option<Right>, Trouble> {
    const OF: &str = "Cloud Controller's permissions";
    match status {
        StatusCode::OK => {
            let may: Permissions = serde_json::from_slice(body).map_err(|_odd| Trouble::Unreadable(OF))?;
            Ok(match may {
                Permissions { read: false, .. } => None,
                Permissions { manage: false, .. } => Some(Right::Read),
                Permissions { manage: true, .. } => Some(Right::Manage),
            })
        }
        // The token lacks the scope, as that of a user who may see nothing.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(None),
        status => Err(Trouble::Status { of: OF, status }),
    }
}

/// Whether it can be the GUID of an instance, and may be written into an address.
pub(super) fn may_be_a_guid(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloud_controller_says_of_a_user_is_read_strictly() {
        let read = |status: u16, body: &str| right(StatusCode::from_u16(status).unwrap(), body.as_bytes()).ok();
        for (status, body, right) in [
            (200, r#"{"manage":true,"read":true}"#, Some(Some(Right::Manage))),
            (200, r#"{"read":true,"manage":false,"new":1}"#, Some(Some(Right::Read))),
            (200, r#"{"manage":false,"read":false}"#, Some(None)),
            (200, r#"{"manage":true,"read":false}"#, Some(None)),
            (404, r#"{"errors":[]}"#, Some(None)),
            (404, r#"{"manage":true,"read":true}"#, Some(None)),
            (403, "", Some(None)),
            // None of these is a word on what the user may see.
            (200, r#"{"manage":true}"#, None),
            (200, r#"{"read":true}"#, None),
            (200, r#"{"read":"true","manage":"true"}"#, None),
            (200, r#"{"read":1,"manage":1}"#, None),
            (200, r#"{"read":null,"manage":null}"#, None),
            (200, "{}", None),
            (200, "", None),
            (200, "<html>", None),
            (201, r#"{"manage":true,"read":true}"#, None),
            (302, "", None),
            (401, "", None),
            (429, "", None),
            (500, r#"{"manage":true,"read":true}"#, None),
        ] {
            assert_eq!(read(status, body), right, "{status} {body}");
        }
    }

    #[test]
    fn users_sign_in_where_cloud_controller_says_and_only_by_tls() {
        let server = |links: &str| sign_in_server(format!("{{\"links\":{{{links}}}}}").as_bytes()).ok();
        let (login, uaa) = (
            r#""login":{"href":"https://login.example.com/"}"#,
            r#""uaa":{"href":"https://uaa.example.com","meta":{}}"#,
        );
        assert_eq!(
            server(&format!("{uaa},{login}")).as_deref(),
            Some("https://login.example.com")
        );
        assert_eq!(
            server(&format!("{uaa},\"credhub\":null")).as_deref(),
            Some("https://uaa.example.com")
        );
        for odd in [
            "",
            r#""login":{"href":"http://login.example.com"}"#,
            r#""login":{"href":"login"}"#,
        ] {
            assert_eq!(server(odd), None, "{odd}");
        }
        let found = |authorization: &str, token: &str| {
            endpoints(
                format!(
                    r#"{{"issuer":"https://uaa.example.com/oauth/token","authorization_endpoint":"{authorization}","token_endpoint":"{token}","jwks_uri":"x"}}"#
                )
                .as_bytes(),
            )
            .is_ok()
        };
        let (good, bad) = ("https://uaa.example.com/oauth", "http://uaa.example.com/oauth");
        assert!(found(good, good) && found("http://127.0.0.1:1/auth", "http://localhost:1/token"));
        assert!(!found(bad, good) && !found(good, bad) && !found(good, "/token"));
        assert!(endpoints(b"{}").is_err() && endpoints(b"").is_err());
    }

    #[test]
    fn an_id_that_is_no_guid_is_never_written_into_an_address() {
        assert!(may_be_a_guid("8b8c5c1e-2f1c-4c53-9b0e-6c9d6a1f0a01"));
        for odd in ["", ".", "..", "a/b", "a?b", "a b", "ü", "%2e%2e", &"a".repeat(65)] {
            assert!(!may_be_a_guid(odd), "{odd}");
        }
    }
}
