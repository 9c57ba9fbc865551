//! Whether everything has room where it is, which no rule of axe sees.

use crate::chromium::Chromium;

/// What on a page is wider than its place.
///
/// # Errors
/// When chromedriver fails.
pub async fn too_wide(chromium: &Chromium) -> anyhow::Result<Vec<String>> {
    chromium.value(include_str!("layout.js"), Vec::new()).await
}
