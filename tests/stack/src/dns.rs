//! pebble-challtestsrv: the DNS server that Pebble and challenge-verifier query.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Http;
use crate::process::{Processes, Spec};

const LIMIT: Duration = Duration::from_secs(10);
/// The process's name in commands.
pub(crate) const NAME: &str = "challtestsrv";

/// A client of challtestsrv's management interface. Host names are given without a trailing dot.
///
/// challtestsrv forgets everything when it is restarted.
#[derive(Clone)]
pub struct Dns {
    http: Http,
    management_url: String,
}

impl Dns {
    /// A client for the management interface at this base URL.
    pub fn new(management_url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            http: Http::plain()?,
            management_url: management_url.to_owned(),
        })
    }

    /// Adds a TXT record; several may stand at one name.
    pub async fn set_txt(&self, host: &str, value: &str) -> anyhow::Result<()> {
        self.post("set-txt", json!({"host": dotted(host), "value": value}))
            .await
    }

    /// Removes all TXT records of a name.
    pub async fn clear_txt(&self, host: &str) -> anyhow::Result<()> {
        self.post("clear-txt", json!({"host": dotted(host)})).await
    }

    /// Sets a CNAME.
    pub async fn set_cname(&self, host: &str, target: &str) -> anyhow::Result<()> {
        self.post("set-cname", json!({"host": dotted(host), "target": dotted(target)}))
            .await
    }

    /// Removes a CNAME.
    pub async fn clear_cname(&self, host: &str) -> anyhow::Result<()> {
        self.post("clear-cname", json!({"host": dotted(host)})).await
    }

    /// Sets the A records of a name (the default is 127.0.0.1, the edge).
    pub async fn add_a(&self, host: &str, addresses: &[&str]) -> anyhow::Result<()> {
        self.post("add-a", json!({"host": dotted(host), "addresses": addresses}))
            .await
    }

    /// Removes them.
    pub async fn clear_a(&self, host: &str) -> anyhow::Result<()> {
        self.post("clear-a", json!({"host": dotted(host)})).await
    }

    /// Answers every query about a name with SERVFAIL.
    pub async fn set_servfail(&self, host: &str) -> anyhow::Result<()> {
        self.post("set-servfail", json!({"host": dotted(host)})).await
    }

    /// Ends that.
    pub async fn clear_servfail(&self, host: &str) -> anyhow::Result<()> {
        self.post("clear-servfail", json!({"host": dotted(host)})).await
    }

    /// Sets the CAA records of a name: pairs of tag and value.
    pub async fn add_caa(&self, host: &str, policies: &[(&str, &str)]) -> anyhow::Result<()> {
        let policies: Vec<Value> = policies
            .iter()
            .map(|(tag, value)| json!({"tag": tag, "value": value}))
            .collect();
        self.post("add-caa", json!({"host": dotted(host), "policies": policies}))
            .await
    }

    /// Removes them.
    pub async fn clear_caa(&self, host: &str) -> anyhow::Result<()> {
        self.post("clear-caa", json!({"host": dotted(host)})).await
    }

    /// The queries about a name so far.
    pub async fn history(&self, host: &str) -> anyhow::Result<Vec<Value>> {
        let url = format!("{}/dns-request-history", self.management_url);
        // A name without history is answered with an empty body or null.
        let answer = self.http.post_json(&url, &json!({"host": host})).await?;
        Ok(serde_json::from_slice::<Option<Vec<Value>>>(&answer)
            .ok()
            .flatten()
            .unwrap_or_default())
    }

    async fn post(&self, action: &str, body: Value) -> anyhow::Result<()> {
        self.http
            .post_json(&format!("{}/{action}", self.management_url), &body)
            .await
            .map(drop)
    }
}

fn dotted(host: &str) -> String {
    format!("{}.", host.trim_end_matches('.'))
}

/// The settings to run it.
pub(crate) struct Challtestsrv {
    /// The address that it listens on.
    pub(crate) address: IpAddr,
    pub(crate) dns_port: u16,
    pub(crate) management_port: u16,
    /// The edge, to which every name without a record of its own resolves.
    pub(crate) edge: Ipv4Addr,
    /// The names of the stack's own servers.
    pub(crate) names: Vec<(String, Ipv4Addr)>,
}

impl Challtestsrv {
    /// Base URL of the management interface.
    pub(crate) fn management_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.management_port)
    }

    /// Starts it with the names of the stack's own servers.
    pub(crate) async fn start(&self, processes: &Processes, folder: &Path, program: &Path) -> anyhow::Result<()> {
        self.launch(processes, self.prepare(folder, program)).await
    }

    /// The command that runs it.
    pub(crate) fn prepare(&self, folder: &Path, program: &Path) -> Spec {
        let at = |port| SocketAddr::new(self.address, port).to_string();
        Spec::new(NAME, program, folder)
            .args(["-dnsserver".to_owned(), at(self.dns_port)])
            .args(["-management".to_owned(), at(self.management_port)])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""])
            .args(["-defaultIPv4".to_owned(), self.edge.to_string()])
            .args(["-defaultIPv6", ""])
    }

    /// Starts it (again). It is ready once it accepts these records.
    pub(crate) async fn launch(&self, processes: &Processes, spec: Spec) -> anyhow::Result<()> {
        let dns = Dns::new(&self.management_url())?;
        processes.launch(spec, LIMIT, || self.takes_names(&dns)).await
    }

    /// Whether it has accepted all names.
    pub(crate) async fn takes_names(&self, dns: &Dns) -> bool {
        for (name, address) in &self.names {
            if dns.add_a(name, &[&address.to_string()]).await.is_err() {
                return false;
            }
        }
        true
    }
}
