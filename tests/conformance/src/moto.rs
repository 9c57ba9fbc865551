//! A second AWS: moto's server, which nobody here wrote. The real services make, change, renew and delete an instance there, as far as moto goes
//! (its gaps: README).

use std::fmt::Write as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use customer::{Platform, status};
use serde_json::{Value, json};
use stack::{Handle, Options};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::live_check;

const PATIENCE: Duration = Duration::from_secs(60);
const INSTANCE: &str = "in-motos-aws";
const ORGANIZATION: &str = "4c3a1a52-6f0c-4b6a-9d55-moto00000001";
const DOMAIN: &str = "www.moto.example.com";

/// moto's server, until it is dropped.
struct Moto {
    _process: Child,
    url: String,
    http: reqwest::Client,
}

impl Moto {
    async fn start() -> anyhow::Result<Self> {
        // It takes no port 0; nothing else here takes this one in between.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(crate::installed("aws-tools/bin/moto_server")?);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let moto = Self {
            _process: command.spawn().context("moto_server")?,
            url: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::new(),
        };
        moto.until("moto answers", async || Ok(moto.distributions().await.is_ok()))
            .await?;
        Ok(moto)
    }

    /// moto wants to see which service is asked for, and looks at no signature.
    fn signed(request: reqwest::RequestBuilder, service: &str) -> reqwest::RequestBuilder {
        let scope = format!("Credential=test/20260101/us-east-1/{service}/aws4_request");
        let header = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none");
        request.header("authorization", header)
    }

    /// All distributions, as XML.
    async fn distributions(&self) -> anyhow::Result<String> {
        let request = self.http.get(format!("{}/2020-05-31/distribution", self.url));
        let answer = Self::signed(request, "cloudfront").send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// The names of all server certificates.
    async fn certificates(&self) -> anyhow::Result<Vec<String>> {
        let form = "Action=ListServerCertificates&Version=2010-05-08";
        let request = self.http.post(&self.url).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let text = Self::signed(request, "iam")
            .send()
            .await?
            .error_for_status()?
            .text()
            .await?;
        let names = text.split("<ServerCertificateName>").skip(1);
        Ok(names
            .filter_map(|rest| Some(rest.split_once('<')?.0.to_owned()))
            .collect())
    }

    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is_so().await? {
            ensure!(
                Instant::now() < deadline,
                "never: {what}\n{}\n{:?}",
                self.distributions().await?,
                self.certificates().await?
            );
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

/// Both services that talk to AWS talk to this one, and a certificate is due as soon as it is attached.
fn options(url: &str) -> Options {
    let mut options = Options::fast()
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s")
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "500ms")
        .with_env("certificate-issuer", "RENEW_AFTER", "0%")
        .with_env("certificate-issuer", "RENEW_SPREAD", "0%");
    for service in ["distribution", "cert-installer"] {
        for peer in ["CLOUDFRONT", "IAM"] {
            options = options.with_env(service, &format!("AWS_ENDPOINT_URL_{peer}"), url);
        }
    }
    options
}

/// The life of an instance, and how long each part of it took; then what `cdnctl live-check` has seen.
///
/// # Errors
/// When something doesn't come to its end, or moto's account isn't as it should be then.
pub(crate) async fn life() -> anyhow::Result<String> {
    let moto = Moto::start().await?;
    let stack = Handle::start(options(&moto.url)).await?;
    let told = lives(&moto, &stack).await.with_context(|| troubles(&stack));
    tokio::task::spawn_blocking(move || drop(stack)).await?;
    told
}

/// What the services that talk to AWS have warned of.
fn troubles(stack: &Handle) -> String {
    let mut told = String::new();
    for process in ["distribution-1", "cert-installer-1"] {
        let log = stack.endpoints().process(process).map(|process| &process.log);
        let text = log
            .and_then(|log| std::fs::read_to_string(log).ok())
            .unwrap_or_default();
        let warned = text
            .lines()
            .filter(|line| line.contains("WARN") || line.contains("ERROR"));
        for line in warned.collect::<Vec<_>>().iter().rev().take(10) {
            writeln!(told, "{process}: {line}").ok();
        }
    }
    told
}

async fn lives(moto: &Moto, stack: &Handle) -> anyhow::Result<String> {
    let life = life_of_an_instance(moto, stack).await?;
    let verdicts = live_check::run(&moto.url, stack).await.context("cdnctl live-check")?;
    moto.until("nothing is left by cdnctl live-check", async || {
        Ok(moto.certificates().await?.is_empty() && !moto.distributions().await?.contains("live check:"))
    })
    .await?;
    Ok(format!("{life}moto, by cdnctl live-check: {verdicts}\n"))
}

async fn life_of_an_instance(moto: &Moto, stack: &Handle) -> anyhow::Result<String> {
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let mut told = "moto:".to_owned();
    let mut began = Instant::now();
    let mut done = |what: &str| {
        write!(told, " {what} in {:.1} s,", began.elapsed().as_secs_f64()).ok();
        began = Instant::now();
    };

    provision(&platform, stack).await?;
    let made = moto.distributions().await?;
    for part in [&format!("<CNAME>{DOMAIN}</CNAME>"), "<IAMCertificateId>ASCA"] {
        ensure!(made.contains(part), "no {part} in\n{made}");
    }
    done("provisioned");

    accepted(
        platform
            .update(INSTANCE, json!({"price_class": "PriceClass_100"}))
            .await?,
    )?;
    platform.succeeded(INSTANCE, PATIENCE).await?;
    let changed = moto.distributions().await?;
    ensure!(changed.contains("<PriceClass>PriceClass_100<"), "{changed}");
    done("updated");

    let before = moto.certificates().await?;
    moto.until("all certificates are other ones", async || {
        let now = moto.certificates().await?;
        Ok(!now.is_empty() && now.iter().all(|name| !before.contains(name)))
    })
    .await?;
    done("renewed");

    accepted(platform.deprovision(INSTANCE).await?)?;
    platform.succeeded(INSTANCE, PATIENCE).await?;
    moto.until("nothing is left", async || {
        Ok(moto.certificates().await?.is_empty() && !moto.distributions().await?.contains(DOMAIN))
    })
    .await?;
    done("deleted");
    Ok(told.trim_end_matches(',').to_owned() + "\n")
}

async fn provision(platform: &Platform, stack: &Handle) -> anyhow::Result<()> {
    let parameters: Value = json!({"domains": [DOMAIN]});
    accepted(platform.provision(INSTANCE, ORGANIZATION, parameters).await?)?;
    let said = platform
        .poll(INSTANCE, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
    let value = status::persist_value(said.description()).context("no value is shown")?;
    let record = format!("_validation-persist.{DOMAIN}.");
    stack.dns()?.set_txt(&record, &value).await?;
    platform.succeeded(INSTANCE, PATIENCE).await?;
    Ok(())
}

fn accepted(answer: customer::Answer) -> anyhow::Result<()> {
    ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    Ok(())
}
