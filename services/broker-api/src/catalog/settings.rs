//! The settings that define the offering.

use std::str::FromStr;

use serde_json::Map;

use crate::catalog::file::CatalogFile;
use crate::catalog::offering::{MAXIMUM_POLLING_SECONDS, Offering, Plan, PlanSettings};

/// What is offered.
#[derive(Clone, Debug, clap::Args)]
pub struct CatalogArgs {
    /// A JSON file of the catalog: the service and its plans with their texts, prices and versions, as in
    /// docs/catalog.example.json. Without it: one plan, from the four settings below, which are ignored when it is set.
    #[arg(long, env, default_value = "", hide_default_value = true, value_name = "FILE")]
    pub catalog_file: CatalogFile,
    /// Catalog id of the service; never change it once instances exist.
    #[arg(long, env, default_value = "6f2b1a52-7c6a-4b0e-9d0c-3a4d3c1c5e01")]
    pub service_id: CatalogId,
    /// Catalog id of the plan; never change it once instances exist.
    #[arg(long, env, default_value = "b0c7b3a4-0c3e-4f55-8a2e-5d1f6c2f9e02")]
    pub plan_id: CatalogId,
    /// Catalog name of the service.
    #[arg(long, env, default_value = "cdn-route")]
    pub service_name: CatalogId,
    /// Catalog name of the plan.
    #[arg(long, env, default_value = "cdn")]
    pub plan_name: CatalogId,
}

/// A name or id in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogId(pub String);

impl FromStr for CatalogId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !text.is_empty() && text.len() <= 255 && text.chars().all(allowed) {
            Ok(Self(text.to_string()))
        } else {
            Err("1 to 255 letters, digits, hyphens, dots and underscores, since users type it".into())
        }
    }
}

impl CatalogArgs {
    /// Checks constraints between several settings.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.service_id != self.plan_id,
            "SERVICE_ID and PLAN_ID: they can't be the same"
        );
        Ok(())
    }

    /// The offering of CATALOG_FILE, or else the one plan that the single settings name.
    pub(crate) fn offering(&self) -> Offering {
        self.catalog_file.0.clone().unwrap_or_else(|| self.one_plan())
    }

    fn one_plan(&self) -> Offering {
        let metadata = [
            ("displayName", "CDN with HTTPS"),
            (
                "longDescription",
                "Serves your domains through Amazon CloudFront with a certificate from an ACME certificate authority \
                 such as Let's Encrypt. `cf service` shows the DNS records to set while it is created.",
            ),
            ("providerDisplayName", "cdn-broker"),
        ];
        Offering {
            id: self.service_id.0.clone(),
            name: self.service_name.0.clone(),
            description: "HTTPS for your own domains, served by Amazon CloudFront, with certificates from an ACME CA"
                .into(),
            tags: ["cdn", "https", "certificate", "domain"].map(String::from).into(),
            metadata: metadata
                .map(|(key, text)| (key.into(), text.into()))
                .into_iter()
                .collect(),
            plan_updateable: false,
            plans: vec![Plan {
                id: self.plan_id.0.clone(),
                name: self.plan_name.0.clone(),
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
