//! aws-sim: CloudFront, IAM, Route 53 and the edge.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpStream;

use crate::delegation::DELEGATION_ZONE;
use crate::endpoints::AccessKey;
use crate::origin_tls;
use crate::process::{Processes, Spec};

const LIMIT: Duration = Duration::from_secs(15);
/// The process's name in commands.
pub(crate) const NAME: &str = "aws-sim";
/// The variable that names the folder of its journal.
pub(crate) const JOURNAL: &str = "AWS_SIM_JOURNAL";
/// The roles with an access key, and their policies; `None`: all actions. So every test shows that the policies that
/// operators are told to use are sufficient.
pub(crate) const ROLES: [(&str, Option<&str>); 4] = [
    (
        "distribution",
        Some(include_str!("../../../docs/aws/distribution-policy.json")),
    ),
    (
        "cert-installer",
        Some(include_str!("../../../docs/aws/cert-installer-policy.json")),
    ),
    (
        "certificate-issuer",
        Some(include_str!("../../../docs/aws/certificate-issuer-policy.json")),
    ),
    ("admin", None),
];

/// The hosted zone in the policy of certificate-issuer: here it is that of [`DELEGATION_ZONE`].
pub(crate) const HOSTED_ZONE: &str = "Z0123456789EXAMPLE";
/// The delegation zone in that policy.
const THEIR_ZONE: &str = "acme.platform.example";

/// The value of aws-sim's `--access-keys`, from keys by the names of [`ROLES`]. The policies are written to files in
/// this folder.
pub(crate) fn access_keys(keys: &BTreeMap<String, AccessKey>, folder: &Path) -> anyhow::Result<String> {
    let keys = keys.iter().map(|(role, key)| {
        let policy = ROLES
            .into_iter()
            .find_map(|(name, policy)| (name == role).then_some(policy));
        let policy = policy.with_context(|| format!("no role {role:?}"))?;
        let rights = match policy {
            None => String::new(),
            Some(policy) => {
                let file = folder.join(format!("{role}-policy.json"));
                std::fs::write(&file, policy.replace(THEIR_ZONE, DELEGATION_ZONE))
                    .with_context(|| file.display().to_string())?;
                format!("@{}", file.display())
            }
        };
        Ok(format!("{}:{}:{rights}", key.id, key.secret))
    });
    Ok(keys.collect::<anyhow::Result<Vec<_>>>()?.join(","))
}

/// The settings to run it.
pub(crate) struct AwsSim {
    pub(crate) api_port: u16,
    pub(crate) admin_port: u16,
    pub(crate) edge_http_port: u16,
    pub(crate) edge_https_port: u16,
    pub(crate) deploy_ms: u64,
    pub(crate) iam_visible_ms: u64,
    /// An absolute path, since aws-sim runs in another folder.
    pub(crate) journal: Option<String>,
    /// The origin's TLS address.
    pub(crate) origin_tls: SocketAddr,
    /// The CA of its certificate.
    pub(crate) origin_ca_pem: PathBuf,
    /// By the names of [`ROLES`].
    pub(crate) keys: BTreeMap<String, AccessKey>,
}

impl AwsSim {
    /// Starts it; Pebble's root must exist.
    pub(crate) async fn start(
        &self,
        processes: &Processes,
        folder: &Path,
        program: &Path,
        trusted_roots: &Path,
    ) -> anyhow::Result<()> {
        let keys = access_keys(&self.keys, folder)?;
        let port = self.edge_http_port;
        // Any port may be configured for an origin: the stack's two web servers use this one, and one for TLS.
        let origins = format!(
            "{origin}:443={},{origin}=127.0.0.2:{port},broker.cdn.test=127.0.0.3:{port}",
            self.origin_tls,
            origin = origin_tls::NAME
        );
        let flags = [
            ("--api-listen", format!("127.0.0.1:{}", self.api_port)),
            ("--admin-listen", format!("127.0.0.1:{}", self.admin_port)),
            ("--edge-http-listen", format!("127.0.0.1:{port}")),
            ("--edge-https-listen", format!("127.0.0.1:{}", self.edge_https_port)),
            ("--deploy-ms", self.deploy_ms.to_string()),
            ("--iam-visible-ms", self.iam_visible_ms.to_string()),
            ("--hosted-zones", format!("{HOSTED_ZONE}:{DELEGATION_ZONE}")),
            ("--access-keys", keys),
            ("--trusted-roots", trusted_roots.display().to_string()),
            ("--origin-map", origins),
            ("--origin-roots", self.origin_ca_pem.display().to_string()),
            ("--origin-default", format!("127.0.0.2:{port}")),
        ];
        let mut spec = Spec::new(NAME, program, folder)
            .env("RUST_LOG", "info")
            .args(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        if let Some(folder) = &self.journal {
            spec = spec.env(JOURNAL, folder);
        }
        self.launch(processes, spec).await
    }

    /// Starts it (again), and waits until all its listeners are up.
    pub(crate) async fn launch(&self, processes: &Processes, spec: Spec) -> anyhow::Result<()> {
        let ready = || async {
            for port in [
                self.api_port,
                self.admin_port,
                self.edge_http_port,
                self.edge_https_port,
            ] {
                if TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                    return false;
                }
            }
            true
        };
        processes.launch(spec, LIMIT, ready).await
    }
}
