//! The page's style sheet, which has its digest in its address: it may be kept for ever, and a new one has another address.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::page::refusal::Refusal;

const CSS: &str = include_str!("../../templates/page.css");

/// The name of the style sheet.
static NAME: LazyLock<String> = LazyLock::new(|| {
    let digest = digest(&SHA256, CSS.as_bytes());
    let hash: String = digest
        .as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{hash}.css")
});

/// The address of the style sheet.
pub(crate) fn stylesheet() -> String {
    format!("/assets/{}", *NAME)
}

/// `/assets/{name}`.
pub(crate) async fn asset(path: Result<Path<String>, PathRejection>) -> Result<Response, Refusal> {
    match path {
        Ok(Path(name)) if name == *NAME => {
            let headers = [
                (header::CONTENT_TYPE, "text/css; charset=utf-8"),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            Ok((headers, CSS).into_response())
        }
        _ => Err(Refusal::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_style_sheet_is_at_its_address_and_nothing_else_is() {
        let address = stylesheet();
        let name = address.strip_prefix("/assets/").unwrap();
        let response = asset(Ok(Path(name.to_owned()))).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        for other in ["", "page.css", "../page.css", &format!("{name}x")] {
            assert!(asset(Ok(Path(other.to_owned()))).await.is_err(), "{other}");
        }
    }

    /// What the browser is forbidden to load must not be asked for.
    #[test]
    fn it_loads_nothing() {
        for word in ["url(", "@import", "http:", "https:", "expression("] {
            assert!(!CSS.contains(word), "{word}");
        }
    }
}
