//! GET /v2/catalog (OSBAPI, "Catalog Management").

mod access_logs;
pub(crate) mod advice;
pub(crate) mod choice;
pub(crate) mod file;
pub(crate) mod maintenance;
mod metadata;
pub(crate) mod offering;
mod semantic_version;
pub(crate) mod served;
pub(crate) mod settings;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::broker::Broker;
use crate::catalog::served::Catalog;
use crate::error::OsbError;

/// It can't fail, but for what any request can fail by.
pub(crate) async fn get(State(broker): State<Arc<Broker>>) -> Result<Json<Catalog>, OsbError> {
    Ok(Json(broker.catalog.clone()))
}

#[cfg(test)]
mod tests;
