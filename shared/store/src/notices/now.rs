//! How things stand of which a notice tells, when its letter is written: what is over by then is not told any more.

use std::collections::BTreeMap;

use ::notices::Facts;
use deadpool_postgres::Transaction;
use pipeline::status::{Danger, View, endangered, waits_for_user};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::Statement;
use crate::status::view_of;

/// How things stand.
#[derive(Debug, Clone)]
pub struct Now {
    /// The status of the operation that waits or of the renewal that does not get done, else of the instance.
    pub view: View,
    /// When an operation that waits for its user ends, if nothing is done.
    pub ends_at: Option<OffsetDateTime>,
}

/// Whether a notice is still news.
pub(super) enum Still {
    /// It tells of something that has happened.
    Happened,
    /// It tells of something that lasts.
    Lasts(Box<Now>),
    /// That is over.
    Over,
}

/// Reads how things stand, each status once.
#[derive(Default)]
pub(super) struct Standing {
    views: BTreeMap<(String, Option<Uuid>), Option<View>>,
}

impl Standing {
    pub(super) async fn of(
        &mut self,
        tx: &Transaction<'_>,
        instance: &str,
        facts: &Facts,
    ) -> Result<Still, StoreError> {
        let now = match facts {
            Facts::Ended { .. } | Facts::Left { .. } => return Ok(Still::Happened),
            Facts::Todo { operation } => self.todo(tx, instance, *operation).await?,
            Facts::Trouble { certificate } => self.trouble(tx, instance, *certificate).await?,
            Facts::Leaves { name } => self.endangered(tx, instance, name, Danger::Leaves).await?,
            Facts::Lapses { name } => self.endangered(tx, instance, name, Danger::Lapses).await?,
        };
        Ok(now.map_or(Still::Over, |now| Still::Lasts(Box::new(now))))
    }

    async fn todo(&mut self, tx: &Transaction<'_>, instance: &str, operation: Uuid) -> Result<Option<Now>, StoreError> {
        let Some(view) = self.view(tx, instance, Some(operation)).await?.filter(waits_for_user) else {
            return Ok(None);
        };
        let row = Statement::new(
            "notice-todo-ends",
            "select least(o.deadline_at, (select min(s.deadline_at) from steps s where s.operation_id = o.id \
             and s.state is not distinct from 'waiting' and s.kind = 'verify-challenge')) from operations o where o.id = $1",
        )
        .one(tx, &[&operation])
        .await?;
        let ends_at = row.try_get(0)?;
        Ok(Some(Now { view, ends_at }))
    }

    /// As long as the certificate is in use.
    async fn trouble(
        &mut self,
        tx: &Transaction<'_>,
        instance: &str,
        certificate: Uuid,
    ) -> Result<Option<Now>, StoreError> {
        let row = Statement::new(
            "notice-trouble-now",
            "select t.operation_id from renewals_in_trouble t where t.instance_id = $1 \
             and $2 = (select u.id from certificates_in_use u where u.instance_id = $1) \
             and exists (select from claims k where k.instance_id = $1 and k.lost_at is null)",
        )
        .optional(tx, &[&instance, &certificate])
        .await?;
        let Some(row) = row else { return Ok(None) };
        let view = self.view(tx, instance, Some(row.try_get(0)?)).await?;
        Ok(view.map(|view| Now { view, ends_at: None }))
    }

    async fn endangered(
        &mut self,
        tx: &Transaction<'_>,
        instance: &str,
        name: &str,
        danger: Danger,
    ) -> Result<Option<Now>, StoreError> {
        let view = self.view(tx, instance, None).await?;
        let view = view.filter(|view| endangered(view, name, danger).is_some());
        Ok(view.map(|view| Now { view, ends_at: None }))
    }

    async fn view(
        &mut self,
        tx: &Transaction<'_>,
        instance: &str,
        operation: Option<Uuid>,
    ) -> Result<Option<View>, StoreError> {
        let key = (instance.to_owned(), operation);
        if let Some(known) = self.views.get(&key) {
            return Ok(known.clone());
        }
        let view = view_of(tx, instance, operation).await?;
        self.views.insert(key, view.clone());
        Ok(view)
    }
}
