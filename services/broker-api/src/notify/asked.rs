//! What a form asks for: one of the page's own, or the one that a mail reader sends for its "unsubscribe" (RFC 8058 §3.2), in either of the
//! encodings that it may have.

use percent_encoding::percent_decode_str;

/// The most bytes of a form.
pub(super) const MOST_BYTES: usize = 4_096;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Notices may be sent.
    Confirm,
    /// No more of them.
    Leave,
    /// No more of one instance.
    LeaveOne,
    /// Nothing from anybody, not even a question.
    Never,
}

impl Asked {
    /// The value of the page's own buttons.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Leave => "leave",
            Self::LeaveOne => "leave-one",
            Self::Never => "never",
        }
    }

    /// What a body of this type asks for, if it asks for one thing.
    pub(super) fn read(content_type: &str, body: &[u8]) -> Option<Self> {
        let body = std::str::from_utf8(body).ok()?;
        let (kind, rest) = content_type.split_once(';').unwrap_or((content_type, ""));
        let mut asked = match kind.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => urlencoded(body),
            "multipart/form-data" => multipart(boundary(rest)?, body),
            _ => return None,
        };
        asked.dedup();
        match asked.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    fn of(name: &str, value: &str) -> Option<Self> {
        match (name, value) {
            ("List-Unsubscribe", "One-Click") => Some(Self::Leave),
            ("do", value) => [Self::Confirm, Self::Leave, Self::LeaveOne, Self::Never]
                .into_iter()
                .find(|asked| asked.name() == value),
            _ => None,
        }
    }
}

/// The instance that the page's own form names, if it does.
pub(super) fn instance(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let mut fields = fields(body);
    fields.find_map(|(name, value)| (name == "instance").then_some(value))
}

fn urlencoded(body: &str) -> Vec<Asked> {
    fields(body)
        .filter_map(|(name, value)| Asked::of(&name, &value))
        .collect()
}

/// URL, "application/x-www-form-urlencoded parsing".
fn fields(body: &str) -> impl Iterator<Item = (String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(move |(name, value)| (decoded(name), decoded(value)))
}

/// RFC 2046 §5.1.1.
fn boundary(parameters: &str) -> Option<&str> {
    let named = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let boundary = named.trim().trim_matches('"');
    (!boundary.is_empty()).then_some(boundary)
}

/// RFC 7578: each part has a `Content-Disposition` with the field's name.
fn multipart(boundary: &str, body: &str) -> Vec<Asked> {
    let delimiter = format!("--{boundary}");
    let parts = body.split(&delimiter).filter_map(|part| part.split_once("\r\n\r\n"));
    parts
        .filter_map(|(head, value)| {
            let (_, name) = head.split_once("; name=")?;
            let name = name.split([';', '\r']).next()?.trim().trim_matches('"');
            Asked::of(name, value.strip_suffix("\r\n")?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str = "multipart/form-data; boundary=\"---x\"";

    #[test]
    fn one_click_is_understood_in_both_encodings() {
        // RFC 8058 §8.
        let parts =
            "-----x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n-----x--\r\n";
        for (content_type, body) in [
            (FORM, "List-Unsubscribe=One-Click"),
            (FORM, "List%2DUnsubscribe=One%2DClick"),
            (
                "Application/X-WWW-Form-Urlencoded; charset=utf-8",
                "List-Unsubscribe=One-Click",
            ),
            (MULTIPART, parts),
            ("multipart/form-data; charset=utf-8; Boundary=---x", parts),
        ] {
            assert_eq!(Asked::read(content_type, body.as_bytes()), Some(Asked::Leave), "{body}");
        }
    }

    #[test]
    fn the_pages_own_buttons_are_understood_and_nothing_else_is() {
        for asked in [Asked::Confirm, Asked::Leave, Asked::LeaveOne, Asked::Never] {
            let body = format!("do={}", asked.name());
            assert_eq!(Asked::read(FORM, body.as_bytes()), Some(asked));
        }
        for (content_type, body) in [
            (FORM, ""),
            (FORM, "do"),
            (FORM, "do=everything"),
            (FORM, "do=confirm&do=leave"),
            (FORM, "list-unsubscribe=one-click"),
            ("text/plain", "do=confirm"),
            ("", "do=confirm"),
            ("multipart/form-data", "do=confirm"),
            ("multipart/form-data; boundary=", "do=confirm"),
            (MULTIPART, "-----x\r\n\r\nOne-Click\r\n"),
        ] {
            assert_eq!(
                Asked::read(content_type, body.as_bytes()),
                None,
                "{content_type} {body:?}"
            );
        }
        assert_eq!(Asked::read(FORM, b"do=confirm&x=\xff"), None);
        let one = b"instance=a%2Fb+%C3%9C&do=leave-one";
        assert_eq!(Asked::read(FORM, one), Some(Asked::LeaveOne));
        assert_eq!(instance(one).as_deref(), Some("a/b \u{dc}"));
        assert_eq!(instance(b"do=leave-one"), None);
    }
}
