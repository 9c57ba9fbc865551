//! The mail (RFC 5322). Each attempt at a letter sends the same bytes: its Message-ID, Date and boundary come from the letter, so that a recipient's
//! mail program can see that two copies are one.

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use notices::{Link, NoticeKeys, Purpose};
use page_keys::PagesUrl;
use store::LeasedLetter;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::mail::kept::{ContentError, Kept, Links};

/// A mail can't be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    /// Its content.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// lettre refuses it.
    #[error("the mail can't be made")]
    Message(#[from] lettre::error::Error),
}

/// What of a letter is in its mail beside the content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    id: Uuid,
    recipient: Uuid,
    generation: i32,
    created_at: OffsetDateTime,
}

impl From<&LeasedLetter> for Head {
    fn from(letter: &LeasedLetter) -> Self {
        Self {
            id: letter.id,
            recipient: letter.recipient,
            generation: letter.generation,
            created_at: letter.created_at,
        }
    }
}

/// Writes mails from one sender, with links to one address.
pub(crate) struct Writer {
    from: Mailbox,
    pages_url: PagesUrl,
}

impl Writer {
    pub(crate) fn new(from: Mailbox, pages_url: PagesUrl) -> Self {
        Self { from, pages_url }
    }

    /// The mail of a letter with this content.
    pub(crate) fn mail(
        &self,
        letter: Head,
        content: &str,
        to: Address,
        keys: &NoticeKeys,
    ) -> Result<Vec<u8>, MailError> {
        let kept = Kept::read(content)?;
        let links = Links {
            confirm: self.link(Purpose::Confirm, letter, keys),
            leave: self.link(Purpose::Leave, letter, keys),
        };
        let id = letter.id;
        let mut mail = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(kept.subject.as_str())
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date(letter.created_at.into())
            // RFC 3834 §5.1: no vacation notice answers it.
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
        // RFC 8058 §3.1: HTTPS only.
        if links.leave.starts_with("https:") {
            mail = mail
                .raw_header(header("List-Unsubscribe", format!("<{}>", links.leave)))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        let parts = MultiPart::alternative()
            .boundary(format!("cdn-broker-{}", id.simple()))
            .singlepart(SinglePart::plain(kept.text(&links)))
            .singlepart(SinglePart::html(kept.html(&links)));
        Ok(mail.multipart(parts)?.formatted())
    }

    fn link(&self, purpose: Purpose, letter: Head, keys: &NoticeKeys) -> String {
        let token = keys.token(&Link {
            purpose,
            recipient: letter.recipient,
            generation: letter.generation,
        });
        format!("{}{}", self.pages_url, notices::path(&token))
    }
}

/// A header whose value is printable ASCII and has nowhere to be folded.
fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

#[cfg(test)]
mod tests {
    use store::LetterKind;
    use time::macros::datetime;

    use super::*;
    use crate::mail::content;

    const HEAD: Head = Head {
        id: Uuid::from_u128(7),
        recipient: Uuid::from_u128(9),
        generation: 1,
        created_at: datetime!(2026-12-01 04:05 UTC),
    };

    fn question() -> String {
        content(LetterKind::Confirmation, &["<b>8b8c5c1e".to_owned()], &[]).unwrap()
    }

    fn mail(pages_url: &str) -> String {
        let keys = NoticeKeys::parse("k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap();
        let writer = Writer::new("CDN <cdn@example.com>".parse().unwrap(), pages_url.parse().unwrap());
        let to: Address = "operators@example.org".parse().unwrap();
        let first = writer.mail(HEAD, &question(), to.clone(), &keys).unwrap();
        let second = writer.mail(HEAD, &question(), to, &keys).unwrap();
        assert_eq!(first, second, "each attempt sends the same");
        String::from_utf8(first).unwrap()
    }

    #[test]
    fn a_mail_has_what_programs_look_for_and_is_ascii() {
        let mail = mail("https://broker.example.com");
        assert!(mail.is_ascii());
        for header in [
            " <cdn@example.com>\r\n",
            "To: operators@example.org\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Date: Tue, 01 Dec 2026 04:05:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "List-Unsubscribe: <https://broker.example.com/notify/k1.l.",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            "MIME-Version: 1.0\r\n",
            "cdn-broker-00000000000000000000000000000007",
        ] {
            assert!(mail.contains(header), "{header}\n{mail}");
        }
    }

    #[test]
    fn without_https_there_is_no_button_to_leave_but_a_link() {
        let mail = mail("http://127.0.0.1:8080");
        assert!(!mail.contains("List-Unsubscribe"), "{mail}");
    }

    #[test]
    fn what_is_kept_has_no_address_and_no_link() {
        let content = question();
        for secret in ["operators", "example.org", "/notify/", "k1."] {
            assert!(!content.contains(secret), "{content}");
        }
    }

    #[test]
    fn html_shows_what_others_wrote_as_text() {
        let kept = Kept::read(&question()).unwrap();
        let links = Links {
            confirm: "https://broker.example.com/notify/c".to_owned(),
            leave: "https://broker.example.com/notify/l".to_owned(),
        };
        let html = kept.html(&links);
        assert!(!html.contains("<b>8b8c") && html.contains("8b8c5c1e"), "{html}");
        let text = kept.text(&links);
        assert!(text.contains("<b>8b8c5c1e"), "{text}");
        for link in [&links.confirm, &links.leave] {
            assert!(
                text.contains(link.as_str()) && html.contains(link.as_str()),
                "{text}\n{html}"
            );
        }
    }
}
