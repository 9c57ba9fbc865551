//! HTTP to the CA: one connection pool for the process, and for each attempt an [`Exchange`] that keeps what
//! instant-acme doesn't expose (`Retry-After`, an order's `expires`, a dns-persist-01 challenge).

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use httpdate::parse_http_date;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient, Problem};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use telemetry::Call;

/// The time limit of one request, including the body; finalizing is the slowest.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of a response; a certificate chain has some kilobytes.
const MOST_BYTES: usize = 2 << 20;
/// The longest `Retry-After` that is honoured; it also keeps database intervals from overflowing.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 86_400);
/// ZeroSSL says 86,400 s for validations that take seconds (acme.sh issues 6221 and 6576).
const LONGEST_POLL: Duration = Duration::from_secs(300);
/// RFC 8555 §6.1: "ACME clients MUST send a User-Agent header field".
const AGENT: &str = concat!("cdn-broker/", env!("CARGO_PKG_VERSION"), " (instant-acme)");

/// The process's connections to the CA. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AcmeClient {
    hyper: Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>,
}

impl AcmeClient {
    /// Trusts the system's roots and those of the file.
    ///
    /// # Errors
    /// When there are no roots, or the file can't be read.
    pub(crate) fn new(extra_roots: Option<&Path>) -> anyhow::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if let Some(path) = extra_roots {
            let unreadable = || format!("ACME_CA_ROOTS: {} can't be used", path.display());
            let before = roots.len();
            for root in CertificateDer::pem_file_iter(path).with_context(unreadable)? {
                roots.add(root.with_context(unreadable)?).with_context(unreadable)?;
            }
            if roots.len() == before {
                anyhow::bail!("ACME_CA_ROOTS: {} holds no certificate", path.display());
            }
        }
        if roots.is_empty() {
            anyhow::bail!("no trusted root: install the system's CA certificates or set ACME_CA_ROOTS");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        // With Nagle's algorithm every signed request waits some 40 ms for the delayed acknowledgement of its first
        // segment: 100 names took 13.7 s instead of 0.5 s.
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        let hyper = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Ok(Self { hyper })
    }

    /// An exchange for one attempt.
    pub(crate) fn exchange(&self) -> Exchange {
        Exchange {
            client: self.clone(),
            last: Arc::default(),
        }
    }
}

/// The CA's last response within an attempt.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON; null when it isn't JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The requests of one attempt. Clones share the last response.
#[derive(Clone)]
pub(crate) struct Exchange {
    client: AcmeClient,
    last: Arc<Mutex<Option<Answer>>>,
}

impl Exchange {
    /// The last response; `None` when the last request got none.
    pub(crate) fn last(&self) -> Option<Answer> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `Retry-After` of the last response.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.last()?.headers).map(|after| after.min(LONGEST_WAIT))
    }

    /// When to look again at an order that the CA works on (RFC 8555 §7.5.1): `Retry-After` of the last response, up to
    /// [`LONGEST_POLL`]; none when it says nothing useful.
    pub(crate) fn poll_after(&self) -> Option<Duration> {
        self.retry_after()
            .filter(|after| !after.is_zero())
            .map(|after| after.min(LONGEST_POLL))
    }

    /// Sends a request. Error responses become [`Error::Api`] with their HTTP status, whatever their body.
    ///
    /// # Errors
    /// When the CA responds with an error, or not in time, or not at all.
    pub(crate) async fn send(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Answer, Error> {
        let answer = self.round_trip(request).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(Error::Api(problem(&answer)))
        }
    }

    async fn round_trip(&self, mut request: Request<BodyWrapper<Bytes>>) -> Result<Answer, Error> {
        request
            .headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static(AGENT));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let (method, path) = (request.method().clone(), request.uri().path().to_string());
        let begun = Instant::now();
        let call = Call::begin("acme", method.to_string());
        crash_points::call();
        let result = tokio::time::timeout(REQUEST_TIMEOUT, self.fetch(request)).await;
        let outcome = match &result {
            Ok(Ok(answer)) => answer.status.as_str().to_string(),
            Ok(Err(_)) => "lost".to_string(),
            Err(_) => "timeout".to_string(),
        };
        tracing::debug!(%method, path, outcome, ms = begun.elapsed().as_millis() as u64, "CA");
        call.ended(&outcome);
        crash_points::answer();
        let answer = result.map_err(|_| Error::Other(Box::new(NoAnswer)))??;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
        Ok(answer)
    }

    async fn fetch(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Answer, Error> {
        let response = self
            .client
            .hyper
            .request(request)
            .await
            .map_err(|error| Error::Other(Box::new(error)))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MOST_BYTES)
            .collect()
            .await
            .map_err(Error::Other)?
            .to_bytes();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

impl HttpClient for Exchange {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let exchange = self.clone();
        Box::pin(async move {
            // instant-acme itself inspects a 400, for badNonce. Every other failure is turned into an error here, since
            // instant-acme can't parse a response that is no problem document (a proxy's HTML) and doesn't fill in the
            // status.
            let signed = request.method() == Method::POST;
            let answer = exchange.round_trip(request).await?;
            let its_own = signed && answer.status == StatusCode::BAD_REQUEST && is_problem(&answer);
            if !answer.status.is_success() && !its_own {
                return Err(Error::Api(problem(&answer)));
            }
            let mut response = http::Response::new(());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            let (parts, ()) = response.into_parts();
            Ok(BytesResponse {
                parts,
                body: Box::new(answer.body),
            })
        })
    }
}

/// The CA did not respond in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {REQUEST_TIMEOUT:?}")]
pub(crate) struct NoAnswer;

fn is_problem(answer: &Answer) -> bool {
    serde_json::from_slice::<Problem>(&answer.body).is_ok()
}

/// The problem document of a response (RFC 8555 §6.7), or a synthesized one.
pub(crate) fn problem(answer: &Answer) -> Problem {
    let mut problem = serde_json::from_slice::<Problem>(&answer.body).unwrap_or(Problem {
        r#type: None,
        detail: None,
        status: None,
        subproblems: Vec::new(),
    });
    problem.status = Some(answer.status.as_u16());
    problem
}

/// RFC 9110 §10.2.3: seconds or a date. A date is measured from the response's own `Date`, so that no local clock
/// matters.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let said = parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(parse_http_date(value).ok()?.duration_since(said).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([
            (RETRY_AFTER, HeaderValue::from_str(value).unwrap()),
            (DATE, HeaderValue::from_static("Fri, 31 Dec 1999 23:59:00 GMT")),
        ])
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, expected) in [
            ("120", Some(120)),
            ("Fri, 31 Dec 1999 23:59:59 GMT", Some(59)),
            ("Fri, 31 Dec 1999 23:50:00 GMT", Some(0)),
            // RFC 9110 §5.6.7: the two obsolete formats must be accepted as well.
            ("Friday, 31-Dec-99 23:59:59 GMT", Some(59)),
            ("Fri Dec 31 23:59:59 1999", Some(59)),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(
                retry_after(&headers(value)),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn an_answer_without_a_problem_document_keeps_its_status() {
        let answer = Answer {
            status: StatusCode::BAD_GATEWAY,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"<html>"),
        };
        assert_eq!(problem(&answer).status, Some(502));
    }
}
