//! Whether the http-01 responder can be reached at its public address. It may be down temporarily, so nothing here
//! fails.

use std::sync::Arc;

use ::tls::{Check as Verify, Problem, Roots};
use axum::body::Body;
use axum::http::header::{CONNECTION, HOST};
use axum::http::{Request, StatusCode, Uri};
use doctor::{Check, Finding};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::responder::NO_SUCH_CHALLENGE;

const ABOUT: &str = "ACME_RESPONDER_URL";
/// A challenge that doesn't exist.
const NO_CHALLENGE: &str = "/acme/doctor/.well-known/acme-challenge/doctor";
/// The most bytes of a response that are read.
const MOST_BYTES: usize = 4096;

pub(super) fn check(url: String) -> Check {
    Check::one(ABOUT, async move {
        match ask(&url).await {
            Ok((StatusCode::NOT_FOUND, true)) => Finding::ok(ABOUT, format!("{url} leads to a broker's responder")),
            Ok((status, _)) => Finding::warn(
                ABOUT,
                format!("{url} answers {status}, which is not the responder's answer"),
                "route this address to broker-api, path included; CloudFront and users' redirects for http-01 go \
                 there",
            ),
            Err(why) => Finding::warn(
                ABOUT,
                format!("{url} can't be reached from here: {why}"),
                "if broker-api is up, check the name and the router; CloudFront and users' redirects go there",
            ),
        }
    })
}

/// The status, and whether the response body is the responder's.
async fn ask(url: &str) -> Result<(StatusCode, bool), String> {
    let uri: Uri = format!("{url}{NO_CHALLENGE}").parse().map_err(|_| "it can't be read")?;
    let secure = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_string();
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(|error| error.to_string())?;
    if !secure {
        return exchange(&uri, stream).await;
    }
    let config = ::tls::client_config(Verify::Full, &Roots::System, None).map_err(|error| error.to_string())?;
    let name = host
        .try_into()
        .map_err(|_| "no host name that a certificate could be for")?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| Problem::find(&error).map_or_else(|| error.to_string(), |problem| problem.to_string()))?;
    exchange(&uri, stream).await
}

async fn exchange(
    uri: &Uri,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<(StatusCode, bool), String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // Dropping it closes the connection, however this function ends.
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let request = Request::get(uri.path())
        .header(HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(CONNECTION, "close")
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let said = axum::body::to_bytes(Body::new(answer.into_body()), MOST_BYTES).await;
    Ok((status, said.is_ok_and(|said| said == NO_SUCH_CHALLENGE)))
}
