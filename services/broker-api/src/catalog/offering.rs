//! The offering: one service with its plans.

use pipeline::instance::{KeyType, PriceClass};
use pipeline::{AccessLogs, InstanceSettings};
use serde_json::{Map, Value};

/// How long the platform polls an operation: 8 days. Cloud Controller polls for 7 days at most, and a plan can only
/// shorten that. The broker itself gives up earlier (`OPERATION_DEADLINE`), so that the user reads the broker's reason
/// rather than the platform's time-out.
pub(crate) const MAXIMUM_POLLING_SECONDS: u32 = 8 * 86_400;

/// The service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offering {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) metadata: Map<String, Value>,
    /// Whether a user may change the plan, unless the plan itself says.
    pub(crate) plan_updateable: bool,
    /// At least one; ids and names are unique.
    pub(crate) plans: Vec<Plan>,
}

/// One of its plans.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) free: bool,
    pub(crate) plan_updateable: Option<bool>,
    /// In seconds.
    pub(crate) maximum_polling_duration: u32,
    pub(crate) maintenance_info: Option<MaintenanceInfo>,
    pub(crate) metadata: Map<String, Value>,
    /// The operator's settings; never served.
    pub(crate) settings: PlanSettings,
}

/// A plan's version, as in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MaintenanceInfo {
    /// A semantic version.
    pub(crate) version: String,
    /// What changed.
    pub(crate) description: Option<String>,
}

/// The operator's settings for instances of a plan: defaults, and settings that no user can change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PlanSettings {
    pub(crate) price_class: Option<PriceClass>,
    pub(crate) access_logs: Option<AccessLogs>,
    pub(crate) certificate_key_type: Option<KeyType>,
    pub(crate) certificate_authorities: Vec<String>,
}

impl Plan {
    /// The settings of an instance of this plan: the plan's defaults fill in what the user left open.
    pub(crate) fn complete(&self, settings: InstanceSettings) -> InstanceSettings {
        InstanceSettings {
            price_class: settings.price_class.or(self.settings.price_class),
            access_logs: self.settings.access_logs.clone(),
            certificate_key_type: self.settings.certificate_key_type,
            certificate_authorities: self.settings.certificate_authorities.clone(),
            ..settings
        }
    }
}
