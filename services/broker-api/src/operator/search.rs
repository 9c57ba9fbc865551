//! The search: one field for a domain, an instance and an organization.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Html;
use parameters::host_name;
use serde::Deserialize;
use store::operator::{List, Listing, Place, Wanted};

use crate::operator::lists::{PAGE, place};
use crate::operator::login::Who;
use crate::operator::refusal::Refusal;
use crate::operator::{OperatorPage, address, view};

/// The most characters of what is searched: an id's or a name's.
const LONGEST: usize = 255;
/// A shorter beginning of an id would find every instance.
const SHORTEST_BEGINNING: usize = 3;

/// What the address says.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    by: Option<String>,
    after: Option<String>,
    id: Option<String>,
}

/// By what is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Domain,
    Instance,
    Organization,
}

impl By {
    const ALL: [Self; 3] = [Self::Domain, Self::Instance, Self::Organization];

    fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Instance => "instance",
            Self::Organization => "organization",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Domain => "By domain",
            Self::Instance => "By the beginning of the instance's id",
            Self::Organization => "By organization",
        }
    }
}

/// What one of them found.
pub(super) struct Found {
    pub(super) by: By,
    pub(super) listing: Listing,
    /// Where the next page is.
    pub(super) next: Option<String>,
}

/// What is searched, in the form in which the database has it. `None`: there can't be any such.
fn sought(by: By, text: &str) -> Option<String> {
    let text = text.trim();
    match by {
        By::Domain => {
            let lower = text.trim_end_matches('.').to_ascii_lowercase();
            // What is below a name includes its wildcard.
            let bare = lower
                .strip_prefix("*.")
                .or_else(|| lower.strip_prefix('.'))
                .unwrap_or(&lower);
            host_name(bare)
                .ok()
                .or_else(|| is_one_label(bare).then(|| bare.to_owned()))
        }
        By::Instance => Some(text.to_owned()).filter(|text| text.chars().count() >= SHORTEST_BEGINNING),
        By::Organization => Some(text.to_owned()).filter(|text| !text.is_empty()),
    }
}

/// A top-level domain.
fn is_one_label(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Found {
    fn of(by: By, text: &str, listing: Listing) -> Self {
        let page_after = |place: &Place| {
            let query = [
                ("q", text),
                ("by", by.name()),
                ("after", place.key.as_str()),
                ("id", place.instance.as_str()),
            ];
            address::with("/search", &query)
        };
        let next = listing.next.as_ref().map(page_after);
        Self { by, listing, next }
    }
}

pub(super) async fn search(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Html<String>, Refusal> {
    let Ok(Query(Asked { q, by, after, id })) = asked else {
        return Err(Refusal::NotFound);
    };
    if q.chars().count() > LONGEST {
        return Err(Refusal::NotFound);
    }
    let kinds: Vec<By> = match by.as_deref() {
        None => By::ALL.into(),
        Some(name) => By::ALL.into_iter().filter(|by| by.name() == name).collect(),
    };
    let after = place(after, id).filter(|_| by.is_some());
    let turn = page.turn().await?;
    let mut found = Vec::new();
    for by in kinds {
        let Some(text) = sought(by, &q) else { continue };
        let wanted = match by {
            By::Domain => Wanted::Domain(&text),
            By::Instance => Wanted::Beginning(&text),
            By::Organization => Wanted::Tenant(&text),
        };
        let store = &page.broker.store;
        let listing = store.listing(List::Found(wanted), after.as_ref(), PAGE).await?;
        if !listing.rows.is_empty() {
            found.push(Found::of(by, &q, listing));
        }
    }
    drop(turn);
    Ok(Html(view::search(&who.0, &q, found)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_is_read_in_three_ways() {
        let domain = |text| sought(By::Domain, text);
        for text in [
            "www.Example.com",
            " www.example.com. ",
            "*.www.example.com",
            ".www.example.com",
        ] {
            assert_eq!(domain(text).as_deref(), Some("www.example.com"), "{text}");
        }
        assert_eq!(domain("com").as_deref(), Some("com"));
        for odd in ["", "a b", "<script>", "\0", "%"] {
            assert_eq!(domain(odd), None, "{odd:?}");
        }
        assert_eq!(sought(By::Instance, " 8b8 ").as_deref(), Some("8b8"));
        assert_eq!(sought(By::Instance, "8b"), None);
        assert_eq!(sought(By::Organization, "k8s:c/n#1").as_deref(), Some("k8s:c/n#1"));
        assert_eq!(sought(By::Organization, " "), None);
    }
}
