//! The page that asks before an action.

use askama::Template;
use store::operator::Dossier;

use super::{Head, clean, names};
use crate::operator::action::{Action, Asks};
use crate::operator::address;

#[derive(Template)]
#[template(path = "operator/confirm.html")]
struct Document<'v> {
    head: Head<'v>,
    asks: Asks,
    /// The instance's page.
    base: String,
    id: String,
    domains: String,
    tenant: String,
    action: &'static str,
    is_cancel: bool,
    token: String,
}

/// The page.
pub(in crate::operator) fn confirm(
    who: &str,
    dossier: &Dossier,
    asks: Asks,
    token: String,
) -> Result<String, askama::Error> {
    Document {
        head: Head::new(format!("{} {}", asks.action.name(), clean(&dossier.id)), who),
        base: address::instance(&dossier.id),
        id: clean(&dossier.id),
        domains: names(&dossier.domains),
        tenant: clean(&dossier.tenant),
        action: asks.action.name(),
        is_cancel: asks.action == Action::Cancel,
        asks,
        token,
    }
    .render()
}
