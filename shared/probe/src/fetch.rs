//! One GET over verified TLS: redirects are not followed, only a small response is read, and nothing secret is sent.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{ACCEPT, AGE, CACHE_CONTROL, CONNECTION, HOST, HeaderName, LOCATION, USER_AGENT, VIA};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use pipeline::outside::Answer;
use telemetry::with_causes;
use tokio::task::JoinSet;

use crate::handshake::Trust;
use crate::shown;

/// The most bytes of a body that are read.
const MOST_BYTES: usize = 64 * 1024;
/// The most bytes of a head that are read.
const LARGEST_HEAD: usize = 64 * 1024;

/// A response, and the beginning of its body.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) answer: Answer,
    pub(crate) body: Vec<u8>,
}

/// Requests `path` (and query) of `domain` from `address`, by this name of the program. The caller limits the time.
pub(crate) async fn get(
    trust: &Trust,
    agent: &str,
    domain: &str,
    address: SocketAddr,
    path: &str,
) -> Result<Fetched, String> {
    let stream = trust.open(domain, address).await.map_err(|error| with_causes(&error))?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(LARGEST_HEAD);
    let said = |error: hyper::Error| with_causes(&error);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(said)?;
    // Dropping the set closes the connection on every return path.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::get(path)
        .header(HOST, domain)
        .header(USER_AGENT, agent)
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(said)?;
    let answer = Answer {
        status: response.status().as_u16(),
        ..head(response.headers())
    };
    let body = beginning(response.into_body()).await.map_err(said)?;
    Ok(Fetched { answer, body })
}

fn head(headers: &HeaderMap) -> Answer {
    let text = |name: HeaderName| {
        let value = headers.get(name)?;
        Some(shown::clean(&String::from_utf8_lossy(value.as_bytes())))
    };
    Answer {
        status: 0,
        location: text(LOCATION),
        x_cache: text(HeaderName::from_static("x-cache")),
        via: text(VIA),
        age: text(AGE).and_then(|age| age.parse().ok()),
        cache_control: text(CACHE_CONTROL),
    }
}

async fn beginning(mut body: Incoming) -> Result<Vec<u8>, hyper::Error> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            read.extend_from_slice(&data[..data.len().min(MOST_BYTES - read.len())]);
        }
        if read.len() == MOST_BYTES {
            break;
        }
    }
    Ok(read)
}
