//! The page's style sheet and script. Each has its digest in its address: it may be kept for ever, and a new one has another address.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::page::refusal::Refusal;

/// A file that is kept for ever.
struct Asset {
    name: String,
    content_type: &'static str,
    content: &'static str,
}

static STYLE_SHEET: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../../templates/page.css");
    Asset::new("css", "text/css; charset=utf-8", content)
});

static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../../templates/page.js");
    Asset::new("js", "text/javascript; charset=utf-8", content)
});

impl Asset {
    fn new(extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let digest = digest(&SHA256, content.as_bytes());
        let hash: String = digest
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            name: format!("{hash}.{extension}"),
            content_type,
            content,
        }
    }

    fn address(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// The address of the style sheet.
pub(crate) fn stylesheet() -> String {
    STYLE_SHEET.address()
}

/// The address of the script.
pub(crate) fn script() -> String {
    SCRIPT.address()
}

/// `/assets/{name}`.
pub(crate) async fn asset(path: Result<Path<String>, PathRejection>) -> Result<Response, Refusal> {
    let Ok(Path(name)) = path else {
        return Err(Refusal::NotFound);
    };
    let all = [&*STYLE_SHEET, &*SCRIPT];
    let asset = all.into_iter().find(|asset| asset.name == name);
    let asset = asset.ok_or(Refusal::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.content).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_file_is_at_its_address_and_nothing_else_is() {
        for (address, content_type) in [
            (stylesheet(), "text/css; charset=utf-8"),
            (script(), "text/javascript; charset=utf-8"),
        ] {
            let name = address.strip_prefix("/assets/").unwrap();
            let response = asset(Ok(Path(name.to_owned()))).await.unwrap();
            assert_eq!(response.headers()[header::CONTENT_TYPE], content_type);
            for other in ["", "page.css", "../page.css", &format!("{name}x")] {
                assert!(asset(Ok(Path(other.to_owned()))).await.is_err(), "{other}");
            }
        }
    }

    /// What the browser is forbidden to load must not be asked for.
    #[test]
    fn they_load_nothing_from_elsewhere() {
        for word in ["url(", "@import", "http:", "https:", "expression("] {
            assert!(!STYLE_SHEET.content.contains(word), "{word}");
        }
        for word in [
            "import ",
            "import(",
            "http:",
            "https:",
            "//cdn",
            "eval(",
            "Function(",
            ".outerHTML =",
        ] {
            assert!(!SCRIPT.content.contains(word), "{word}");
        }
        // What the server has rendered is parsed in a template, and in nothing else.
        assert_eq!(SCRIPT.content.matches("innerHTML").count(), 1);
        assert!(SCRIPT.content.contains("template.innerHTML = html"));
    }
}
