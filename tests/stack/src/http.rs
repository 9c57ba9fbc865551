//! A small HTTP client: for readiness probes and management interfaces, and for tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};

const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The client: HTTP and HTTPS, HTTP/1.1, a new connection for each request, 10 s each.
#[derive(Clone)]
pub struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    /// A client for plain HTTP.
    pub fn plain() -> anyhow::Result<Self> {
        Self::with_roots(RootCertStore::empty())
    }

    /// A client that also trusts the certificates in a PEM file.
    pub fn trusting(pem: &Path) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        let certificates =
            CertificateDer::pem_file_iter(pem).with_context(|| format!("cannot read {}", pem.display()))?;
        for certificate in certificates {
            roots.add(certificate?)?;
        }
        Self::with_roots(roots)
    }

    fn with_roots(roots: RootCertStore) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        // No idle connections: the server may be killed and restarted at any time.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self(client))
    }

    /// Status and body of a GET.
    pub async fn get(&self, url: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        self.send(Method::GET, url, Bytes::new()).await
    }

    /// Whether a GET is answered with 200.
    pub async fn is_up(&self, url: &str) -> bool {
        self.get(url).await.is_ok_and(|(status, _)| status == StatusCode::OK)
    }

    /// POSTs JSON; an error unless the answer is a success.
    pub async fn post_json(&self, url: &str, body: &serde_json::Value) -> anyhow::Result<Bytes> {
        let (status, answer) = self.send(Method::POST, url, body.to_string().into()).await?;
        ensure!(
            status.is_success(),
            "{url} answered {status}: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(answer)
    }

    async fn send(&self, method: Method, url: &str, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(url)
            // ACME servers refuse clients without a user agent.
            .header(http::header::USER_AGENT, "cdn-broker-stack")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        let exchange = async {
            let response = self.0.request(request).await?;
            let status = response.status();
            anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
        };
        tokio::time::timeout(TIME_LIMIT, exchange)
            .await
            .with_context(|| format!("{url}: no answer in {TIME_LIMIT:?}"))?
            .with_context(|| format!("cannot reach {url}"))
    }
}
