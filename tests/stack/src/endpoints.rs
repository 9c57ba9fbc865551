//! The addresses of all parts: printed by `stack up` when the stack is ready.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, NoTls};

use crate::delegation::DelegationEndpoint;
use crate::mail::MailEndpoint;
use crate::options::Peer;

/// Addresses and secrets of a running stack. URLs are direct; addresses of proxies are in `proxies`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoints {
    /// The folder that contains everything the stack writes.
    pub folder: PathBuf,
    /// The port of the CA's HTTP-01 fetches: the edge on 127.0.0.1, the origin on 127.0.0.2, broker-api on 127.0.0.3.
    pub http_port: u16,
    /// broker-api.
    pub broker_url: String,
    /// Its basic authentication.
    pub broker_username: String,
    /// Its basic authentication.
    pub broker_password: String,
    /// The operator's page.
    #[serde(default)]
    pub operator_url: String,
    /// Who may use it: its only person.
    #[serde(default)]
    pub operator_name: String,
    /// That person's password.
    #[serde(default)]
    pub operator_password: String,
    /// broker-api by the name that challtestsrv resolves: the target of challenge redirects.
    pub responder_url: String,
    /// The services' database; the role may create databases.
    pub database_url: String,
    /// The database `postgres` as superuser.
    pub database_admin_url: String,
    /// RabbitMQ.
    pub amqp_url: String,
    /// aws-sim's CloudFront and IAM API.
    pub aws_api_url: String,
    /// aws-sim's control interface.
    pub aws_admin_url: String,
    /// Access keys that aws-sim knows, by service; `admin` has all rights.
    pub aws_keys: BTreeMap<String, AccessKey>,
    /// aws-sim's edge, plain HTTP.
    pub edge_http: SocketAddr,
    /// aws-sim's edge, TLS by SNI.
    pub edge_https: SocketAddr,
    /// Pebble's directory.
    pub acme_directory_url: String,
    /// PEM file of the CA that signed Pebble's own server certificate (not what Pebble issues).
    pub acme_ca_pem: PathBuf,
    /// The second CA, if the options request one.
    #[serde(default)]
    pub other_ca: Option<OtherCa>,
    /// Pebble's management interface.
    pub pebble_management_url: String,
    /// PEM file of the root that Pebble issues from; new after each restart of Pebble.
    pub pebble_root_pem: PathBuf,
    /// challtestsrv as a resolver.
    pub dns_addr: SocketAddr,
    /// challtestsrv's management interface.
    pub dns_management_url: String,
    /// The broker's own zone, if the options request one.
    #[serde(default)]
    pub delegation: Option<DelegationEndpoint>,
    /// The mail server, if the options request one.
    #[serde(default)]
    pub mail: Option<MailEndpoint>,
    /// The customer's old web server.
    pub origin_addr: SocketAddr,
    /// POST `{"host","to"}` to its `/redirect`.
    pub origin_control_url: String,
    /// PostgreSQL and RabbitMQ by TLS, if the options request it.
    #[serde(default)]
    pub tls: Option<TlsEndpoints>,
    /// The keys that the issuer and the installer seal with, as `SEALING_KEYS`.
    pub sealing_keys: String,
    /// The keys that sign the links to status pages, as broker-api's `PAGE_KEYS`.
    #[serde(default)]
    pub page_keys: String,
    /// PEM file of every root that Pebble has issued from since the stack's start: aws-sim trusts them.
    pub pebble_roots_pem: PathBuf,
    /// The proxies that all processes share.
    pub proxies: BTreeMap<Peer, ProxyEndpoint>,
    /// The proxies of single processes, with [`Options::every_link`](crate::Options::every_link).
    pub links: Vec<LinkEndpoint>,
    /// Every process, sorted by name.
    pub processes: Vec<ProcessInfo>,
}

impl Endpoints {
    /// The process with that name.
    pub fn process(&self, name: &str) -> Option<&ProcessInfo> {
        self.processes.iter().find(|process| process.name == name)
    }

    /// A direct connection to the services' database, without proxies.
    pub async fn database(&self) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.database_url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// The name of the second CA for plans.
pub const OTHER_CA: &str = "other";

/// The second CA takes no orders for names below this one.
pub const OTHER_CA_REFUSES: &str = "refused.example.com";

/// A second Pebble, which takes accounts only that are bound to an external one (RFC 8555 §7.3.4); as in `ACME_OTHER_CAS`.
/// Its process is `pebble-2`, its name in CAA records `other-pebble.test`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OtherCa {
    /// See [`OTHER_CA`].
    pub name: String,
    /// Its directory.
    pub directory_url: String,
    /// PEM file of the CA that signed its own server certificate.
    pub ca_roots: PathBuf,
    /// The external account.
    pub eab_kid: String,
    /// Its key.
    pub eab_hmac_key: String,
}

/// PostgreSQL and RabbitMQ by TLS, as the services reach them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TlsEndpoints {
    /// PEM file of the CA that issued both servers' certificate, which is valid for `localhost` and 127.0.0.1.
    pub ca_pem: PathBuf,
    /// PostgreSQL, verified.
    pub database_url: String,
    /// RabbitMQ; the plain port is open as well.
    pub amqp_url: String,
}

/// An AWS access key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AWS_ACCESS_KEY_ID`
    pub id: String,
    /// `AWS_SECRET_ACCESS_KEY`
    pub secret: String,
}

/// A proxy that delays the traffic through it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProxyEndpoint {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The address that it forwards to.
    pub target: SocketAddr,
}

/// The proxy between one process and one peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkEndpoint {
    /// The process.
    pub process: String,
    /// The peer.
    pub peer: Peer,
    /// The proxy.
    pub proxy: ProxyEndpoint,
}

/// A process of the stack.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Its name in commands.
    pub name: String,
    /// Absent while it isn't running.
    pub pid: Option<u32>,
    /// Its standard output and standard error.
    pub log: PathBuf,
    /// Base URL of `/healthz`, `/readyz` and `/metrics`, for services.
    pub health_url: Option<String>,
}

impl ProcessInfo {
    /// The environment that it was started with.
    pub fn environment(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let pid = self.pid.with_context(|| format!("{} isn't running", self.name))?;
        let environment = String::from_utf8(std::fs::read(format!("/proc/{pid}/environ"))?)?;
        let variables = environment.split('\0').filter_map(|pair| pair.split_once('='));
        Ok(variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }
}
