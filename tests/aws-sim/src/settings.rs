//! Settings, by option or by environment variable.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::access::AccessKey;
use crate::edge::origins::OriginMapping;

/// A strict CloudFront, IAM and Route 53 simulator with a real TLS edge.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "aws-sim", version, about)]
pub struct Settings {
    /// Address (ip:port, port 0 = any free one) of the API of all services, plain HTTP.
    #[arg(long, env = "AWS_SIM_API_LISTEN", default_value = "127.0.0.1:0")]
    pub api_listen: SocketAddr,

    /// Address (ip:port) of the admin endpoint, plain HTTP with JSON.
    #[arg(long, env = "AWS_SIM_ADMIN_LISTEN", default_value = "127.0.0.1:0")]
    pub admin_listen: SocketAddr,

    /// Address (ip:port) where the edge serves HTTP.
    #[arg(long, env = "AWS_SIM_EDGE_HTTP_LISTEN", default_value = "127.0.0.1:0")]
    pub edge_http_listen: SocketAddr,

    /// Address (ip:port) where the edge serves HTTPS.
    #[arg(long, env = "AWS_SIM_EDGE_HTTPS_LISTEN", default_value = "127.0.0.1:0")]
    pub edge_https_listen: SocketAddr,

    /// Port that redirects to HTTPS name; left out of the URL when 443 [default: the bound HTTPS port].
    #[arg(long, env = "AWS_SIM_EDGE_HTTPS_PUBLIC_PORT")]
    pub edge_https_public_port: Option<u16>,

    /// Milliseconds from InProgress to Deployed after a create or an update.
    #[arg(long, env = "AWS_SIM_DEPLOY_MS", default_value_t = 2000)]
    pub deploy_ms: u64,

    /// Milliseconds until CloudFront sees a certificate that was just uploaded to IAM.
    #[arg(long, env = "AWS_SIM_IAM_VISIBLE_MS", default_value_t = 500)]
    pub iam_visible_ms: u64,

    /// Server certificates the account may hold.
    #[arg(long, env = "AWS_SIM_IAM_QUOTA", default_value_t = 20)]
    pub iam_quota: usize,

    /// Distributions the account may hold.
    #[arg(long, env = "AWS_SIM_DISTRIBUTION_QUOTA", default_value_t = 500)]
    pub distribution_quota: usize,

    /// CloudFront functions the account may hold.
    #[arg(long, env = "AWS_SIM_FUNCTION_QUOTA", default_value_t = 100)]
    pub function_quota: usize,

    /// Refuse another viewer certificate while one is on its way to the edge.
    #[arg(long, env = "AWS_SIM_ONE_CERTIFICATE_CHANGE")]
    pub one_certificate_change: bool,

    /// Hosted zones of Route 53 as id:name, comma separated.
    #[arg(long, env = "AWS_SIM_HOSTED_ZONES", value_delimiter = ',')]
    pub hosted_zones: Vec<NewZone>,

    /// Milliseconds until a change of a hosted zone is INSYNC.
    #[arg(long, env = "AWS_SIM_INSYNC_MS", default_value_t = 2000)]
    pub insync_ms: u64,

    /// Calls of Route 53 per second that are not throttled, of all keys together (AWS: 5); 0: no limit.
    #[arg(long, env = "AWS_SIM_ZONE_CALLS_PER_SECOND", default_value_t = 0)]
    pub zone_calls_per_second: u32,

    /// Refuse another change of a hosted zone while one is PENDING.
    #[arg(long, env = "AWS_SIM_ONE_ZONE_CHANGE")]
    pub one_zone_change: bool,

    /// Access keys as id:secret[:rights], comma separated; rights are action patterns such as `cloudfront:Get*` joined by
    /// `+`, or `@` and the file of an IAM policy; without rights a key may do everything.
    #[arg(
        long,
        env = "AWS_SIM_ACCESS_KEYS",
        default_value = "test:test",
        value_delimiter = ','
    )]
    pub access_keys: Vec<AccessKey>,

    /// Folder to which API requests and answers are added, a line of JSON each, without signatures and private keys; of
    /// exchanges that differ in names and numbers only, a few [default: none].
    #[arg(long, env = "AWS_SIM_JOURNAL")]
    pub journal: Option<PathBuf>,

    /// PEM files, comma separated, of the CA roots that count as publicly trusted: for viewer certificates and https
    /// origins. Read again at each check, so they may appear or change later. Without it no chain is checked for
    /// viewer certificates.
    #[arg(long, env = "AWS_SIM_TRUSTED_ROOTS", value_delimiter = ',')]
    pub trusted_roots: Vec<PathBuf>,

    /// PEM files, comma separated, of more roots that only https origins may use.
    #[arg(long, env = "AWS_SIM_ORIGIN_ROOTS", value_delimiter = ',')]
    pub origin_roots: Vec<PathBuf>,

    /// Where origins really are: host:port=ip:port or host=ip:port (any port), comma separated.
    #[arg(long, env = "AWS_SIM_ORIGIN_MAP", value_delimiter = ',')]
    pub origin_map: Vec<OriginMapping>,

    /// Address (ip:port) for every origin that the map does not name [default: the system's resolver].
    #[arg(long, env = "AWS_SIM_ORIGIN_DEFAULT")]
    pub origin_default: Option<SocketAddr>,
}

/// A hosted zone that is there from the start.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewZone {
    /// Its id, without `/hostedzone/`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Not `id:name`.
#[derive(Debug, thiserror::Error)]
#[error("expected id:name")]
pub struct BadZone;

impl FromStr for NewZone {
    type Err = BadZone;

    fn from_str(text: &str) -> Result<Self, BadZone> {
        let (id, name) = text.split_once(':').ok_or(BadZone)?;
        Ok(Self {
            id: id.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        <Self as clap::Parser>::parse_from(["aws-sim"])
    }
}
