//! The stack that the tests share, and what they do with it again and again.

use std::time::Duration;

use anyhow::Context as _;
use customer::{Answer, Browser, Platform, Visit, status};
use serde_json::{Value, json};
use stack::{Dns, Handle, Options};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use uuid::Uuid;

use crate::vantage::Vantage;

/// No test waits longer for one thing; on an idle machine it takes a second or two.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Environment: the endpoints of a stack that runs already (docker compose), as a JSON file. Tests that kill, freeze or cut
/// something, or have a DNS of their own, can't be run there.
const ATTACH: &str = "STACK_ENDPOINTS";

pub(crate) struct World {
    pub(crate) handle: Handle,
    pub(crate) platform: Platform,
    pub(crate) dns: Dns,
    /// The verifiers' own view of the DNS; the CA asks challtestsrv.
    pub(crate) vantage: Vantage,
}

static WORLD: OnceCell<World> = OnceCell::const_new();

/// The shared stack. It is never dropped: it stops when this process ends and its pipe closes.
pub(crate) async fn world() -> &'static World {
    WORLD
        .get_or_try_init(|| async {
            let vantage = Vantage::start()?;
            let handle = match std::env::var_os(ATTACH) {
                Some(file) => Handle::attach(file.as_ref())?,
                None => Handle::start(options(&vantage)).await?,
            };
            World::of(handle, vantage).await
        })
        .await
        .expect("the stack starts")
}

fn options(vantage: &Vantage) -> Options {
    Options::fast()
        .with_env("challenge-verifier", "DNS_RESOLVER", &vantage.address().to_string())
        .with_replicas("distribution", 2)
        .with_replicas("challenge-verifier", 2)
        .with_replicas("certificate-issuer", 2)
        .with_replicas("cert-installer", 2)
}

/// An instance in the making.
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) domains: Vec<String>,
}

impl World {
    /// One of the test's own.
    pub(crate) async fn own(options: Options) -> anyhow::Result<Self> {
        Self::with_vantage(options, Vantage::start()?).await
    }

    /// One of the test's own, for verifiers that are told to ask there.
    pub(crate) async fn with_vantage(options: Options, vantage: Vantage) -> anyhow::Result<Self> {
        Self::of(Handle::start(options).await?, vantage).await
    }

    async fn of(handle: Handle, vantage: Vantage) -> anyhow::Result<Self> {
        let e = handle.endpoints();
        vantage.ask(e.dns_addr);
        let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
        let dns = Dns::new(&e.dns_management_url)?;
        // The quota of 20 is for aws-sim's own tests; here many instances live at the same time.
        let settings = format!("{}/settings", e.aws_admin_url);
        let raised = reqwest::Client::new().post(settings).json(&json!({"iam_quota": 1000}));
        raised.send().await?.error_for_status()?;
        Ok(Self {
            handle,
            platform,
            dns,
            vantage,
        })
    }

    /// The address of the customer's old web server.
    pub(crate) fn origin(&self) -> String {
        self.handle.endpoints().origin_addr.ip().to_string()
    }

    /// The address of the edge.
    pub(crate) fn edge(&self) -> String {
        self.handle.endpoints().edge_https.ip().to_string()
    }

    pub(crate) fn browser(&self) -> Browser {
        let e = self.handle.endpoints();
        Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https).expect("Pebble's root can be read")
    }

    /// Asks for an instance in a fresh organization.
    pub(crate) async fn create(&self, domains: &[String]) -> anyhow::Result<Instance> {
        self.create_in(&organization(), domains).await
    }

    pub(crate) async fn create_in(&self, organization: &str, domains: &[String]) -> anyhow::Result<Instance> {
        let id = Uuid::new_v4().to_string();
        let answer = self
            .platform
            .provision(&id, organization, json!({"domains": domains}))
            .await?;
        anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        Ok(Instance {
            id,
            domains: domains.to_vec(),
        })
    }

    /// Polls until the status says something.
    pub(crate) async fn says(&self, instance: &Instance, words: &str) -> anyhow::Result<Answer> {
        self.platform
            .poll(&instance.id, PATIENCE, words, |answer| {
                answer.description().contains(words)
            })
            .await
    }

    /// The status, once it tells what to set and every domain was looked at.
    pub(crate) async fn told(&self, instance: &Instance) -> anyhow::Result<String> {
        let answer = self
            .platform
            .poll(&instance.id, PATIENCE, "what to set", |answer| {
                let text = answer.description();
                status::persist_value(text).is_some() && !text.contains("not checked yet")
            })
            .await?;
        Ok(answer.description().to_string())
    }

    /// Sets the set-once record for a domain, as the status says.
    pub(crate) async fn set_persist(&self, told: &str, domain: &str) -> anyhow::Result<()> {
        let own = status::persist_value_of(told, domain).or_else(|| status::persist_value(told));
        let value = own.context("no set-once record in the status")?;
        self.dns.set_txt(&format!("_validation-persist.{domain}"), &value).await
    }

    /// An instance that serves its domains, by set-once records.
    pub(crate) async fn created(&self, organization: &str, domains: &[String]) -> anyhow::Result<Instance> {
        let instance = self.create_in(organization, domains).await?;
        let told = self.told(&instance).await?;
        for domain in domains {
            self.set_persist(&told, domain).await?;
        }
        self.platform.succeeded(&instance.id, PATIENCE).await?;
        Ok(instance)
    }

    pub(crate) async fn delete(&self, instance: &Instance) -> anyhow::Result<()> {
        let answer = self.platform.deprovision(&instance.id).await?;
        anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        self.platform.succeeded(&instance.id, PATIENCE).await?;
        Ok(())
    }

    /// A visit of a name that is served by HTTPS.
    pub(crate) async fn visit(&self, name: &str) -> anyhow::Result<Visit> {
        let visit = self
            .browser()
            .https(name, "/")
            .await
            .with_context(|| format!("https://{name}"))?;
        anyhow::ensure!(visit.status == 200, "https://{name} answered {}", visit.status);
        Ok(visit)
    }

    /// The serial number of the certificate that its first domain is served with.
    pub(crate) async fn serial(&self, instance: &Instance) -> anyhow::Result<String> {
        Ok(self.visit(&instance.domains[0]).await?.serial)
    }

    /// Every domain serves HTTPS with a certificate that names them all.
    pub(crate) async fn serves(&self, instance: &Instance) -> anyhow::Result<()> {
        let mut names = instance.domains.clone();
        names.sort();
        for domain in &instance.domains {
            let visit = self.visit(domain).await?;
            anyhow::ensure!(
                visit.names == names,
                "certificate for {:?}, expected {names:?}",
                visit.names
            );
        }
        Ok(())
    }

    /// aws-sim's state.
    pub(crate) async fn aws(&self) -> anyhow::Result<Value> {
        Ok(reqwest::get(format!("{}/state", self.handle.endpoints().aws_admin_url))
            .await?
            .json()
            .await?)
    }

    /// aws-sim's distributions that belong to an instance.
    pub(crate) async fn distributions(&self, instance: &Instance) -> anyhow::Result<Vec<Value>> {
        let state = self.aws().await?;
        let all = state["distributions"].as_array().cloned().unwrap_or_default();
        Ok(all
            .into_iter()
            .filter(|d| d["caller_reference"] == instance.id.as_str())
            .collect())
    }

    /// Tells aws-sim something.
    pub(crate) async fn aws_admin(&self, path: &str, body: Value) -> anyhow::Result<()> {
        let url = format!("{}/{path}", self.handle.endpoints().aws_admin_url);
        reqwest::Client::new()
            .post(url)
            .json(&body)
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    /// A connection to the services' database.
    pub(crate) async fn sql(&self) -> anyhow::Result<tokio_postgres::Client> {
        self.handle.endpoints().database().await
    }

    /// How often the CA was asked for an order by this instance.
    pub(crate) async fn orders(&self, instance: &Instance) -> anyhow::Result<i64> {
        let row = self
            .sql()
            .await?
            .query_one(
                "select count(*) from orders r join operations o on o.id = r.operation_id where o.instance_id = $1 and r.url is not null",
                &[&instance.id],
            )
            .await?;
        Ok(row.get(0))
    }
}

/// A connection to another database than the services'.
pub(crate) async fn connect(url: &str) -> anyhow::Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A domain that no other test has.
pub(crate) fn domain(label: &str) -> String {
    format!("{label}-{}.example.com", &Uuid::new_v4().simple().to_string()[..12])
}

/// An organization that no other test has.
pub(crate) fn organization() -> String {
    format!("org-{}", Uuid::new_v4())
}

/// Waits until it holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await? {
        anyhow::ensure!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
