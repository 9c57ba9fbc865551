//! Pebble, Let's Encrypt's test CA.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

use crate::endpoints::OTHER_CA_REFUSES;
use crate::http::Http;
use crate::process::{Processes, Spec};
use crate::turnstile;

const LIMIT: Duration = Duration::from_secs(10);
/// Its default name.
pub(crate) const CA_NAME: &str = "pebble.test";
/// The process's name in commands.
pub(crate) const NAME: &str = "pebble";
/// The same of the second one, which takes accounts that are bound to an external one only …
pub(crate) const OTHER: &str = "pebble-2";
/// … with this name …
pub(crate) const OTHER_CA_NAME: &str = "other-pebble.test";
/// … and this key.
pub(crate) const EAB: (&str, &str) = (
    "kid-1",
    "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
);
/// Delays that only make a test slow are off; a real CA's behaviour towards clients (bad nonces, reused authorizations)
/// is on.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("PEBBLE_VA_NOSLEEP", "1"),
    ("PEBBLE_WFE_NONCEREJECT", "5"),
    ("PEBBLE_AUTHZREUSE", "100"),
];

/// The settings to run it.
pub(crate) struct Pebble {
    /// The address that it listens on.
    pub(crate) address: IpAddr,
    /// Its host name for clients, besides `localhost` and 127.0.0.1.
    pub(crate) name: Option<String>,
    pub(crate) port: u16,
    /// Where Pebble itself listens; the same port: nothing is in front of it.
    pub(crate) own_port: u16,
    pub(crate) management_port: u16,
    /// The port of the http-01 and tls-alpn-01 challenges.
    pub(crate) http_port: u16,
    pub(crate) tls_port: u16,
    /// The resolver.
    pub(crate) dns: SocketAddr,
    pub(crate) folder: PathBuf,
    /// PEM file to which the roots are added that it issues from: certificates issued before a restart stay valid, as a
    /// real CA's do.
    pub(crate) roots_pem: PathBuf,
    /// Its name in commands.
    pub(crate) process: &'static str,
    /// The external account that accounts are bound to (RFC 8555 §7.3.4): key identifier and MAC key.
    pub(crate) external: Option<(&'static str, &'static str)>,
    /// The lifetime of certificates of its default profile, in seconds.
    pub(crate) certificate_secs: u64,
    /// Its name.
    pub(crate) ca_name: String,
    pub(crate) env: BTreeMap<String, String>,
}

impl Pebble {
    /// The directory, at this port (Pebble's own or a proxy's: Pebble's links use the Host of the request).
    pub(crate) fn directory_url(port: u16) -> String {
        format!("https://localhost:{port}/dir")
    }

    /// Base URL of the management interface.
    pub(crate) fn management_url(&self) -> String {
        format!("https://localhost:{}", self.management_port)
    }

    /// The CA of Pebble's own server certificate.
    pub(crate) fn ca_pem(&self) -> PathBuf {
        self.folder.join(format!("{}-server-ca.pem", self.process))
    }

    /// The root that Pebble currently issues from.
    pub(crate) fn root_pem(&self) -> PathBuf {
        self.folder.join(format!("{}-root.pem", self.process))
    }

    /// Creates its server certificate and configuration and starts it, with the turnstile in front of it.
    pub(crate) async fn start(&self, processes: &Processes, program: &Path) -> anyhow::Result<()> {
        let spec = self.prepare(program)?;
        let home = self.folder.join(self.process);
        let at = |port| SocketAddr::new(self.address, port);
        turnstile::start(
            at(self.port),
            at(self.own_port),
            &self.ca_pem(),
            &home.join("server.pem"),
            &home.join("server-key.pem"),
        )
        .await?;
        self.launch(processes, spec).await
    }

    /// Creates its server certificate and configuration.
    pub(crate) fn prepare(&self, program: &Path) -> anyhow::Result<Spec> {
        let home = self.folder.join(self.process);
        fs::create_dir_all(&home)?;
        self.make_server_certificate(&home)?;
        let keys: BTreeMap<&str, &str> = self.external.into_iter().collect();
        let config = json!({"pebble": {
            "listenAddress": SocketAddr::new(self.address, self.own_port),
            "managementListenAddress": SocketAddr::new(self.address, self.management_port),
            "certificate": home.join("server.pem"),
            "privateKey": home.join("server-key.pem"),
            "httpPort": self.http_port,
            "tlsPort": self.tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": self.external.is_some(),
            "externalAccountMACKeys": keys,
            "domainBlocklist": self.external.map(|_| OTHER_CA_REFUSES).into_iter().collect::<Vec<_>>(),
            "retryAfter": {"authz": 1, "order": 1},
            "keyAlgorithm": "ecdsa",
            // The issuer domain of dns-persist-01.
            "caaIdentities": [self.ca_name],
            "profiles": {
                "default": {"description": "90 days, or as wanted", "validityPeriod": self.certificate_secs},
                "shortlived": {"description": "6 days", "validityPeriod": 518_400},
            },
        }});
        let config_file = home.join("config.json");
        fs::write(&config_file, config.to_string())?;
        let mut spec = Spec::new(self.process, program, &self.folder)
            .args([
                "-config".to_owned(),
                config_file.display().to_string(),
                "-strict=false".to_owned(),
            ])
            .args(["-dnsserver".to_owned(), self.dns.to_string()]);
        spec.env
            .extend(ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned())));
        spec.env.extend(self.env.clone());
        Ok(spec)
    }

    /// Starts it (again) and saves its root, a new one each time.
    pub(crate) async fn launch(&self, processes: &Processes, spec: Spec) -> anyhow::Result<()> {
        let http = Http::trusting(&self.ca_pem())?;
        processes.launch(spec, LIMIT, || self.is_ready(&http)).await?;
        self.write_roots(&http).await
    }

    /// Whether it responds; `http` trusts [`Self::ca_pem`].
    pub(crate) async fn is_ready(&self, http: &Http) -> bool {
        http.is_up(&self.root_url()).await && http.is_up(&Self::directory_url(self.port)).await
    }

    fn root_url(&self) -> String {
        format!("{}/roots/0", self.management_url())
    }

    /// Saves its root certificates.
    pub(crate) async fn write_roots(&self, http: &Http) -> anyhow::Result<()> {
        for (url, file) in [
            (self.root_url(), self.root_pem()),
            (
                format!("{}/intermediates/0", self.management_url()),
                self.folder.join(format!("{}-intermediate.pem", self.process)),
            ),
        ] {
            let (status, pem) = http.get(&url).await?;
            ensure!(status.is_success(), "{url} answered {status}");
            replace(&file, &pem)?;
        }
        let mut roots = fs::read(&self.roots_pem).unwrap_or_default();
        roots.extend(fs::read(self.root_pem())?);
        replace(&self.roots_pem, &roots)?;
        Ok(())
    }

    fn make_server_certificate(&self, home: &Path) -> anyhow::Result<()> {
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name
            .push(DnType::CommonName, "stack: CA of Pebble's server");
        let ca_key = KeyPair::generate()?;
        let ca_certificate = ca.self_signed(&ca_key)?;
        let server_key = KeyPair::generate()?;
        let names = ["localhost", "127.0.0.1"].into_iter().chain(self.name.as_deref());
        let server = CertificateParams::new(names.map(str::to_owned).collect::<Vec<_>>())?
            .signed_by(&server_key, &Issuer::new(ca, ca_key))?;
        fs::write(self.ca_pem(), ca_certificate.pem())?;
        fs::write(home.join("server.pem"), server.pem())?;
        fs::write(home.join("server-key.pem"), server_key.serialize_pem())?;
        Ok(())
    }
}

/// Writes a file atomically, since aws-sim may read it at any time.
fn replace(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, content)?;
    fs::rename(&new, file)
}

/// Pebble's or challtestsrv's program, which tests/setup.sh has installed in the repository's `.local`.
pub(crate) fn program(name: &str) -> anyhow::Result<PathBuf> {
    let executable = std::env::current_exe().context("where am I?")?;
    let here = std::env::current_dir()?;
    executable
        .ancestors()
        .chain(here.ancestors())
        .map(|folder| folder.join(".local/pebble/usr/bin").join(name))
        .find(|path| path.exists())
        .ok_or_else(|| anyhow!("{name} isn't there; run tests/setup.sh"))
}
