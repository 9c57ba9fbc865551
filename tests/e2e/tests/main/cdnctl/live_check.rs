//! `cdnctl live-check` on Pebble and aws-sim: what was seen is told, nothing is left, whatever ends it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use stack::{AccessKey, Options};
use tempfile::{NamedTempFile, TempDir};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Said, command};
use crate::world::{PATIENCE, World, domain, until};

static WORLD: OnceCell<World> = OnceCell::const_new();

/// A stack for these tests: other tests hold what AWS and the CA have against the broker's database, which knows nothing of this.
async fn world() -> &'static World {
    WORLD
        .get_or_try_init(|| World::own(Options::fast()))
        .await
        .expect("the stack starts")
}

/// An operator who does what it says.
struct Operator {
    world: &'static World,
    aws: Aws,
    folder: TempDir,
    domain: String,
}

/// Where AWS is, and who asks.
struct Aws {
    api: String,
    admin: String,
    key: AccessKey,
}

/// A simulator of its own.
struct OwnAws {
    _process: Child,
    _policy: NamedTempFile,
    aws: Aws,
}

/// Whose rights are the two shipped policies.
const SHIPPED: &str = "shipped:hunter2-shipped";
/// Who may do all but delete certificates.
const CARELESS: &str = "careless:hunter2-careless:cloudfront:*+iam:Upload*+iam:Tag*+iam:Get*";
const POLICIES: [&str; 2] = [
    include_str!("../../../../../docs/aws/distribution-policy.json"),
    include_str!("../../../../../docs/aws/cert-installer-policy.json"),
];

/// Both in one.
fn shipped_policies() -> anyhow::Result<NamedTempFile> {
    let mut statements = Vec::new();
    for policy in POLICIES {
        let policy: Value = serde_json::from_str(policy)?;
        statements.extend(policy["Statement"].as_array().context("statements")?.clone());
    }
    let mut file = NamedTempFile::new()?;
    file.write_all(
        json!({"Version": "2012-10-17", "Statement": statements})
            .to_string()
            .as_bytes(),
    )?;
    Ok(file)
}

impl OwnAws {
    /// One that trusts these roots.
    async fn start(roots: &Path) -> anyhow::Result<Self> {
        let policy = shipped_policies()?;
        let mut process = Command::new(stack::program("aws-sim")?)
            .args(["--deploy-ms", "300", "--iam-visible-ms", "100"])
            .args([
                "--access-keys",
                &format!("{SHIPPED}:@{},{CARELESS}", policy.path().display()),
            ])
            .arg("--trusted-roots")
            .arg(roots)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("standard output")?).lines();
        let line = timeout(PATIENCE, lines.next_line())
            .await??
            .context("an announcement")?;
        let said: Value = serde_json::from_str(&line)?;
        let address = |name: &str| said[name].as_str().context("an address").map(str::to_owned);
        let aws = Aws {
            api: address("api")?,
            admin: address("admin")?,
            key: key(SHIPPED)?,
        };
        Ok(Self {
            _process: process,
            _policy: policy,
            aws,
        })
    }
}

fn key(text: &str) -> anyhow::Result<AccessKey> {
    let mut parts = text.split(':').map(str::to_owned);
    let (id, secret) = (parts.next(), parts.next());
    Ok(AccessKey {
        id: id.context("an id")?,
        secret: secret.context("a secret")?,
    })
}

impl Operator {
    /// At the stack's simulator.
    async fn new(label: &str) -> anyhow::Result<Self> {
        let e = world().await.handle.endpoints();
        let aws = Aws {
            api: e.aws_api_url.clone(),
            admin: e.aws_admin_url.clone(),
            key: e.aws_keys.get("admin").context("a key")?.clone(),
        };
        Self::at(label, aws).await
    }

    async fn at(label: &str, aws: Aws) -> anyhow::Result<Self> {
        Ok(Self {
            world: world().await,
            aws,
            folder: tempfile::tempdir()?,
            domain: domain(label),
        })
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// With neither database nor queue.
    fn command(&self, more: &[&str]) -> anyhow::Result<Command> {
        let e = self.world.handle.endpoints();
        let mut command = command("")?;
        command
            .env_remove("DATABASE_URL")
            .env("AWS_ACCESS_KEY_ID", &self.aws.key.id)
            .env("AWS_SECRET_ACCESS_KEY", &self.aws.key.secret)
            .env("AWS_ENDPOINT_URL_CLOUDFRONT", &self.aws.api)
            .env("AWS_ENDPOINT_URL_IAM", &self.aws.api)
            .args(["live-check", "--every", "200ms", "--patience", "60s", "--folder"])
            .arg(self.folder())
            .arg("--ca-roots")
            .arg(&e.acme_ca_pem)
            .args(["--resolver", &e.dns_addr.to_string()])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Begins one.
    fn begin(&self, more: &[&str]) -> anyhow::Result<Running> {
        let url = &self.world.handle.endpoints().acme_directory_url;
        let new = ["--domain", &self.domain, "--acme-directory-url", url];
        self.start(&[&new, more].concat())
    }

    fn start(&self, args: &[&str]) -> anyhow::Result<Running> {
        let mut child = self.command(args)?.spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("standard error")?).lines();
        let dns = self.world.dns.clone();
        let reading = tokio::spawn(async move {
            let mut text = String::new();
            while let Some(line) = lines.next_line().await? {
                println!("{line}");
                // What it says to set is set.
                if let Some((name, value)) = line.split_once(". 60 IN TXT ") {
                    dns.set_txt(name, value.trim_matches('"')).await?;
                }
                text = text + &line + "\n";
            }
            Ok(text)
        });
        Ok(Running { child, reading })
    }

    fn state(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&std::fs::read_to_string(
            self.folder().join("state.json"),
        )?)?)
    }

    fn run(&self) -> anyhow::Result<String> {
        let state = self.state()?;
        Ok(state["run"].as_str().context("a run")?.to_owned())
    }

    /// What aws-sim has of the run.
    async fn left(&self) -> anyhow::Result<Vec<Value>> {
        let run = self.run()?;
        let state: Value = reqwest::get(format!("{}/state", self.aws.admin)).await?.json().await?;
        let all = ["distributions", "certificates", "functions"].map(|kind| state[kind].as_array().cloned());
        let mut all = all.into_iter().flatten().flatten().collect::<Vec<_>>();
        all.retain(|thing| thing.to_string().contains(&run));
        Ok(all)
    }

    /// Neither the folder nor what was told has a secret, an account's number or a request's id.
    fn keeps_secrets(&self, said: &Said) -> anyhow::Result<()> {
        let key = &self.aws.key;
        let answers = std::fs::read_to_string(self.folder().join("answers.jsonl"))?;
        let state = std::fs::read_to_string(self.folder().join("state.json"))?;
        for text in [&answers, &state, &said.text, &said.errors] {
            for secret in ["PRIVATE KEY", &key.secret, "RequestId", "123456789012"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
        Ok(())
    }
}

struct Running {
    child: Child,
    reading: JoinHandle<anyhow::Result<String>>,
}

impl Running {
    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.child.id().context("a process id")?;
        Ok(kill(Pid::from_raw(pid.try_into()?), signal)?)
    }

    async fn said(self) -> anyhow::Result<Said> {
        let Output { status, stdout, .. } = timeout(PATIENCE, self.child.wait_with_output()).await??;
        let text = String::from_utf8(stdout)?;
        println!("{text}");
        Ok(Said {
            code: status.code(),
            text,
            errors: self.reading.await??,
        })
    }
}

fn verdict<'a>(report: &'a Value, id: &str) -> &'a str {
    let mut beliefs = report["beliefs"].as_array().into_iter().flatten();
    let belief = beliefs.find(|belief| belief["id"] == id);
    belief.and_then(|belief| belief["verdict"].as_str()).unwrap_or("none")
}

#[tokio::test]
async fn it_tells_what_was_seen_and_leaves_nothing() -> anyhow::Result<()> {
    let operator = Operator::new("live").await?;
    let said = operator.begin(&["--yes", "--json"])?.said().await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let report = said.json()?;
    for id in ["function", "p256", "deployment", "alias", "visible"] {
        assert_eq!(verdict(&report, id), "confirmed", "{id}: {report}");
    }
    // Which it is depends on how CloudFront is simulated; that it was tried does not.
    assert_ne!(verdict(&report, "two-certificate-changes"), "not-seen", "{report}");
    assert_eq!(verdict(&report, "web-acl"), "not-seen", "{report}");
    assert_eq!(report["left"].as_array().map(Vec::len), Some(0));
    assert_eq!(operator.left().await?, Vec::<Value>::new());
    operator.keeps_secrets(&said)?;

    // Each answer is there, with what it was about.
    let answers = std::fs::read_to_string(operator.folder().join("answers.jsonl"))?;
    for action in [
        "CreateFunction",
        "UploadServerCertificate",
        "UpdateDistribution",
        "DeleteDistribution",
    ] {
        let line = answers.lines().find(|line| line.contains(action)).context(action)?;
        let answer: Value = serde_json::from_str(line)?;
        assert!(
            answer["status"].as_u64().is_some() && answer["at"].is_string(),
            "{line}"
        );
    }
    // It is over.
    let again = operator.start(&["--resume", "--yes", "--json"])?.said().await?;
    assert_eq!(again.code, Some(2), "{}", again.errors);
    Ok(())
}

#[tokio::test]
async fn a_killed_one_is_gone_on_with() -> anyhow::Result<()> {
    let operator = Operator::new("killed").await?;
    let running = operator.begin(&["--yes", "--json"])?;
    until("a distribution is there", async || {
        let made = operator.state().map(|state| state["made"].clone()).unwrap_or_default();
        let mut made = made.as_array().into_iter().flatten();
        Ok(made.any(|thing| thing["kind"] == "distribution"))
    })
    .await?;
    running.signal(Signal::SIGKILL)?;
    assert_eq!(running.said().await?.code, None);
    assert!(!operator.left().await?.is_empty());

    let refused = operator.begin(&["--yes", "--json"])?.said().await?;
    assert_eq!(refused.code, Some(2), "{}", refused.errors);
    assert!(refused.errors.contains("--resume"), "{}", refused.errors);
    let said = operator.start(&["--resume", "--yes", "--json"])?.said().await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert!(said.errors.contains("function: done before"), "{}", said.errors);
    let report = said.json()?;
    for id in ["function", "p256", "alias"] {
        assert_eq!(verdict(&report, id), "confirmed", "{id}: {report}");
    }
    assert_eq!(operator.left().await?, Vec::<Value>::new());
    operator.keeps_secrets(&said)
}

#[tokio::test]
async fn one_that_is_interrupted_cleans_up() -> anyhow::Result<()> {
    let operator = Operator::new("interrupted").await?;
    let running = operator.begin(&["--yes", "--json"])?;
    until("a certificate is there", async || {
        let made = operator.state().map(|state| state["made"].clone()).unwrap_or_default();
        let mut made = made.as_array().into_iter().flatten();
        Ok(made.any(|thing| thing["kind"] == "certificate"))
    })
    .await?;
    running.signal(Signal::SIGINT)?;
    let said = running.said().await?;
    assert_eq!(said.code, Some(1), "{}", said.errors);
    let report = said.json()?;
    assert_eq!(report["ended"], "you stopped it", "{report}");
    assert_eq!(operator.left().await?, Vec::<Value>::new());
    operator.keeps_secrets(&said)
}

#[tokio::test]
async fn what_could_not_be_removed_is_told_with_its_command() -> anyhow::Result<()> {
    let own = OwnAws::start(&world().await.handle.endpoints().pebble_roots_pem).await?;
    let mut operator = Operator::at(
        "careless",
        Aws {
            key: key(CARELESS)?,
            ..own.aws
        },
    )
    .await?;
    let said = operator.begin(&["--yes"])?.said().await?;
    assert_eq!(said.code, Some(1), "{}", said.errors);
    let run = operator.run()?;
    for certificate in [
        format!("cdn-broker-live-check-{run}-rsa-2048"),
        format!("cdn-broker-live-check-{run}-p-256"),
    ] {
        let command = format!("aws iam delete-server-certificate --server-certificate-name {certificate}");
        assert!(said.text.contains(&command), "{}", said.text);
    }
    assert!(
        said.text.contains("AccessDenied") && said.text.contains("confirmed"),
        "{}",
        said.text
    );
    assert_eq!(operator.left().await?.len(), 2);
    operator.keeps_secrets(&said)?;

    operator.aws.key = key(SHIPPED)?;
    let said = operator.start(&["--resume", "--yes"])?.said().await?;
    assert_eq!(said.code, Some(0), "{}{}", said.text, said.errors);
    assert!(said.text.contains("Nothing is left in AWS."), "{}", said.text);
    assert_eq!(operator.left().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn the_shipped_policies_are_enough() -> anyhow::Result<()> {
    let own = OwnAws::start(&world().await.handle.endpoints().pebble_roots_pem).await?;
    let operator = Operator::at("shipped", own.aws).await?;
    let acl = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/live/0b2f4d5e-1c3a-4c5d-9e8f-7a6b5c4d3e2f";
    let said = operator.begin(&["--yes", "--web-acl", acl])?.said().await?;
    assert_eq!(said.code, Some(0), "{}{}", said.text, said.errors);
    for belief in ["Function creation", "A P-256 key", "An update with a web ACL"] {
        assert_eq!(said.cells(belief)[1], "confirmed", "{}", said.text);
    }
    assert!(said.text.contains("Nothing is left in AWS."), "{}", said.text);
    assert_eq!(operator.left().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn a_ca_that_is_not_trusted_is_a_result() -> anyhow::Result<()> {
    // It trusts the CA of Pebble's own server, which issues nothing.
    let own = OwnAws::start(&world().await.handle.endpoints().acme_ca_pem).await?;
    let operator = Operator::at("staging", own.aws).await?;
    let said = operator.begin(&["--yes", "--json"])?.said().await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let report = said.json()?;
    for (id, expected) in [
        ("trusted-ca", "confirmed"),
        ("function", "confirmed"),
        ("deployment", "confirmed"),
        ("p256", "not-seen"),
        ("alias", "not-seen"),
    ] {
        assert_eq!(verdict(&report, id), expected, "{id}: {report}");
    }
    assert_eq!(operator.left().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn nothing_is_made_before_somebody_says_yes() -> anyhow::Result<()> {
    let operator = Operator::new("asked").await?;
    let said = operator.begin(&[])?.said().await?;
    assert_eq!(said.code, Some(2), "{}", said.errors);
    assert!(
        said.errors.contains("--yes") && said.errors.contains("_acme-challenge."),
        "{}",
        said.errors
    );
    let answers = std::fs::read_to_string(operator.folder().join("answers.jsonl"))?;
    assert_eq!(answers, "");
    Ok(())
}
