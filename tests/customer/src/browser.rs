//! A browser: real HTTPS to the edge, verified against the CA's root.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Opens addresses of domains whose DNS points at the edge.
pub struct Browser {
    root_pem: Vec<u8>,
    http: SocketAddr,
    https: SocketAddr,
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Visit {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
    /// Names in the certificate, sorted; empty over plain HTTP.
    pub names: Vec<String>,
    /// Validity of the certificate.
    pub validity: Option<(OffsetDateTime, OffsetDateTime)>,
    /// Who issued it.
    pub issuer: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Size of its public key, in bits: 256 for ECDSA P-256, 2048 for RSA.
    pub key_bits: usize,
}

impl Visit {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Browser {
    /// A browser that trusts this root and finds every domain at the edge.
    ///
    /// # Errors
    /// When the root can't be read.
    pub fn new(root_pem: &Path, http: SocketAddr, https: SocketAddr) -> anyhow::Result<Self> {
        let root_pem = std::fs::read(root_pem).with_context(|| format!("cannot read {}", root_pem.display()))?;
        Ok(Self { root_pem, http, https })
    }

    /// `https://domain/path`.
    ///
    /// # Errors
    /// When the handshake fails (no certificate for the name, not trusted, expired) or there is no answer.
    pub async fn https(&self, domain: &str, path: &str) -> anyhow::Result<Visit> {
        let url = format!("https://{domain}:{}{path}", self.https.port());
        self.visit(domain, self.https, &url, None).await
    }

    /// `https://domain/path` with another `Host`: what a stranger's domain pointed at CloudFront sends.
    ///
    /// # Errors
    /// As [`Self::https`].
    pub async fn https_with_host(&self, domain: &str, host: &str, path: &str) -> anyhow::Result<Visit> {
        let url = format!("https://{domain}:{}{path}", self.https.port());
        self.visit(domain, self.https, &url, Some(host)).await
    }

    /// `http://domain/path`, redirects not followed.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn http(&self, domain: &str, path: &str) -> anyhow::Result<Visit> {
        let url = format!("http://{domain}:{}{path}", self.http.port());
        self.visit(domain, self.http, &url, None).await
    }

    async fn visit(&self, domain: &str, address: SocketAddr, url: &str, host: Option<&str>) -> anyhow::Result<Visit> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&self.root_pem)?)
            .tls_info(true)
            .redirect(reqwest::redirect::Policy::none())
            .resolve(domain, address)
            .timeout(Duration::from_secs(20))
            .build()?;
        let mut request = client.get(url);
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        let response = request.send().await?;
        let mut visit = Visit {
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
            body: String::new(),
            names: Vec::new(),
            validity: None,
            issuer: String::new(),
            serial: String::new(),
            key_bits: 0,
        };
        if let Some(der) = response
            .extensions()
            .get::<reqwest::tls::TlsInfo>()
            .and_then(|info| info.peer_certificate())
        {
            read_certificate(der, &mut visit)?;
        }
        visit.body = response.text().await?;
        Ok(visit)
    }
}

fn read_certificate(der: &[u8], visit: &mut Visit) -> anyhow::Result<()> {
    let (_, certificate) = X509Certificate::from_der(der)?;
    if let Some(alternative) = certificate.subject_alternative_name()? {
        for name in &alternative.value.general_names {
            if let GeneralName::DNSName(name) = name {
                visit.names.push((*name).to_string());
            }
        }
    }
    visit.names.sort();
    let validity = certificate.validity();
    visit.validity = Some((validity.not_before.to_datetime(), validity.not_after.to_datetime()));
    visit.issuer = certificate.issuer().to_string();
    visit.serial = certificate.raw_serial_as_string();
    visit.key_bits = certificate.public_key().parsed()?.key_size();
    Ok(())
}
