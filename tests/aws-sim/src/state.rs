//! The state of the simulated account, behind one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cloudfront::distribution::Distribution;
use crate::cloudfront::functions::Function;
use crate::cloudfront::logging::Bucket;
use crate::cloudfront::newer::Newer;
use crate::counters::Counters;
use crate::edge::cache::Cache;
use crate::edge::certificate::DefaultCertificate;
use crate::error::Answer;
use crate::faults::Faults;
use crate::history::History;
use crate::iam::certificate::Certificate;
use crate::journal::Journal;
use crate::route53::calls::RecentCalls;
use crate::route53::zone::{HostedZone, RecordChange};
use crate::settings::Settings;

/// Delays and quotas that the admin endpoint can change at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Limits {
    /// Milliseconds from InProgress to Deployed.
    pub deploy_ms: u64,
    /// Milliseconds until CloudFront sees an uploaded certificate.
    pub iam_visible_ms: u64,
    /// Server certificates per account.
    pub iam_quota: usize,
    /// Distributions per account.
    pub distribution_quota: usize,
    /// CloudFront functions per account.
    pub function_quota: usize,
    /// Whether a certificate change is refused while another one is being deployed.
    pub one_certificate_change: bool,
    /// Milliseconds until a change of a hosted zone has reached every name server.
    pub insync_ms: u64,
    /// Calls of Route 53 per second; 0: no limit.
    pub zone_calls_per_second: u32,
    /// Whether a change of a hosted zone is refused while another one is on its way.
    pub one_zone_change: bool,
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        Self {
            deploy_ms: settings.deploy_ms,
            iam_visible_ms: settings.iam_visible_ms,
            iam_quota: settings.iam_quota,
            distribution_quota: settings.distribution_quota,
            function_quota: settings.function_quota,
            one_certificate_change: settings.one_certificate_change,
            insync_ms: settings.insync_ms,
            zone_calls_per_second: settings.zone_calls_per_second,
            one_zone_change: settings.one_zone_change,
        }
    }
}

/// The contents of the account.
#[derive(Debug)]
pub struct World {
    /// Distributions by id.
    pub distributions: BTreeMap<String, Distribution>,
    /// CloudFront functions by name.
    pub functions: BTreeMap<String, Function>,
    /// Every caller reference that was ever used, including those of deleted distributions.
    pub spent_references: BTreeSet<String>,
    /// Server certificates by name.
    pub certificates: BTreeMap<String, Certificate>,
    /// Aliases that belong to another account's distributions, lower case.
    pub foreign_aliases: BTreeSet<String>,
    /// The account's S3 buckets, by name.
    pub buckets: BTreeMap<String, Bucket>,
    /// Members and values that no SDK knows yet.
    pub newer: Newer,
    /// Hosted zones by id.
    pub hosted_zones: BTreeMap<String, HostedZone>,
    /// Accepted changes of hosted zones by id.
    pub record_changes: BTreeMap<String, RecordChange>,
    recent_calls: RecentCalls,
    /// Every resource that was ever created.
    pub history: History,
    /// Delays and quotas.
    pub limits: Limits,
    /// Milliseconds from InProgress to Deployed by alias, lower case: of the distributions that have it, in place of the
    /// limits' own.
    pub deployments: BTreeMap<String, u64>,
}

impl World {
    fn new(settings: &Settings) -> Self {
        let zones = settings.hosted_zones.iter();
        Self {
            distributions: BTreeMap::new(),
            functions: BTreeMap::new(),
            spent_references: BTreeSet::new(),
            certificates: BTreeMap::new(),
            foreign_aliases: BTreeSet::new(),
            buckets: BTreeMap::new(),
            newer: Newer::default(),
            hosted_zones: zones
                .map(|zone| (zone.id.clone(), HostedZone::new(&zone.name)))
                .collect(),
            record_changes: BTreeMap::new(),
            recent_calls: RecentCalls::default(),
            history: History::default(),
            limits: Limits::from(settings),
            deployments: BTreeMap::new(),
        }
    }

    fn settle(&mut self) {
        let Self {
            distributions,
            deployments,
            limits,
            ..
        } = self;
        let now = Instant::now();
        for distribution in distributions.values_mut().filter(|it| !it.deployed()) {
            let aliases = distribution.aliases();
            let own = aliases.iter().find_map(|it| deployments.get(&it.to_ascii_lowercase()));
            let after = own.copied().unwrap_or(limits.deploy_ms);
            distribution.settle(now, Duration::from_millis(after));
        }
    }

    /// Counts a call of Route 53, or refuses it.
    pub fn another_call(&mut self) -> Answer<()> {
        self.recent_calls.another(self.limits.zone_calls_per_second)
    }

    /// The certificate with this id.
    pub fn certificate_by_id(&self, id: &str) -> Option<&Certificate> {
        self.certificates.values().find(|certificate| certificate.id == id)
    }

    /// Ids of the distributions that use a function: configured, being replaced, or still served by the edge.
    pub fn users_of_function(&self, name: &str) -> Vec<&str> {
        self.distributions
            .values()
            .filter(|distribution| distribution.uses_function(name))
            .map(|distribution| distribution.id.as_str())
            .collect()
    }

    /// Ids of the distributions that use a certificate: configured, being replaced, or still served by the edge.
    pub fn users_of(&self, certificate_id: &str) -> Vec<&str> {
        self.distributions
            .values()
            .filter(|distribution| distribution.uses_certificate(certificate_id))
            .map(|distribution| distribution.id.as_str())
            .collect()
    }
}

/// The simulator's shared state.
#[derive(Debug)]
pub struct Sim {
    /// The settings at startup.
    pub settings: Settings,
    /// Injected faults.
    pub faults: Faults,
    /// Counts of calls.
    pub counters: Counters,
    /// The edge's cache.
    pub cache: Cache,
    /// The requests and responses.
    pub journal: Journal,
    /// The edge's own certificate for `*.cloudfront.net`.
    pub default_certificate: DefaultCertificate,
    world: Mutex<World>,
}

impl Sim {
    /// An empty account.
    pub fn new(settings: Settings, default_certificate: DefaultCertificate, journal: Journal) -> Self {
        let world = Mutex::new(World::new(&settings));
        Self {
            settings,
            faults: Faults::default(),
            counters: Counters::default(),
            cache: Cache::default(),
            journal,
            default_certificate,
            world,
        }
    }

    /// The account, after completing every deployment that is due.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle();
        world
    }

    /// Clears everything and restores the settings of the startup.
    pub fn reset(&self) {
        *self.world() = World::new(&self.settings);
        self.faults.clear();
        self.counters.clear();
        self.cache.clear();
    }
}
