//! The search for orphans: resources with this broker's mark in AWS and no owner in the database. A worker died or
//! froze between creating a resource and recording it, and its instance was removed since. The differences between
//! kinds are in [`Search`].

use std::time::Duration;

use async_trait::async_trait;
use store::{OrphanKind, Store};
use telemetry::with_causes;

use crate::error::EffectError;

/// After this many consecutive resources that can't be checked, the problem lies elsewhere.
const UNREAD: u32 = 3;

/// The search for orphans of one kind.
#[async_trait]
pub trait Search: Sync {
    /// The kind.
    const KIND: OrphanKind;
    /// The reason why it is an orphan, for the log.
    const WHY: &'static str;
    /// A listed resource that may be ours.
    type Listed: Send + Sync;

    /// Every resource that looks like ours.
    async fn list(&self) -> Result<Vec<Self::Listed>, EffectError>;

    /// Its names.
    fn named<'l>(&self, listed: &'l Self::Listed) -> Named<'l>;

    /// Its owner.
    async fn judge(&self, listed: &Self::Listed) -> Result<Finding, EffectError>;

    /// Removes an orphan, or takes the next step of its removal.
    async fn remove(&self, listed: &Self::Listed) -> Result<Removal, EffectError>;
}

/// The names of an AWS resource.
#[derive(Debug, Clone, Copy)]
pub struct Named<'l> {
    /// In the log.
    pub name: &'l str,
    /// In the database.
    pub id: &'l str,
    /// Its comment in the list, if any.
    pub comment: Option<&'l str>,
}

/// The owner of an AWS resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A live instance manages it, or will.
    Owned,
    /// It belongs to another broker, or is of no concern.
    Foreign,
    /// Provably ours, and nothing here will ever use it again.
    Orphan {
        /// The instance that it belonged to.
        instance: String,
    },
    /// Marked as ours, but nothing proves that it may be removed: only logged.
    Unexplained(&'static str),
}

/// The result of removing an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It was removed.
    Removed,
    /// A step was taken, such as "disabled"; the next turn continues.
    Begun(&'static str),
    /// Nothing can be done in this turn.
    Waits,
    /// It is used by another orphan, or by something that isn't ours: the next turn checks again.
    InUse,
}

/// A warning about an AWS resource, with the log field of its kind.
macro_rules! warn_of {
    ($kind:expr, $named:expr, $($rest:tt)+) => {{
        let of = |kind| ($kind == kind).then_some($named.name);
        tracing::warn!(
            distribution = of(OrphanKind::Distribution),
            function = of(OrphanKind::Function),
            certificate = of(OrphanKind::Certificate),
            $($rest)+
        );
    }};
}

/// Searches for orphans of a kind, and removes those that have been seen for longer than `grace`. An orphan that can't
/// be checked or removed does not block the others.
///
/// # Errors
/// The database or AWS can't be queried.
pub async fn remove_orphans<S: Search>(search: &S, store: &Store, grace: Duration) -> Result<(), EffectError> {
    let kind = S::KIND.as_str();
    let (mut orphans, mut unexplained, mut unread, mut owned) = (0u32, 0u32, 0u32, Vec::new());
    for listed in search.list().await? {
        let named = search.named(&listed);
        let finding = match search.judge(&listed).await {
            Ok(finding) => finding,
            Err(error) if unread < UNREAD => {
                unread += 1;
                warn_of!(S::KIND, named, error = with_causes(&error), "can't be checked");
                continue;
            }
            Err(error) => return Err(error),
        };
        unread = 0;
        match finding {
            Finding::Owned => owned.push(named.id.to_owned()),
            Finding::Foreign => {}
            Finding::Orphan { instance } => {
                orphans += 1;
                if let Err(error) = settle(search, store, grace, &listed, &instance).await {
                    warn_of!(S::KIND, named, error = with_causes(&error), "not removed yet");
                }
            }
            Finding::Unexplained(why) => {
                unexplained += 1;
                warn_of!(
                    S::KIND,
                    named,
                    comment = named.comment,
                    why,
                    "left alone: check this {kind}, and delete it in AWS if it is not needed"
                );
            }
        }
    }
    store.no_orphans(S::KIND, &owned).await?;
    metrics::gauge!("orphans", "kind" => kind, "judged" => "to-be-removed").set(orphans);
    metrics::gauge!("orphans", "kind" => kind, "judged" => "unexplained").set(unexplained);
    Ok(())
}

/// Removes an orphan after its grace period.
async fn settle<S: Search>(
    search: &S,
    store: &Store,
    grace: Duration,
    listed: &S::Listed,
    instance: &str,
) -> Result<(), EffectError> {
    let (kind, named) = (S::KIND.as_str(), search.named(listed));
    let seen_for = store.orphan_seen(S::KIND, named.id, instance).await?;
    if seen_for < grace {
        warn_of!(
            S::KIND,
            named,
            instance,
            grace_left = ?Duration::from_secs((grace - seen_for).as_secs()),
            "this {kind} is orphaned: {}. It will be removed",
            S::WHY
        );
        return Ok(());
    }
    match search.remove(listed).await? {
        Removal::Removed => {
            store.orphan_removed(S::KIND, named.id).await?;
            metrics::counter!("orphans_removed_total", "kind" => kind).increment(1);
            warn_of!(S::KIND, named, instance, "deleted an orphaned {kind}");
        }
        Removal::Begun(step) => warn_of!(S::KIND, named, instance, "{step} an orphaned {kind}"),
        Removal::InUse => warn_of!(S::KIND, named, instance, "CloudFront uses an orphaned {kind}"),
        Removal::Waits => {}
    }
    Ok(())
}
