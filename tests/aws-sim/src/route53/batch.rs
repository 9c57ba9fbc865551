//! The body of a change: actions on record sets.

use super::NAMESPACE;
use super::errors::invalid;
use super::record_set::RecordSet;
use crate::error::Answer;
use crate::xml::{self, Element};

/// What to do with a record set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It must not be there.
    Create,
    /// It must be there, with the same content.
    Delete,
    /// It is created or replaced.
    Upsert,
}

impl Action {
    /// Its name in the service model.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Upsert => "UPSERT",
        }
    }
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What to do.
    pub action: Action,
    /// With which record set.
    pub set: RecordSet,
}

/// The changes of a request's body.
pub fn read(body: &[u8]) -> Answer<Vec<Change>> {
    let text = std::str::from_utf8(body).map_err(|_| invalid("Invalid XML ; not UTF-8"))?;
    let root = xml::parse(text).map_err(|error| invalid(format!("Invalid XML ; {error}")))?;
    if root.name != "ChangeResourceRecordSetsRequest" || root.namespace.as_deref() != Some(NAMESPACE) {
        return Err(invalid(format!(
            "Invalid XML ; Cannot find the declaration of element '{}'.",
            root.name
        )));
    }
    let changes = root
        .at("ChangeBatch/Changes")
        .map_or(&[][..], |changes| &changes.children);
    if changes.is_empty() {
        return Err(invalid("Invalid XML ; Changes is expected to have a Change"));
    }
    changes.iter().map(change).collect()
}

fn change(element: &Element) -> Answer<Change> {
    let action = element.text_at("Action").unwrap_or_default();
    let actions = [Action::Create, Action::Delete, Action::Upsert];
    let known = actions.into_iter().find(|it| it.name() == action);
    let (Some(known), Some(set)) = (known, element.child("ResourceRecordSet")) else {
        return Err(invalid(format!(
            "Invalid XML ; Action '{action}' is none of CREATE, DELETE, UPSERT, or there is no ResourceRecordSet"
        )));
    };
    let set = RecordSet::read(set, action)?;
    Ok(Change { action: known, set })
}
