//! DELETE /v2/service_instances/{id} (OSBAPI, "Deprovisioning").

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Deprovision, Requester};
use tracing::Instrument as _;

use crate::osbapi::accepted::Accepted;
use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;
use crate::osbapi::in_time::in_time;
use crate::osbapi::instance_id::InstanceId;
use crate::osbapi::originating_identity::RequestedBy;
use crate::osbapi::provision::{AsyncQuery, bad_query, broken};

/// The service and plan of the instance. The ids aren't compared with the catalog's: what exists must stay deletable.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CatalogQuery {
    /// The service's id in the catalog
    #[schemars(required, length(min = 1))]
    service_id: Option<String>,
    /// The plan's id in the catalog
    #[schemars(required, length(min = 1))]
    plan_id: Option<String>,
}

impl CatalogQuery {
    /// 400 unless both parameters are present.
    pub(crate) fn require(query: Result<Query<Self>, QueryRejection>) -> Result<(), OsbError> {
        let Query(query) = query.map_err(bad_query)?;
        for (name, value) in [("service_id", query.service_id), ("plan_id", query.plan_id)] {
            if value.is_none_or(|value| value.is_empty()) {
                return Err(OsbError::bad_request(format!("{name} is missing in the query.")));
            }
        }
        Ok(())
    }
}

pub(crate) async fn deprovision(
    State(broker): State<Arc<Broker>>,
    RequestedBy(requester): RequestedBy,
    id: InstanceId,
    asynchronous: Result<Query<AsyncQuery>, QueryRejection>,
    query: Result<Query<CatalogQuery>, QueryRejection>,
) -> Result<Accepted, OsbError> {
    AsyncQuery::require(asynchronous)?;
    CatalogQuery::require(query)?;
    // As with a provision: runs to completion even when the platform disconnects.
    let operation = tokio::spawn(begin(broker, id.0, requester).in_current_span())
        .await
        .map_err(|_| broken())??;
    Ok(Accepted { operation })
}

async fn begin(broker: Arc<Broker>, instance: String, requester: Requester) -> Result<uuid::Uuid, OsbError> {
    match in_time(broker.store.deprovision(&instance, &requester, &broker.schedules)).await? {
        Deprovision::Accepted { operation, wake_ups } => {
            tracing::info!(instance, %operation, "deprovision started");
            broker.publish(wake_ups);
            Ok(operation)
        }
        Deprovision::Running { operation } => Ok(operation),
        // "MUST be returned if the Service Instance does not exist. The expected response body is {}."
        Deprovision::Gone => Err(OsbError::bare(StatusCode::GONE)),
    }
}
