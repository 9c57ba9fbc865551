//! A substitute for an instance's id where the id may be too long or contain characters that are not accepted.

use aws_lc_rs::digest::{SHA256, digest};

/// 32 hexadecimal characters: deterministic, and different for different ids.
pub(crate) fn short_digest(instance: &str) -> String {
    let digest = digest(&SHA256, instance.as_bytes());
    digest
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
