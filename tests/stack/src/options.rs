//! The options of a stack.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The default lifetime of Pebble's certificates, in seconds.
pub(crate) const NINETY_DAYS: u64 = 7_776_000;

/// The delay queues in [`FAST`], as `DELAY_QUEUES_MS`.
pub const DELAY_QUEUES_MS: &str = "50,100,200,300,500,800,1200,2000,4000,8000,16000,60000";

/// Delays of seconds instead of minutes, for tests: environment of every service.
pub const FAST: &[(&str, &str)] = &[
    ("DELAY_QUEUES_MS", DELAY_QUEUES_MS),
    ("SWEEP_INTERVAL", "1s"),
    ("METRICS_INTERVAL", "1s"),
    ("CERTIFICATE_COUNT_INTERVAL", "0s"),
    ("CREATE_SETTLE", "2s"),
    ("RECONCILE_INTERVAL", "2s"),
    ("ORPHAN_GRACE", "5s"),
    ("DNS_TIMEOUT", "1s"),
    ("HTTP_TIMEOUT", "2s"),
    (
        "SCHEDULE_CREATE_DISTRIBUTION",
        "first=200ms,factor=1.5,max=1s,deadline=1h",
    ),
    (
        "SCHEDULE_PLACE_ORDER",
        "first=200ms,factor=1.5,max=2s,deadline=1h,limit=2m",
    ),
    (
        "SCHEDULE_VERIFY_CHALLENGE",
        "first=300ms,factor=1.5,max=1500ms,deadline=1h,limit=15s",
    ),
    (
        "SCHEDULE_ANSWER_CHALLENGES",
        "first=200ms,factor=1.5,max=2s,deadline=1h,limit=2m",
    ),
    ("SCHEDULE_PUBLISH_CHALLENGES", "first=200ms,factor=1.5,max=1s"),
    ("SCHEDULE_AWAIT_VALIDATION", "first=200ms,factor=1.5,max=1s,deadline=1h"),
    ("SCHEDULE_FINALIZE_ORDER", "first=200ms,factor=1.5,max=1s,deadline=1h"),
    (
        "SCHEDULE_UPLOAD_CERTIFICATE",
        "first=200ms,factor=1.5,max=2s,deadline=1h",
    ),
    (
        "SCHEDULE_ATTACH_CERTIFICATE",
        "first=200ms,factor=1.5,max=1s,deadline=1h",
    ),
    (
        "SCHEDULE_CONFIGURE_DISTRIBUTION",
        "first=200ms,factor=1.5,max=1s,deadline=1h",
    ),
    ("SCHEDULE_AWAIT_DEPLOYMENT", "first=200ms,share=4%,max=1s,deadline=1h"),
    (
        "SCHEDULE_DISABLE_DISTRIBUTION",
        "first=200ms,factor=1.5,max=2s,deadline=1h",
    ),
    (
        "SCHEDULE_DELETE_DISTRIBUTION",
        "first=200ms,factor=1.5,max=2s,deadline=1h",
    ),
    ("SCHEDULE_SETTLE_FUNCTION", "first=200ms,factor=1.5,max=2s,deadline=1h"),
    (
        "SCHEDULE_RETIRE_CERTIFICATES",
        "first=200ms,factor=1.5,max=2s,deadline=1h",
    ),
    ("SCHEDULE_AFTER_SLOW_LOOK", "first=300ms,factor=1.5,max=1500ms"),
    ("SCHEDULE_AFTER_REJECTION", "first=1s,factor=2,max=5s,jitter=0%"),
];

/// A part that others reach by the network, and that a delaying proxy can be placed in front of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// PostgreSQL.
    Postgres,
    /// RabbitMQ.
    Rabbitmq,
    /// Pebble's ACME directory (not its management port).
    Pebble,
    /// aws-sim's API.
    Aws,
}

impl Peer {
    /// The word used in commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Rabbitmq => "rabbitmq",
            Self::Pebble => "pebble",
            Self::Aws => "aws",
        }
    }
}

/// Options of `stack up --options JSON`; every field is optional.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Start the five services.
    pub services: bool,
    /// Start aws-sim.
    pub aws: bool,
    /// Processes per worker service (broker-api is always one).
    pub replicas: BTreeMap<String, u16>,
    /// Environment to add, by service (`distribution`), by process (`distribution-2`) or for `all`; the narrower scope
    /// wins.
    pub env: BTreeMap<String, BTreeMap<String, String>>,
    /// A delaying proxy in front of a peer, with the round trip that it adds in milliseconds (0: none yet, but it can
    /// be set later).
    pub proxies: BTreeMap<Peer, u64>,
    /// A separate link between each service process and each peer that it uses. Links to Pebble share one port, since
    /// its URLs are part of the data that the services share (accounts, orders), and are told apart by the connecting
    /// process.
    pub every_link: bool,
    /// How long a CloudFront deployment takes in aws-sim.
    pub deploy_ms: u64,
    /// How long until an uploaded IAM certificate is visible to CloudFront in aws-sim.
    pub iam_visible_ms: u64,
    /// Absolute path of the folder to which aws-sim writes its requests and responses; by default the folder in the
    /// supervisor's variable `AWS_SIM_JOURNAL`, if any.
    pub aws_journal: Option<String>,
    /// The lifetime of Pebble's certificates, except those of the profile `shortlived`, in seconds.
    pub certificate_secs: u64,
    /// Pebble's name: `caaIdentities`, and the issuer domain of dns-persist-01.
    pub ca_name: String,
    /// Environment of Pebble, overriding the defaults (see [`Options::default`]).
    pub pebble_env: BTreeMap<String, String>,
    /// There is a second CA, which is asked when the first takes no orders.
    pub other_ca: bool,
    /// The broker has a DNS zone of its own, to which tenants may delegate challenges.
    pub delegation: bool,
    /// The resolver of Pebble and of the verifiers, if it is the caller's own: it has to know every name that is proved by DNS.
    pub resolver: Option<SocketAddr>,
    /// Two processes of dns-responder serve that zone, in place of Knot.
    pub responder: bool,
    /// Its program, if not the one beside the stack's: a release build, to measure.
    pub responder_program: Option<PathBuf>,
    /// There is a mail server, and a notifier that sends by it; `notify` is allowed.
    pub mail: bool,
    /// PostgreSQL and RabbitMQ speak TLS with certificates of a CA made for this stack; the services connect by TLS.
    pub tls: bool,
    /// A RabbitMQ node for this stack alone, even if a shared one is offered (`stack rabbitmq`): for tests that stop
    /// it, flood it or need its process.
    pub own_rabbitmq: bool,
    /// PostgreSQL syncs to disk as in production; off is faster on slow disks.
    pub fsync: bool,
    /// The folder of the stack: a new one, removed at the end. By default in the system's temporary folder.
    pub folder: Option<PathBuf>,
    /// Keep the folder at the end.
    pub keep: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            services: true,
            aws: true,
            replicas: BTreeMap::new(),
            env: BTreeMap::new(),
            proxies: BTreeMap::new(),
            every_link: false,
            deploy_ms: 500,
            iam_visible_ms: 200,
            aws_journal: None,
            certificate_secs: NINETY_DAYS,
            ca_name: crate::pebble::CA_NAME.to_owned(),
            pebble_env: BTreeMap::new(),
            other_ca: false,
            delegation: false,
            resolver: None,
            responder: false,
            responder_program: None,
            mail: false,
            tls: false,
            own_rabbitmq: false,
            fsync: true,
            folder: None,
            keep: false,
        }
    }
}

impl Options {
    /// All parts, with [`FAST`] schedules.
    pub fn fast() -> Self {
        let fast = FAST
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            env: BTreeMap::from([("all".to_owned(), fast.collect())]),
            ..Self::default()
        }
    }

    /// Only PostgreSQL, RabbitMQ, Pebble, challtestsrv and the origin server.
    pub fn infrastructure() -> Self {
        Self {
            services: false,
            aws: false,
            ..Self::default()
        }
    }

    /// Adds a delaying proxy in front of `peer` with a round trip of `latency_ms`.
    pub fn with_proxy(mut self, peer: Peer, latency_ms: u64) -> Self {
        self.proxies.insert(peer, latency_ms);
        self
    }

    /// Enables the broker's own DNS zone.
    pub fn with_delegation(mut self) -> Self {
        self.delegation = true;
        self
    }

    /// Adds a second CA.
    pub fn with_other_ca(mut self) -> Self {
        self.other_ca = true;
        self
    }

    /// Enables the broker's own DNS zone, served by dns-responder.
    pub fn with_responder(mut self) -> Self {
        self.responder = true;
        self.with_delegation()
    }

    /// Adds a mail server, and a notifier.
    pub fn with_mail(mut self) -> Self {
        self.mail = true;
        self
    }

    /// Enables TLS to PostgreSQL and RabbitMQ.
    pub fn with_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Allows tenants to request any number of domains before they prove one.
    pub fn with_unproved_unbounded(self) -> Self {
        self.with_env("broker-api", "UNPROVED_INSTANCES", "0")
            .with_env("broker-api", "UNPROVED_DOMAINS", "0")
    }

    /// Requests a separate RabbitMQ node.
    pub fn with_own_rabbitmq(mut self) -> Self {
        self.own_rabbitmq = true;
        self
    }

    /// Adds a proxy for each pair of service process and peer; see [`Options::every_link`].
    pub fn with_every_link(mut self) -> Self {
        self.every_link = true;
        self
    }

    /// Sets the certificates' lifetime. Without a profile Pebble accepts any.
    pub fn with_certificates_of(mut self, life: Duration) -> Self {
        self.certificate_secs = life.as_secs();
        self.with_env("certificate-issuer", "ACME_PROFILE", "default")
    }

    /// Sets the CA's name.
    pub fn with_ca_name(mut self, name: &str) -> Self {
        self.ca_name = name.to_owned();
        self
    }

    /// Makes Pebble reject this share of good nonces (5 without), in percent.
    pub fn with_nonce_rejection(mut self, percent: u8) -> Self {
        self.pebble_env
            .insert("PEBBLE_WFE_NONCEREJECT".to_owned(), percent.to_string());
        self
    }

    /// Adds a variable to the environment of `service` (or `all`).
    pub fn with_env(mut self, service: &str, name: &str, value: &str) -> Self {
        self.env
            .entry(service.to_owned())
            .or_default()
            .insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the number of processes of a worker service.
    pub fn with_replicas(mut self, service: &str, count: u16) -> Self {
        self.replicas.insert(service.to_owned(), count);
        self
    }
}
