//! Whether the default origin presents a certificate that CloudFront accepts. Otherwise each tenant's creation
//! succeeds, and every visitor gets a 502.
//!
//! The certificate must be from a public CA, and valid for the origin's name or for the Host that is forwarded
//! (CloudFront developer guide, "Requirements for using SSL/TLS certificates with CloudFront"). Tenants' names are in
//! no certificate of the origin. Which name CloudFront sends as SNI when Host is forwarded is not documented, so both
//! are tried.

use std::io;
use std::sync::Arc;

use ::tls::{Problem, Roots, client_config_for};
use doctor::{Check, Finding};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const ABOUT: &str = "DEFAULT_ORIGIN";
/// A name such as a tenant's.
const TENANTS_NAME: &str = "www.cdn-broker-doctor.example";

/// Why CloudFront would not fetch from there.
#[derive(Debug)]
enum Trouble {
    Unreached(String),
    Tls(Problem),
}

pub(super) fn check(origin: String) -> Check {
    Check::one(ABOUT, async move {
        let by_its_name = meet(&origin, &origin).await;
        let by_a_tenants = meet(&origin, TENANTS_NAME).await;
        judged(&origin, by_its_name, by_a_tenants)
    })
}

/// A handshake with `asked` as SNI, in which the certificate has to be valid for the origin's name.
async fn meet(origin: &str, asked: &str) -> Result<(), Trouble> {
    let unreached = |error: io::Error| Trouble::Unreached(error.to_string());
    let name = |text: &str| {
        let name = text.to_owned().try_into();
        name.map_err(|_| Trouble::Unreached(format!("{text} is no host name that a certificate could be for")))
    };
    let config = client_config_for(name(origin)?, &Roots::System, None)
        .map_err(|error| Trouble::Unreached(error.to_string()))?;
    let stream = TcpStream::connect((origin, 443)).await.map_err(unreached)?;
    match TlsConnector::from(Arc::new(config)).connect(name(asked)?, stream).await {
        Ok(_) => Ok(()),
        Err(error) => Err(match Problem::find(&error) {
            Some(problem) => Trouble::Tls(problem),
            None => unreached(error),
        }),
    }
}

fn judged(origin: &str, by_its_name: Result<(), Trouble>, by_a_tenants: Result<(), Trouble>) -> Finding {
    let certificate = format!(
        "let it show a certificate of a public CA for {origin}, whatever name is asked for: CloudFront forwards the \
         tenant's Host"
    );
    match (by_its_name, by_a_tenants) {
        (Ok(()), Ok(())) => Finding::ok(ABOUT, format!("{origin} shows a certificate that CloudFront accepts")),
        (Err(Trouble::Unreached(why)), _) => Finding::warn(
            ABOUT,
            format!("{origin}, port 443, can't be reached from here: {why}"),
            "if CloudFront does not reach it either, every visitor reads 502 or 504: check the name and its firewall",
        ),
        (Err(Trouble::Tls(problem)), _) => Finding::fail(
            ABOUT,
            format!("502 for every visitor: at {origin}, {problem}"),
            certificate,
        ),
        (Ok(()), Err(trouble)) => {
            let why = match trouble {
                Trouble::Tls(problem) => problem.to_string(),
                Trouble::Unreached(why) => why,
            };
            let what = format!(
                "perhaps 502 for every visitor: {origin} shows another certificate when {TENANTS_NAME} is asked for, \
                 as CloudFront may: {why}"
            );
            Finding::warn(ABOUT, what, certificate)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(by_its_name: Result<(), Trouble>, by_a_tenants: Result<(), Trouble>) -> String {
        judged("apps.example.com", by_its_name, by_a_tenants).to_string()
    }

    fn wrong_name() -> Trouble {
        Trouble::Tls(Problem::WrongName {
            wanted: "apps.example.com".into(),
            presented: vec!["*.apps.example.com".into()],
        })
    }

    #[test]
    fn a_wildcard_below_the_origins_name_is_502_for_every_visitor() {
        let told = line(Err(wrong_name()), Err(wrong_name()));
        assert!(
            told.starts_with("FAIL  DEFAULT_ORIGIN  502 for every visitor"),
            "{told}"
        );
        assert!(
            told.contains("is for *.apps.example.com")
                && told.contains("certificate of a public CA for apps.example.com"),
            "{told}"
        );
    }

    #[test]
    fn what_is_not_known_is_no_failure() {
        assert!(line(Ok(()), Ok(())).starts_with("ok"));
        let other = line(Ok(()), Err(wrong_name()));
        assert!(other.starts_with("warn") && other.contains("perhaps 502"), "{other}");
        let unreached = line(Err(Trouble::Unreached("timed out".into())), Ok(()));
        assert!(
            unreached.starts_with("warn") && unreached.contains("timed out"),
            "{unreached}"
        );
    }
}
