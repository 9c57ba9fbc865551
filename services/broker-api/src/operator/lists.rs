//! The lists behind the numbers.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Html;
use pipeline::StepKind;
use serde::Deserialize;
use store::Figures;
use store::operator::{Kind, List, Place, WhoseMove};

use crate::operator::login::Who;
use crate::operator::refusal::Refusal;
use crate::operator::{OperatorPage, address, view};

/// Rows on a page.
pub(super) const PAGE: u16 = 50;
/// The most characters of what an address names.
const LONGEST: usize = 300;

/// What the address of a list says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    step: Option<String>,
    whose: Option<String>,
    operation: Option<String>,
    why: Option<String>,
    left: Option<String>,
    after: Option<String>,
    id: Option<String>,
}

/// Where a page begins: after this row.
pub(super) fn place(key: Option<String>, instance: Option<String>) -> Option<Place> {
    Some(Place {
        key: key?,
        instance: instance?,
    })
}

/// A list, with its heading, its address, and what its address says.
pub(super) struct Titled<'a> {
    pub(super) list: List<'a>,
    pub(super) title: String,
    path: &'static str,
    query: Vec<(&'static str, &'a str)>,
}

impl<'a> Titled<'a> {
    /// Operations that run.
    fn running(asked: &'a Asked) -> Option<Self> {
        let step = asked.step.as_deref();
        // An unknown kind is nobody's list.
        let doing = step.map(str::parse::<StepKind>).transpose().ok()?;
        let whose = match asked.whose.as_deref() {
            None => None,
            Some("users") => Some(WhoseMove::Users),
            Some("machines") => Some(WhoseMove::Machines),
            Some(_) => return None,
        };
        let title = match (doing, whose) {
            (Some(kind), _) => format!("In progress: {}", kind.as_str()),
            (None, Some(WhoseMove::Users)) => "Waiting for users".to_owned(),
            (None, Some(WhoseMove::Machines)) => "Waiting for machines".to_owned(),
            (None, None) => "In progress".to_owned(),
        };
        let given = [("step", step), ("whose", asked.whose.as_deref())];
        Some(Self {
            list: List::Running { step, whose },
            title,
            path: "/running",
            query: named(given),
        })
    }

    /// Failures of the last day.
    fn failed(asked: &'a Asked) -> Self {
        let (operation, step) = (asked.operation.as_deref(), asked.step.as_deref());
        let why = asked.why.as_deref().unwrap_or_default();
        let only = operation.map(|operation| Kind { operation, step, why });
        let title = match only {
            None => "Failed within the last day".to_owned(),
            Some(kind) => {
                let what = [Some(kind.operation), kind.step, Some(kind.why)];
                let what: Vec<&str> = what.into_iter().flatten().filter(|text| !text.is_empty()).collect();
                format!("Failed within the last day: {}", what.join(", "))
            }
        };
        let given = [("operation", operation), ("step", step), ("why", asked.why.as_deref())];
        Self {
            list: List::Failed { only },
            title,
            path: "/failed",
            query: named(given),
        }
    }

    /// Certificates by the days that they have left.
    fn ending(asked: &'a Asked) -> Option<Self> {
        let left = asked.left.as_deref();
        let (from_days, below_days) = match left {
            None => (None, None),
            Some(left) => days(left)?,
        };
        let title = match left {
            None => "Certificates in use, the first to end first".to_owned(),
            Some("ended") => "Certificates in use that have ended".to_owned(),
            Some(left) => format!("Certificates in use that have {left} days left"),
        };
        Some(Self {
            list: List::Ending { from_days, below_days },
            title,
            path: "/certificates",
            query: named([("left", left)]),
        })
    }

    /// Renewals that don't complete.
    fn trouble() -> Self {
        Self {
            list: List::InTrouble,
            title: "Renewals in trouble".to_owned(),
            path: "/trouble",
            query: Vec::new(),
        }
    }

    /// Where the page after this place is.
    pub(super) fn next(&self, place: &Place) -> String {
        let mut query = self.query.clone();
        query.extend([("after", place.key.as_str()), ("id", place.instance.as_str())]);
        address::with(self.path, &query)
    }
}

fn named<'a, const N: usize>(given: [(&'static str, Option<&'a str>); N]) -> Vec<(&'static str, &'a str)> {
    given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// From how many days on, and below how many, a count of certificates is.
fn days(left: &str) -> Option<(Option<u16>, Option<u16>)> {
    if !Figures::DAYS_LEFT.contains(&left) {
        return None;
    }
    if left == "ended" {
        return Some((None, Some(0)));
    }
    if let Some(from) = left.strip_suffix('+') {
        return Some((Some(from.parse().ok()?), None));
    }
    let (from, to) = left.split_once('-')?;
    Some((Some(from.parse().ok()?), Some(to.parse::<u16>().ok()?.checked_add(1)?)))
}

type Given = Result<Query<Asked>, QueryRejection>;
type Shown = Result<Html<String>, Refusal>;

pub(super) async fn running(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    given: Given,
) -> Shown {
    let asked = checked(given)?;
    let titled = Titled::running(&asked).ok_or(Refusal::NotFound)?;
    shown(&page, &who, &asked, &titled).await
}

pub(super) async fn failed(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    given: Given,
) -> Shown {
    let asked = checked(given)?;
    shown(&page, &who, &asked, &Titled::failed(&asked)).await
}

pub(super) async fn ending(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    given: Given,
) -> Shown {
    let asked = checked(given)?;
    let titled = Titled::ending(&asked).ok_or(Refusal::NotFound)?;
    shown(&page, &who, &asked, &titled).await
}

pub(super) async fn trouble(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
    given: Given,
) -> Shown {
    let asked = checked(given)?;
    shown(&page, &who, &asked, &Titled::trouble()).await
}

fn checked(given: Given) -> Result<Asked, Refusal> {
    let Ok(Query(asked)) = given else {
        return Err(Refusal::NotFound);
    };
    let texts = [
        &asked.step,
        &asked.whose,
        &asked.operation,
        &asked.why,
        &asked.left,
        &asked.after,
        &asked.id,
    ];
    let is_short = |text: &&Option<String>| text.as_deref().is_none_or(|text| text.chars().count() <= LONGEST);
    match texts.iter().all(is_short) {
        true => Ok(asked),
        false => Err(Refusal::NotFound),
    }
}

async fn shown(page: &OperatorPage, who: &Who, asked: &Asked, titled: &Titled<'_>) -> Shown {
    let after = place(asked.after.clone(), asked.id.clone());
    let turn = page.turn().await?;
    let listing = page.broker.store.listing(titled.list, after.as_ref(), PAGE).await?;
    drop(turn);
    Ok(Html(view::listing(&who.0, titled, listing)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_of_certificates_has_its_list() {
        let all: Vec<_> = Figures::DAYS_LEFT.iter().map(|left| days(left)).collect();
        let day = |from, below| Some((from, below));
        assert_eq!(
            all,
            [
                day(None, Some(0)),
                day(Some(0), Some(7)),
                day(Some(7), Some(14)),
                day(Some(14), Some(21)),
                day(Some(21), Some(30)),
                day(Some(30), Some(60)),
                day(Some(60), None),
            ]
        );
        for odd in ["", "7", "0-7", "-", "+", "-1-6"] {
            assert_eq!(days(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_next_page_is_of_the_same_list() {
        let asked = Asked {
            operation: Some("provision".to_owned()),
            why: Some("ca limits".to_owned()),
            ..Asked::default()
        };
        let place = Place {
            key: "2026-11-25T03:00:00Z".to_owned(),
            instance: "i 1".to_owned(),
        };
        assert_eq!(
            Titled::failed(&asked).next(&place),
            "/failed?operation=provision&why=ca%20limits&after=2026-11-25T03%3A00%3A00Z&id=i%201"
        );
        assert_eq!(
            Titled::failed(&asked).title,
            "Failed within the last day: provision, ca limits"
        );
        let unknown = |step: &str, whose: &str| Asked {
            step: Some(step.to_owned()).filter(|step| !step.is_empty()),
            whose: Some(whose.to_owned()).filter(|whose| !whose.is_empty()),
            ..Asked::default()
        };
        assert!(Titled::running(&unknown("reboot-the-moon", "")).is_none());
        assert!(Titled::running(&unknown("", "nobody")).is_none());
        let users = unknown("place-order", "users");
        let list = Titled::running(&users).map(|titled| titled.list);
        let expected = List::Running {
            step: Some("place-order"),
            whose: Some(WhoseMove::Users),
        };
        assert_eq!(list, Some(expected));
    }
}
