//! GET /v2/catalog (OSBAPI, "Catalog Management").

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::catalog::served::{Catalog, DashboardClient};
use crate::http::access_log::PlatformName;
use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;

/// Can fail only in the ways that any request can.
pub(crate) async fn get(State(broker): State<Arc<Broker>>, platform: PlatformName) -> Result<Json<Catalog>, OsbError> {
    let peer = broker.pages.as_ref().and_then(|pages| pages.peer(&platform.0));
    let client = peer.map(|peer| DashboardClient::new(peer.in_catalog()));
    Ok(Json(broker.catalog.for_platform(client)))
}
