//! A distribution and its deployment to the edge.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::functions::Function;
use super::functions::associations::associations;
use crate::edge::config::EdgeConfig;
use crate::ids;
use crate::xml::Element;

/// A distribution of this account.
#[derive(Debug)]
pub struct Distribution {
    /// `E…`
    pub id: String,
    /// `d….cloudfront.net`
    pub domain_name: String,
    /// Current version.
    pub etag: String,
    /// The complete configuration, as the service returns it.
    pub config: Element,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// When it was last changed.
    pub modified: OffsetDateTime,
    /// When the last configuration was deployed, by the settings that counted then; `None` while it is not.
    pub deployed_at: Option<OffsetDateTime>,
    /// The configuration that the edge currently serves.
    pub live: Option<Arc<EdgeConfig>>,
    rollouts: VecDeque<(Instant, Arc<EdgeConfig>)>,
}

impl Distribution {
    /// A new distribution, whose first configuration is being deployed.
    pub fn new(config: Element, edge: EdgeConfig, tags: BTreeMap<String, String>) -> Self {
        let mut new = Self {
            id: ids::distribution(),
            domain_name: ids::domain_name(),
            etag: String::new(),
            config: Element::default(),
            tags,
            modified: OffsetDateTime::now_utc(),
            deployed_at: None,
            live: None,
            rollouts: VecDeque::new(),
        };
        new.replace(config, edge);
        new
    }

    /// Replaces the configuration: a new ETag, and `InProgress` until it is deployed.
    pub fn replace(&mut self, config: Element, edge: EdgeConfig) {
        self.config = config;
        self.etag = ids::distribution();
        self.modified = OffsetDateTime::now_utc();
        self.deployed_at = None;
        self.rollouts.push_back((Instant::now(), Arc::new(edge)));
    }

    /// Deploys the configurations that have been pending long enough.
    pub fn settle(&mut self, now: Instant, after: Duration) {
        while let Some((since, edge)) = self.rollouts.front() {
            let Some(ago) = now.duration_since(*since).checked_sub(after) else {
                break;
            };
            self.live = Some(Arc::clone(edge));
            self.rollouts.pop_front();
            if self.rollouts.is_empty() {
                self.deployed_at = Some(OffsetDateTime::now_utc() - ago);
            }
        }
    }

    /// Whether the last configuration is deployed.
    pub fn deployed(&self) -> bool {
        self.rollouts.is_empty()
    }

    /// `Deployed` or `InProgress`.
    pub fn status(&self) -> &'static str {
        if self.deployed() { "Deployed" } else { "InProgress" }
    }

    /// Whether the current configuration is enabled.
    pub fn enabled(&self) -> bool {
        self.config.is_true("Enabled")
    }

    /// The configured aliases.
    pub fn aliases(&self) -> Vec<String> {
        self.config.item_texts("Aliases")
    }

    /// Id of the configured IAM certificate.
    pub fn certificate_id(&self) -> Option<&str> {
        self.config.given("ViewerCertificate/IAMCertificateId")
    }

    /// Whether this would change the certificate again while a change is being deployed.
    pub fn changes_certificate_twice(&self, config: &Element) -> bool {
        let live = self.live.as_ref().and_then(|edge| edge.certificate_id.as_deref());
        let new = config.given("ViewerCertificate/IAMCertificateId");
        !self.deployed() && self.live.is_some() && live != self.certificate_id() && new != self.certificate_id()
    }

    /// `arn:aws:cloudfront::…`
    pub fn arn(&self) -> String {
        format!("arn:aws:cloudfront::{}:distribution/{}", ids::ACCOUNT, self.id)
    }

    /// Whether the current configuration, one being deployed, or the one that the edge serves uses this function.
    pub fn uses_function(&self, name: &str) -> bool {
        associations(&self.config).any(|(arn, _)| Function::name_in(arn) == Some(name))
            || self
                .live
                .iter()
                .chain(self.rollouts.iter().map(|(_, edge)| edge))
                .any(|edge| edge.functions.iter().any(|used| used == name))
    }

    /// Whether the current configuration, one being deployed, or the one that the edge serves uses this certificate.
    pub fn uses_certificate(&self, id: &str) -> bool {
        self.certificate_id() == Some(id)
            || self
                .live
                .iter()
                .chain(self.rollouts.iter().map(|(_, edge)| edge))
                .any(|edge| edge.certificate_id.as_deref() == Some(id))
    }
}
