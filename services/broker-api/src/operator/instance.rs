//! An instance's page: what `cdnctl show` tells, the actions, and what was done to it before.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Html;
use serde::Deserialize;
use store::AuditFilter;
use store::operator::Dossier;
use time::OffsetDateTime;

use crate::operator::audit::PAGE;
use crate::operator::login::Who;
use crate::operator::outcome::Outcome;
use crate::operator::refusal::Refusal;
use crate::operator::{OperatorPage, view};

/// What came of an action that led here.
#[derive(Deserialize)]
pub(super) struct Told {
    told: Option<String>,
}

pub(super) async fn instance(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    path: Result<Path<String>, PathRejection>,
    told: Result<Query<Told>, QueryRejection>,
) -> Result<Html<String>, Refusal> {
    let (Ok(Path(id)), Ok(Query(Told { told }))) = (path, told) else {
        return Err(Refusal::NotFound);
    };
    let _turn = page.turn().await?;
    let dossier = page.dossier(&id).await?;
    let filter = AuditFilter {
        instance: Some(id.as_str()),
        limit: PAGE,
        ..AuditFilter::default()
    };
    let audit = page.broker.store.audit(&filter).await?;
    let link = page.link(&id, dossier.read_at).await?;
    let told = told.as_deref().and_then(Outcome::named);
    let has_pages = page.broker.pages.is_some();
    Ok(Html(view::instance(&who.0, &dossier, &audit, link, has_pages, told)?))
}

impl OperatorPage {
    /// Everything that is known about the instance.
    pub(super) async fn dossier(&self, id: &str) -> Result<Dossier, Refusal> {
        // PostgreSQL's text holds no NUL.
        if id.contains('\0') {
            return Err(Refusal::NotFound);
        }
        let dossier = self.broker.store.dossier(id).await?;
        dossier.ok_or(Refusal::NotFound)
    }

    /// The link to its status page, if it is alive. That it is shown here doesn't make it last longer.
    async fn link(&self, id: &str, now: OffsetDateTime) -> Result<Option<String>, Refusal> {
        let Some(pages) = &self.broker.pages else {
            return Ok(None);
        };
        let link = self.broker.store.page_link(id).await?;
        let alive = link.filter(|link| link.revoked_at.is_none() && link.expires_at > now);
        Ok(alive.map(|link| pages.links.url(id, link.number)))
    }
}
