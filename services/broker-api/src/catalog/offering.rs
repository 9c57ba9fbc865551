//! What is offered: one service with its plans.

use pipeline::instance::{KeyType, PriceClass};
use pipeline::{AccessLogs, Settings};
use serde_json::{Map, Value};

use crate::catalog::maintenance::MaintenanceInfo;
use crate::settings::BrokerArgs;

/// How long the platform polls an operation: 8 days. Cloud Controller polls for 7 days at most, and lets a plan
/// only shorten that. The broker itself gives up before (`OPERATION_DEADLINE`), so that the user reads its reason, not the
/// platform's time-out.
pub(crate) const MAXIMUM_POLLING_SECONDS: u32 = 8 * 86_400;

/// The service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offering {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) metadata: Map<String, Value>,
    /// Whether a user may change the plan, where the plan itself doesn't say.
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
    /// The operator's own; never served.
    pub(crate) settings: PlanSettings,
}

/// What the operator has for instances of a plan: defaults, and what no user can set.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PlanSettings {
    pub(crate) price_class: Option<PriceClass>,
    pub(crate) access_logs: Option<AccessLogs>,
    pub(crate) certificate_key_type: Option<KeyType>,
}

impl Plan {
    /// The settings of an instance of this plan: what its user left open is as the plan has it.
    pub(crate) fn complete(&self, settings: Settings) -> Settings {
        Settings {
            price_class: settings.price_class.or(self.settings.price_class),
            access_logs: self.settings.access_logs.clone(),
            certificate_key_type: self.settings.certificate_key_type,
            ..settings
        }
    }
}

impl Offering {
    /// What CATALOG_FILE says, or else the one plan that single settings name.
    pub(crate) fn of(args: &BrokerArgs) -> Self {
        args.catalog_file.0.clone().unwrap_or_else(|| Self::of_settings(args))
    }

    fn of_settings(args: &BrokerArgs) -> Self {
        let metadata = [
            ("displayName", "CDN with HTTPS"),
            (
                "longDescription",
                "Serves your domains through Amazon CloudFront with a certificate from an ACME certificate authority such \
                 as Let's Encrypt. `cf service` shows the DNS records to set while it is created.",
            ),
            ("providerDisplayName", "cdn-broker"),
        ];
        Self {
            id: args.service_id.0.clone(),
            name: args.service_name.0.clone(),
            description: "HTTPS for your own domains, served by Amazon CloudFront, with certificates from an ACME CA"
                .into(),
            tags: ["cdn", "https", "certificate", "domain"].map(String::from).into(),
            metadata: metadata
                .map(|(key, text)| (key.into(), text.into()))
                .into_iter()
                .collect(),
            plan_updateable: false,
            plans: vec![Plan {
                id: args.plan_id.0.clone(),
                name: args.plan_name.0.clone(),
                description: "A CloudFront distribution and a certificate for up to 100 domains".into(),
                free: true,
                plan_updateable: None,
                maximum_polling_duration: MAXIMUM_POLLING_SECONDS,
                maintenance_info: None,
                metadata: Map::new(),
                settings: PlanSettings::default(),
            }],
        }
    }
}
