//! The pages of mails' links.

use askama::Template;
use axum::response::Html;
use notices::Purpose;
use pipeline::shown::harmless;
use store::{LinkOpened, RecipientState};

use crate::notify::asked::Asked;
use crate::notify::refusal::Refusal;
use crate::page::assets;

/// The most characters of an instance's id or an address that are shown.
const MOST: usize = 255;

#[derive(Template)]
#[template(path = "notify.html")]
struct Document {
    stylesheet: String,
    title: &'static str,
    says: String,
    instances: Vec<Instance>,
    buttons: Vec<Button>,
}

struct Instance {
    shown: String,
    /// What the form that leaves it alone names; `None`: there is no such form.
    leaves: Option<String>,
}

struct Button {
    does: &'static str,
    words: &'static str,
    says: &'static str,
}

/// The page that asks before anything is done.
pub(super) fn asks(purpose: Purpose, opened: &LinkOpened) -> Result<Html<String>, Refusal> {
    let address = harmless(&opened.shortened, MOST);
    let (title, says) = match (purpose, opened.state) {
        (Purpose::Confirm, RecipientState::Confirmed) => (
            "Notices are sent",
            format!("{address} has confirmed already, and is told what happens to these service instances."),
        ),
        (Purpose::Confirm, _) => (
            "May notices be sent?",
            format!(
                "These service instances want to tell {address} what happens to them. Nothing is sent until you say so here."
            ),
        ),
        (Purpose::Leave, RecipientState::Unsubscribed) => (
            "No notices are sent",
            format!("{address} is told nothing by this organization's service instances any more."),
        ),
        (Purpose::Leave, _) => (
            "No more notices?",
            format!("{address} is told what happens to these service instances."),
        ),
    };
    let first = match (purpose, opened.state) {
        (Purpose::Confirm, RecipientState::Confirmed) | (Purpose::Leave, RecipientState::Unsubscribed) => None,
        (Purpose::Confirm, _) => Some(Button {
            does: Asked::Confirm.name(),
            words: "Yes, send notices",
            says: "Each mail has a way out.",
        }),
        (Purpose::Leave, _) => Some(Button {
            does: Asked::Leave.name(),
            words: "Send me no more notices",
            says: "From none of this organization's service instances.",
        }),
    };
    let never = (!opened.is_suppressed).then_some(Button {
        does: Asked::Never.name(),
        words: "Never write to this address again",
        says: "Whoever asks, of every organization. Only the broker's operator can undo that.",
    });
    // Of one alone there is nothing to choose.
    let is_choice =
        (purpose, opened.state) == (Purpose::Leave, RecipientState::Confirmed) && opened.instances.len() > 1;
    rendered(opened, title, says, is_choice, first.into_iter().chain(never).collect())
}

/// The page after something was done.
pub(super) fn done(opened: &LinkOpened) -> Result<Html<String>, Refusal> {
    let address = harmless(&opened.shortened, MOST);
    let (title, says) = match (opened.is_suppressed, opened.state) {
        (true, _) => (
            "Nothing is sent any more",
            format!("No service instance of any organization writes to {address} again."),
        ),
        (false, RecipientState::Confirmed) => (
            "Notices are sent",
            format!("From now on {address} is told what happens to these service instances. Each mail has a way out."),
        ),
        (false, RecipientState::Asked) => (
            "Nothing is sent yet",
            format!("{address} has not confirmed that notices may be sent."),
        ),
        (false, RecipientState::Unsubscribed | RecipientState::Refused) => (
            "No more notices are sent",
            format!("{address} is told nothing by this organization's service instances any more."),
        ),
    };
    rendered(opened, title, says, false, Vec::new())
}

fn rendered(
    opened: &LinkOpened,
    title: &'static str,
    says: String,
    is_choice: bool,
    buttons: Vec<Button>,
) -> Result<Html<String>, Refusal> {
    let document = Document {
        stylesheet: assets::stylesheet(),
        title,
        says,
        instances: opened
            .instances
            .iter()
            .map(|id| Instance {
                shown: harmless(id, MOST),
                leaves: is_choice.then(|| id.clone()),
            })
            .collect(),
        buttons,
    };
    document.render().map(Html).map_err(|error| {
        tracing::error!(%error, "a page can't be rendered");
        Refusal::Broken
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(state: RecipientState, is_suppressed: bool) -> LinkOpened {
        LinkOpened {
            shortened: "o…s@example.com".to_owned(),
            state,
            is_suppressed,
            instances: vec!["<b>i-1</b>".to_owned(), "i-2".to_owned()],
        }
    }

    fn buttons(page: &str) -> Vec<&str> {
        let values = page.split("name=\"do\" value=\"").skip(1);
        values.filter_map(|rest| Some(rest.split_once('"')?.0)).collect()
    }

    #[test]
    fn a_page_asks_for_what_its_link_is_for() {
        use RecipientState::{Asked, Confirmed, Refused, Unsubscribed};
        for (purpose, state, offers) in [
            (Purpose::Confirm, Asked, vec!["confirm", "never"]),
            (Purpose::Confirm, Confirmed, vec!["never"]),
            (
                Purpose::Leave,
                Confirmed,
                vec!["leave-one", "leave-one", "leave", "never"],
            ),
            (Purpose::Leave, Refused, vec!["leave", "never"]),
            (Purpose::Leave, Unsubscribed, vec!["never"]),
        ] {
            let Html(page) = asks(purpose, &opened(state, false)).unwrap();
            assert_eq!(buttons(&page), offers, "{purpose:?} {state:?}");
            assert!(page.contains("o…s@example.com") && page.contains("i-2"), "{page}");
            assert!(!page.contains("<b>"), "an id is text: {page}");
        }
        let mut only = opened(Confirmed, false);
        only.instances.truncate(1);
        let Html(page) = asks(Purpose::Leave, &only).unwrap();
        assert_eq!(buttons(&page), ["leave", "never"], "there is nothing to choose");
        let Html(page) = asks(Purpose::Leave, &opened(Unsubscribed, true)).unwrap();
        assert!(buttons(&page).is_empty());
    }

    #[test]
    fn what_was_done_is_said_and_nothing_is_asked() {
        for (state, is_suppressed, title) in [
            (RecipientState::Confirmed, false, "Notices are sent"),
            (RecipientState::Unsubscribed, false, "No more notices are sent"),
            (RecipientState::Unsubscribed, true, "Nothing is sent any more"),
        ] {
            let Html(page) = done(&opened(state, is_suppressed)).unwrap();
            assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
            assert!(buttons(&page).is_empty());
        }
    }
}
