//! The five services: their names, environment and readiness.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::delegation::DELEGATION_ZONE;
use crate::endpoints::TlsEndpoints;
use crate::http::Http;
use crate::options::{Options, Peer};
use crate::ports::Ports;
use crate::process::{Processes, Spec};

const LIMIT: Duration = Duration::from_secs(30);
/// OSBAPI and the HTTP-01 responder; always one process, since its address is fixed.
pub(crate) const BROKER: &str = "broker-api";
/// The workers, which can be replicated.
pub const WORKERS: [&str; 4] = [
    "distribution",
    "challenge-verifier",
    "certificate-issuer",
    "cert-installer",
];

/// Serves the broker's own zone, if the options request it.
pub(crate) const RESPONDER: &str = "dns-responder";

/// Sends mails, if the options request it.
pub(crate) const NOTIFIER: &str = "notifier";

/// All five that every stack has.
pub const SERVICES: [&str; 5] = [BROKER, WORKERS[0], WORKERS[1], WORKERS[2], WORKERS[3]];

/// The peers that a service reaches through proxies.
pub(crate) fn peers(service: &str) -> &'static [Peer] {
    match service {
        "distribution" | "cert-installer" => &[Peer::Postgres, Peer::Rabbitmq, Peer::Aws],
        "certificate-issuer" => &[Peer::Postgres, Peer::Rabbitmq, Peer::Pebble],
        _ => &[Peer::Postgres, Peer::Rabbitmq],
    }
}

/// Service and process names, as many as the options request.
pub(crate) fn processes(options: &Options) -> Vec<(&'static str, String)> {
    let mut names = vec![(BROKER, BROKER.to_owned())];
    for service in WORKERS {
        let count = options.replicas.get(service).copied().unwrap_or(1);
        names.extend((1..=count).map(|number| (service, format!("{service}-{number}"))));
    }
    names
}

/// The services' settings about all other parts; with the proxies' addresses where there are any.
pub(crate) struct Settings {
    pub(crate) http_port: u16,
    pub(crate) database_url: String,
    pub(crate) amqp_url: String,
    pub(crate) tls: Option<TlsEndpoints>,
    pub(crate) acme_directory_url: String,
    pub(crate) acme_ca_pem: String,
    pub(crate) other_ca: Option<crate::OtherCa>,
    pub(crate) aws_url: String,
    pub(crate) aws_keys: BTreeMap<String, crate::AccessKey>,
    pub(crate) dns_addr: String,
    pub(crate) responder_url: String,
    pub(crate) broker_username: String,
    pub(crate) broker_password: String,
    pub(crate) sealing_keys: String,
    pub(crate) page_keys: String,
    pub(crate) pages_url: String,
    pub(crate) operator_port: u16,
    /// The port of aws-sim's edge, to which domains lead.
    pub(crate) edge_port: u16,
    /// Every root that Pebble has issued from.
    pub(crate) edge_roots: String,
    /// OPERATOR_CREDENTIALS_FILE.
    pub(crate) operators: PathBuf,
    /// NOTICE_KEYS, if there is a notifier.
    pub(crate) notice_keys: Option<String>,
    /// What the issuer knows of the broker's own DNS zone.
    pub(crate) delegation: Vec<(&'static str, String)>,
}

impl Settings {
    /// The environment of a service, without the variables that differ between its processes.
    fn environment(&self, service: &str) -> anyhow::Result<BTreeMap<&'static str, String>> {
        let mut env = BTreeMap::from([
            ("DATABASE_URL", self.database_url.clone()),
            ("AMQP_URL", self.amqp_url.clone()),
            ("RUST_LOG", "info".to_owned()),
            ("LOG_LEVEL_INTERVAL", "1s".to_owned()),
            ("LOG_FORMAT", "json".to_owned()),
            ("RUST_BACKTRACE", "1".to_owned()),
        ]);
        if let Some(tls) = &self.tls {
            let ca = tls.ca_pem.display().to_string();
            env.extend([
                ("DATABASE_URL", tls.database_url.clone()),
                ("DATABASE_CA_FILE", ca.clone()),
                ("AMQP_URL", tls.amqp_url.clone()),
                ("AMQP_CA_FILE", ca),
            ]);
        }
        match service {
            BROKER => env.extend([
                ("LISTEN", format!("127.0.0.3:{}", self.http_port)),
                ("BROKER_USERNAME", self.broker_username.clone()),
                ("BROKER_PASSWORD", self.broker_password.clone()),
                ("ACME_RESPONDER_URL", self.responder_url.clone()),
                ("DEFAULT_ORIGIN", "origin.cdn.test".to_owned()),
                ("PAGES_URL", self.pages_url.clone()),
                ("PAGE_KEYS", self.page_keys.clone()),
                ("OPERATOR_LISTEN", format!("127.0.0.3:{}", self.operator_port)),
                ("OPERATOR_CREDENTIALS_FILE", self.operators.display().to_string()),
            ]),
            "challenge-verifier" => env.extend([
                ("DNS_RESOLVER", self.dns_addr.clone()),
                ("HTTP01_PORT", self.http_port.to_string()),
                ("HTTP01_TLS_PORT", self.edge_port.to_string()),
                ("OUTSIDE_CA_ROOTS", self.edge_roots.clone()),
                ("ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
            ]),
            "certificate-issuer" => env.extend([
                ("ACME_DIRECTORY_URL", self.acme_directory_url.clone()),
                ("ACME_CA_ROOTS", self.acme_ca_pem.clone()),
                ("SEALING_KEYS", self.sealing_keys.clone()),
            ]),
            _ => {}
        }
        if let (BROKER | NOTIFIER, Some(keys)) = (service, &self.notice_keys) {
            env.insert("NOTICE_KEYS", keys.clone());
        }
        if service == "certificate-issuer" {
            env.extend(self.delegation.clone());
            if let Some(other) = &self.other_ca {
                env.insert("ACME_OTHER_CAS", serde_json::to_string(&[other])?);
            }
        }
        if service == "cert-installer" {
            env.insert("SEALING_KEYS", self.sealing_keys.clone());
        }
        if service == "distribution" {
            env.insert("ACME_RESPONDER_URL", self.responder_url.clone());
        }
        let talks_to_aws = match service {
            "distribution" | "cert-installer" => true,
            // Only if Route 53 serves the delegation zone.
            "certificate-issuer" => !self.delegation.is_empty(),
            _ => false,
        };
        if talks_to_aws {
            let key = self.aws_keys.get(service).context("a service without an access key")?;
            env.extend([
                ("AWS_ACCESS_KEY_ID", key.id.clone()),
                ("AWS_SECRET_ACCESS_KEY", key.secret.clone()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ENDPOINT_URL_CLOUDFRONT", self.aws_url.clone()),
                ("AWS_ENDPOINT_URL_IAM", self.aws_url.clone()),
                ("AWS_ENDPOINT_URL_ROUTE_53", self.aws_url.clone()),
                ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ]);
        }
        Ok(env)
    }
}

/// All requested service processes, each with its settings. Their programs are in `programs`.
pub(crate) fn specs(
    settings: BTreeMap<String, Settings>,
    options: &Options,
    programs: &Path,
    folder: &Path,
    ports: &mut Ports,
) -> anyhow::Result<Vec<Spec>> {
    check_names(options)?;
    let mut specs = Vec::new();
    for (service, name) in processes(options) {
        let settings = settings.get(&name).context("a process without settings")?;
        let mut spec = Spec::new(&name, programs.join(service), folder);
        spec.env.extend(
            settings
                .environment(service)?
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        let address = format!("127.0.0.1:{}", ports.take()?);
        spec.env.insert("HEALTH_LISTEN".to_owned(), address.clone());
        // Longer than a worker's own SHUTDOWN_GRACE.
        spec.grace = Duration::from_secs(30);
        spec.health_url = Some(format!("http://{address}"));
        for scope in ["all", service, &name] {
            spec.env.extend(options.env.get(scope).cloned().unwrap_or_default());
        }
        specs.push(spec);
    }
    Ok(specs)
}

/// The notifier, with its settings of the mail server.
pub(crate) fn notifier(
    settings: &Settings,
    mail: Vec<(&'static str, String)>,
    options: &Options,
    programs: &Path,
    folder: &Path,
    ports: &mut Ports,
) -> anyhow::Result<Spec> {
    let name = format!("{NOTIFIER}-1");
    let mut spec = Spec::new(&name, programs.join(NOTIFIER), folder);
    let address = format!("127.0.0.1:{}", ports.take()?);
    let own = [
        ("PAGES_URL", settings.pages_url.clone()),
        ("HEALTH_LISTEN", address.clone()),
    ];
    let environment = settings.environment(NOTIFIER)?.into_iter().chain(mail).chain(own);
    spec.env
        .extend(environment.map(|(name, value)| (name.to_owned(), value)));
    spec.grace = Duration::from_secs(30);
    spec.health_url = Some(format!("http://{address}"));
    for scope in ["all", NOTIFIER, &name] {
        spec.env.extend(options.env.get(scope).cloned().unwrap_or_default());
    }
    Ok(spec)
}

/// The processes that serve the broker's own zone at these ports.
pub(crate) fn responders(
    dns: [u16; 2],
    database_url: &str,
    options: &Options,
    programs: &Path,
    folder: &Path,
    ports: &mut Ports,
) -> anyhow::Result<Vec<Spec>> {
    let mut specs = Vec::new();
    for (number, port) in dns.iter().enumerate() {
        let name = format!("{RESPONDER}-{}", number + 1);
        let health = format!("127.0.0.1:{}", ports.take()?);
        let settings = [
            ("DATABASE_URL", database_url),
            ("DELEGATION_ZONE", DELEGATION_ZONE),
            ("NAME_SERVERS", &format!("ns.{DELEGATION_ZONE}=127.0.0.1")),
            ("DNS_LISTEN", &format!("127.0.0.1:{port}")),
            ("HEALTH_LISTEN", &health),
            ("SHUTDOWN_GRACE", "0s"),
            // For its doctor, which else would ask this machine's resolvers.
            ("DNS_RESOLVER", &format!("127.0.0.1:{port}")),
            ("LOG_FORMAT", "json"),
            ("RUST_BACKTRACE", "1"),
        ];
        let program = options
            .responder_program
            .clone()
            .unwrap_or_else(|| programs.join(RESPONDER));
        let mut spec = Spec::new(&name, program, folder);
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        spec.env.extend(settings);
        spec.health_url = Some(format!("http://{health}"));
        for scope in [RESPONDER, &name] {
            spec.env.extend(options.env.get(scope).cloned().unwrap_or_default());
        }
        specs.push(spec);
    }
    Ok(specs)
}

/// Starts a service (again), and waits until `/readyz` succeeds.
pub(crate) async fn launch(processes: &Processes, spec: Spec) -> anyhow::Result<()> {
    ensure!(
        spec.program.exists(),
        "{} isn't built; run cargo build --workspace",
        spec.program.display()
    );
    let http = Http::plain()?;
    let url = format!(
        "{}/readyz",
        spec.health_url.as_deref().context("a service without a health URL")?
    );
    let ready = || http.is_up(&url);
    processes.launch(spec, LIMIT, ready).await
}

/// A misspelt service would silently have no effect.
fn check_names(options: &Options) -> anyhow::Result<()> {
    for service in options.replicas.keys() {
        ensure!(
            WORKERS.contains(&service.as_str()),
            "replicas: no worker {service}; there are {}",
            WORKERS.join(", ")
        );
    }
    for scope in options.env.keys() {
        let base = scope
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end_matches('-');
        let known = ["all", BROKER, RESPONDER, NOTIFIER].contains(&base) || WORKERS.contains(&base);
        ensure!(
            known,
            "env: no service {scope}; there are all, {BROKER}, {RESPONDER}, {NOTIFIER}, {}",
            WORKERS.join(", ")
        );
    }
    Ok(())
}
