//! Shared code of the tests: a simulator with its CA, SDK clients, configurations, an origin and a viewer.

pub(crate) mod ca;
pub(crate) mod configs;
pub(crate) mod functions;
pub(crate) mod origin;
pub(crate) mod records;
pub(crate) mod viewer;

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_sdk_cloudfront::config::http::HttpResponse;
use aws_sdk_cloudfront::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_cloudfront::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudfront::types::{Distribution, DistributionConfig};
use aws_sim::{Running, Settings};
use serde_json::Value;

pub(crate) use ca::{Ca, Leaf};

/// Long enough that no deployment completes by itself during a test.
pub(crate) const NEVER: u64 = 3_600_000;

/// A simulator with everything that a test needs.
pub(crate) struct World {
    pub(crate) running: Running,
    pub(crate) ca: Ca,
    pub(crate) cloudfront: aws_sdk_cloudfront::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    _roots: RootsFile,
}

struct RootsFile(PathBuf);

impl Drop for RootsFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Deploys immediately, sees certificates immediately, trusts the world's own CA.
pub(crate) async fn world() -> World {
    world_with(|_| {}).await
}

/// The same with other settings.
pub(crate) async fn world_with(change: impl FnOnce(&mut Settings)) -> World {
    let ca = Ca::new("Test Root");
    let path = std::env::temp_dir().join(format!("aws-sim-roots-{}.pem", aws_sim::ids::token(16)));
    std::fs::write(&path, ca.pem()).unwrap();
    let mut settings = Settings {
        deploy_ms: 0,
        iam_visible_ms: 0,
        trusted_roots: vec![path.clone()],
        ..Settings::default()
    };
    change(&mut settings);
    let running = aws_sim::start(settings).await.unwrap();
    let (cloudfront, iam) = clients(&running, "test", "test", "us-east-1");
    World {
        running,
        ca,
        cloudfront,
        iam,
        _roots: RootsFile(path),
    }
}

/// SDK clients without retries.
pub(crate) fn clients(
    running: &Running,
    key: &str,
    secret: &str,
    region: &str,
) -> (aws_sdk_cloudfront::Client, aws_sdk_iam::Client) {
    let endpoint = format!("http://{}", running.api_addr);
    let credentials = Credentials::new(key, secret, None, None, "test");
    let cloudfront = aws_sdk_cloudfront::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(&endpoint)
        .credentials_provider(credentials.clone())
        .retry_config(RetryConfig::disabled())
        .build();
    let iam = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(&endpoint)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::disabled())
        .build();
    (
        aws_sdk_cloudfront::Client::from_conf(cloudfront),
        aws_sdk_iam::Client::from_conf(iam),
    )
}

impl World {
    /// Creates a distribution that must be accepted.
    pub(crate) async fn create(&self, config: DistributionConfig) -> (Distribution, String) {
        let made = self
            .cloudfront
            .create_distribution()
            .distribution_config(config)
            .send()
            .await
            .unwrap();
        (made.distribution.unwrap(), made.e_tag.unwrap())
    }

    /// Creates a distribution that must be refused.
    pub(crate) async fn refused(&self, config: DistributionConfig) -> Refusal {
        refusal(
            self.cloudfront
                .create_distribution()
                .distribution_config(config)
                .send()
                .await,
        )
    }

    /// Reads configuration and ETag, changes, and writes back.
    pub(crate) async fn update(
        &self,
        id: &str,
        change: impl FnOnce(&mut DistributionConfig),
    ) -> Result<
        String,
        SdkError<aws_sdk_cloudfront::operation::update_distribution::UpdateDistributionError, HttpResponse>,
    > {
        let read = self.cloudfront.get_distribution_config().id(id).send().await.unwrap();
        let mut config = read.distribution_config.unwrap();
        change(&mut config);
        let sent = self
            .cloudfront
            .update_distribution()
            .id(id)
            .if_match(read.e_tag.unwrap())
            .distribution_config(config);
        Ok(sent.send().await?.e_tag.unwrap())
    }

    /// `Deployed` or `InProgress`.
    pub(crate) async fn status(&self, id: &str) -> String {
        self.cloudfront
            .get_distribution()
            .id(id)
            .send()
            .await
            .unwrap()
            .distribution
            .unwrap()
            .status
    }

    /// Uploads a certificate for CloudFront and returns its id.
    pub(crate) async fn upload(&self, name: &str, leaf: &Leaf) -> String {
        let sent = self
            .iam
            .upload_server_certificate()
            .path("/cloudfront/test/")
            .server_certificate_name(name);
        let sent = sent.certificate_body(leaf.cert_pem()).private_key(leaf.key_pem());
        let metadata = sent.send().await.unwrap().server_certificate_metadata.unwrap();
        metadata.server_certificate_id
    }

    /// A distribution that serves these names with a certificate of the world's CA.
    pub(crate) async fn serving(&self, reference: &str, names: &[&str]) -> Distribution {
        let certificate = self.upload(reference, &self.ca.leaf(names)).await;
        self.create(configs::with_certificate(reference, names, &certificate))
            .await
            .0
    }

    /// Posts JSON to the admin endpoint.
    pub(crate) async fn admin(&self, path: &str, body: Value) {
        let request = http::Request::post(path).header("content-type", "application/json");
        let answer = viewer::plain(self.running.admin_addr, request, body.to_string()).await;
        assert!(answer.status().is_success(), "{path}: {answer:?}");
    }

    /// Deletes a resource by the admin endpoint.
    pub(crate) async fn remove(&self, path: &str, body: Value) {
        let request = http::Request::delete(path).header("content-type", "application/json");
        let answer = viewer::plain(self.running.admin_addr, request, body.to_string()).await;
        assert!(answer.status().is_success(), "{path}: {answer:?}");
    }

    /// Reads JSON from the admin endpoint.
    pub(crate) async fn admin_get(&self, path: &str) -> Value {
        let answer = viewer::plain(self.running.admin_addr, http::Request::get(path), String::new()).await;
        serde_json::from_slice(answer.body()).unwrap()
    }
}

/// The error of a refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl Refusal {
    /// Fails unless code and status are these.
    #[track_caller]
    pub(crate) fn is(&self, code: &str, status: u16) -> &Self {
        assert_eq!((self.code.as_str(), self.status), (code, status), "{}", self.message);
        self
    }

    /// Fails unless the message contains this.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.message.contains(text), "{}", self.message);
    }
}

/// The error of a result that must be one.
#[track_caller]
pub(crate) fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(
    result: Result<T, SdkError<E, HttpResponse>>,
) -> Refusal {
    let error = result.expect_err("must be refused");
    let status = error
        .raw_response()
        .unwrap_or_else(|| panic!("{error:?}"))
        .status()
        .as_u16();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Refusal {
        code: text(error.code()),
        status,
        message: text(error.message()),
    }
}

/// Waits for a condition, at most ten seconds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
