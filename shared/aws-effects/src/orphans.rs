//! The search for orphans: what has this broker's mark in AWS and no owner in the database. A worker died or froze between making it and
//! writing it down, and its instance was removed meanwhile. What differs from kind to kind is [`Search`].

use std::time::Duration;

use async_trait::async_trait;
use store::{OrphanKind, Store};
use telemetry::with_causes;

use crate::error::EffectError;

/// After so many in a row that can't be looked at, the fault is not theirs.
const UNREAD: u32 = 3;

/// Where orphans of one kind are searched for.
#[async_trait]
pub trait Search: Sync {
    /// The kind.
    const KIND: OrphanKind;
    /// What makes it an orphan, for the log.
    const WHY: &'static str;
    /// Something that may be ours, as a list has it.
    type Listed: Send + Sync;

    /// Everything that looks as if it were ours.
    async fn list(&self) -> Result<Vec<Self::Listed>, EffectError>;

    /// What it is called.
    fn named<'l>(&self, listed: &'l Self::Listed) -> Named<'l>;

    /// Whose it is.
    async fn judge(&self, listed: &Self::Listed) -> Result<Finding, EffectError>;

    /// Removes an orphan, or goes one step further on its way out.
    async fn remove(&self, listed: &Self::Listed) -> Result<Removal, EffectError>;
}

/// What something in AWS is called.
#[derive(Debug, Clone, Copy)]
pub struct Named<'l> {
    /// In the log.
    pub name: &'l str,
    /// In the database.
    pub id: &'l str,
    /// What else its list says of it.
    pub comment: Option<&'l str>,
}

/// Whose something in AWS is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Somebody looks after it, or will.
    Owned,
    /// Another broker's, or nobody's business.
    Foreign,
    /// Provably ours, and nothing here will ever look at it again.
    Orphan {
        /// Whose it was.
        instance: String,
    },
    /// It says to be ours, but nothing proves that it may go: only told.
    Unexplained(&'static str),
}

/// What the removal of an orphan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// A step was made, such as "disabled"; the next turn goes on.
    Begun(&'static str),
    /// There is nothing to do in this turn.
    Waits,
    /// Whoever uses it is an orphan too, or somebody else's matter: the next turn sees.
    InUse,
}

/// A warning about something in AWS: by the field that its kind has in the log.
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

/// Searches for orphans of a kind, and removes those that are seen for longer than `grace`. One that can't be looked at, or can't be
/// removed, doesn't keep the others.
///
/// # Errors
/// The database or AWS can't be asked.
pub async fn remove_orphans<S: Search>(search: &S, store: &Store, grace: Duration) -> Result<(), EffectError> {
    let kind = S::KIND.as_str();
    let (mut orphans, mut unexplained, mut unread, mut owned) = (0u32, 0u32, 0u32, Vec::new());
    for listed in search.list().await? {
        let named = search.named(&listed);
        let finding = match search.judge(&listed).await {
            Ok(finding) => finding,
            Err(error) if unread < UNREAD => {
                unread += 1;
                warn_of!(S::KIND, named, error = with_causes(&error), "can't be looked at");
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
                    "left alone: look at this {kind}, and delete it in AWS if nobody needs it"
                );
            }
        }
    }
    store.no_orphans(S::KIND, &owned).await?;
    metrics::gauge!("orphans", "kind" => kind, "judged" => "to-be-removed").set(orphans);
    metrics::gauge!("orphans", "kind" => kind, "judged" => "unexplained").set(unexplained);
    Ok(())
}

/// Removes an orphan after its grace.
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
