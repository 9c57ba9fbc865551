//! The catalog as the platform reads it (OSBAPI, "Catalog Management"): the offering, plus the fields that this program
//! decides.

use std::fmt;

use parameters::{NOTIFY, schema};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::catalog::offering::{Offering, Plan};

/// What the catalog offers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Catalog {
    pub(crate) services: Vec<Service>,
    /// Those of every plan.
    #[serde(skip)]
    pub(crate) schemas: OfInstance,
}

/// The service.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Service {
    pub(crate) id: String,
    name: String,
    description: String,
    bindable: bool,
    instances_retrievable: bool,
    bindings_retrievable: bool,
    plan_updateable: bool,
    allow_context_updates: bool,
    tags: Vec<String>,
    /// OSBAPI profile.md, "Service Metadata"
    metadata: Map<String, Value>,
    pub(crate) plans: Vec<ServedPlan>,
    /// By what the platform's users sign in to status pages (OSBAPI, "Dashboard Client Object")
    #[serde(skip_serializing_if = "Option::is_none")]
    dashboard_client: Option<DashboardClient>,
}

/// An OAuth 2 client, which the platform makes.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct DashboardClient {
    id: String,
    /// What the broker redeems codes with
    secret: String,
    redirect_uri: String,
}

impl DashboardClient {
    /// Id, secret, and where browsers come back to.
    pub(crate) fn new((id, secret, redirect_uri): (&str, &str, &str)) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
        }
    }
}

impl fmt::Debug for DashboardClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, redirect_uri, .. } = self;
        f.debug_struct("DashboardClient")
            .field("id", id)
            .field("redirect_uri", redirect_uri)
            .finish_non_exhaustive()
    }
}

impl Catalog {
    /// The same, with the client of the platform that reads it.
    pub(crate) fn for_platform(&self, client: Option<DashboardClient>) -> Self {
        let mut catalog = self.clone();
        for service in &mut catalog.services {
            service.dashboard_client.clone_from(&client);
        }
        catalog
    }
}

/// One of its plans.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Plan")]
pub(crate) struct ServedPlan {
    pub(crate) id: String,
    name: String,
    description: String,
    /// OSBAPI profile.md, "Service Metadata"
    metadata: Map<String, Value>,
    free: bool,
    bindable: bool,
    pub(crate) plan_updateable: bool,
    /// In seconds
    maximum_polling_duration: u32,
    schemas: Schemas,
    #[serde(skip_serializing_if = "Option::is_none")]
    maintenance_info: Option<Maintenance>,
}

impl ServedPlan {
    /// Its version, if it has one.
    pub(crate) fn version(&self) -> Option<&str> {
        self.maintenance_info.as_ref().map(|info| info.version.as_str())
    }
}

/// Which version of a plan there is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Maintenance {
    /// A semantic version
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Schemas {
    service_instance: OfInstance,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct OfInstance {
    pub(crate) create: Input,
    pub(crate) update: Input,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Input {
    /// A JSON schema, draft 4
    pub(crate) parameters: Value,
}

/// The response body. `has_notices`: somebody can be told by mail what happens.
pub(crate) fn served(offering: &Offering, default_origin: Option<&str>, has_notices: bool) -> Catalog {
    let mut create = Input {
        parameters: schema::create(default_origin),
    };
    let mut update = Input {
        parameters: schema::update(),
    };
    if !has_notices {
        for input in [&mut create, &mut update] {
            if let Some(properties) = input.parameters["properties"].as_object_mut() {
                properties.remove(NOTIFY);
            }
        }
    }
    let of_instance = OfInstance { create, update };
    let schemas = Schemas {
        service_instance: of_instance.clone(),
    };
    Catalog {
        schemas: of_instance,
        services: vec![Service {
            id: offering.id.clone(),
            name: offering.name.clone(),
            description: offering.description.clone(),
            bindable: false,
            instances_retrievable: true,
            bindings_retrievable: false,
            plan_updateable: offering.plan_updateable,
            allow_context_updates: false,
            tags: offering.tags.clone(),
            metadata: offering.metadata.clone(),
            plans: offering
                .plans
                .iter()
                .map(|plan| served_plan(offering, plan, &schemas))
                .collect(),
            dashboard_client: None,
        }],
    }
}

fn served_plan(offering: &Offering, plan: &Plan, schemas: &Schemas) -> ServedPlan {
    ServedPlan {
        id: plan.id.clone(),
        name: plan.name.clone(),
        description: plan.description.clone(),
        metadata: plan.metadata.clone(),
        free: plan.free,
        bindable: false,
        plan_updateable: plan.plan_updateable.unwrap_or(offering.plan_updateable),
        maximum_polling_duration: plan.maximum_polling_duration,
        schemas: schemas.clone(),
        maintenance_info: plan.maintenance_info.as_ref().map(|info| Maintenance {
            version: info.version.clone(),
            description: info.description.clone(),
        }),
    }
}
