//! What is kept in the database before a mail is sent, so that each attempt sends the same. It has neither the recipient's address nor a link:
//! whoever reads the database can neither write to anybody nor confirm an address. Two marks stand where the links will be.

use askama::Template;
use serde::{Deserialize, Serialize};
use store::{LetterKind, ToldNotice};

use crate::mail::words::{self, Item};

/// The version that is written.
const VERSION: u32 = 1;
/// Where the link that confirms will be; of the private use area (Unicode §23.5), which nobody else's words need.
const CONFIRM: &str = "\u{e000}confirm\u{e000}";
/// Where the link by which one leaves will be.
const LEAVE: &str = "\u{e000}leave\u{e000}";

/// A letter can't be written, or what was kept of it can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    /// A template.
    #[error("a template")]
    Template(#[from] askama::Error),
    /// What was kept is of a newer program.
    #[error("what was kept of the letter")]
    Kept(#[from] serde_json::Error),
}

/// What is kept.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    v: u32,
    pub(super) subject: String,
    text: String,
    html: String,
}

/// What a link replaces.
pub(super) struct Links {
    pub(super) confirm: String,
    pub(super) leave: String,
}

#[derive(Template)]
#[template(path = "digest.txt")]
struct DigestText<'l> {
    items: &'l [Item],
    others: Option<&'l str>,
    leave: &'static str,
}

#[derive(Template)]
#[template(path = "digest.html")]
struct DigestHtml<'l> {
    subject: &'l str,
    items: &'l [Item],
    others: Option<&'l str>,
    leave: &'static str,
}

#[derive(Template)]
#[template(path = "confirmation.txt")]
struct ConfirmationText<'l> {
    services: &'l [String],
    confirm: &'static str,
    leave: &'static str,
}

#[derive(Template)]
#[template(path = "confirmation.html")]
struct ConfirmationHtml<'l> {
    subject: &'l str,
    services: &'l [String],
    confirm: &'static str,
    leave: &'static str,
}

/// What a letter says, as it is kept: a question for these instances, or what is told.
pub(crate) fn content(kind: LetterKind, instances: &[String], told: &[ToldNotice]) -> Result<String, ContentError> {
    let (confirm, leave) = (CONFIRM, LEAVE);
    let kept = match kind {
        LetterKind::Confirmation => {
            let subject = words::CONFIRMATION.to_owned();
            let services = &words::services(instances);
            let text = ConfirmationText {
                services,
                confirm,
                leave,
            };
            let html = ConfirmationHtml {
                subject: &subject,
                services,
                confirm,
                leave,
            };
            Kept {
                v: VERSION,
                text: text.render()?,
                html: html.render()?,
                subject,
            }
        }
        LetterKind::Digest => {
            let items = &words::items(told);
            let others = words::others(told);
            let others = others.as_deref();
            let subject = words::subject(told, items);
            let text = DigestText { items, others, leave };
            let html = DigestHtml {
                subject: &subject,
                items,
                others,
                leave,
            };
            Kept {
                v: VERSION,
                text: text.render()?,
                html: html.render()?,
                subject,
            }
        }
    };
    Ok(serde_json::to_string(&kept)?)
}

impl Kept {
    /// What was kept.
    pub(super) fn read(content: &str) -> Result<Self, ContentError> {
        Ok(serde_json::from_str(content)?)
    }

    /// The text, with links.
    pub(super) fn text(&self, links: &Links) -> String {
        filled(&self.text, links)
    }

    /// The HTML, with links, which need no escaping: an address of ours, and a token of letters, digits, dots, hyphens and underscores.
    pub(super) fn html(&self, links: &Links) -> String {
        filled(&self.html, links)
    }
}

fn filled(text: &str, links: &Links) -> String {
    text.replace(CONFIRM, &links.confirm).replace(LEAVE, &links.leave)
}
