//! What stands for an instance's id where that may be too long, or of characters that are not taken.

use aws_lc_rs::digest::{SHA256, digest};

/// 32 hexadecimal characters, always the same for an id, and never those of another.
pub(crate) fn short_digest(instance: &str) -> String {
    let digest = digest(&SHA256, instance.as_bytes());
    digest
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
