//! GET /v2/catalog (OSBAPI, "Catalog Management").

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::catalog::served::Catalog;
use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;

/// Can fail only in the ways that any request can.
pub(crate) async fn get(State(broker): State<Arc<Broker>>) -> Result<Json<Catalog>, OsbError> {
    Ok(Json(broker.catalog.clone()))
}
