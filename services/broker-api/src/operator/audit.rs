//! The audit log, the newest entries first.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use store::AuditFilter;

use crate::operator::login::Who;
use crate::operator::refusal::Refusal;
use crate::operator::{OperatorPage, view};

/// Entries on a page.
pub(super) const PAGE: i64 = 50;

/// Where a page begins.
#[derive(Deserialize)]
pub(super) struct From {
    before: Option<i64>,
}

pub(super) async fn audit(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    from: Result<Query<From>, QueryRejection>,
) -> Result<Html<String>, Refusal> {
    let Ok(Query(From { before })) = from else {
        return Err(Refusal::NotFound);
    };
    let _turn = page.turn().await?;
    let filter = AuditFilter {
        before,
        limit: PAGE + 1,
        ..AuditFilter::default()
    };
    let mut entries = page.broker.store.audit(&filter).await?;
    let is_last = entries.len() <= PAGE as usize;
    entries.truncate(PAGE as usize);
    let next = entries.last().filter(|_| !is_last).map(|entry| entry.id);
    Ok(Html(view::audit(&who.0, &entries, next)?))
}
