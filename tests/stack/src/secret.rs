//! Random secrets for one run.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// 32 hexadecimal digits: needs no quoting anywhere.
pub(crate) fn password() -> anyhow::Result<String> {
    let mut text = String::new();
    for byte in bytes::<16>()? {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

/// A ring of one key: `k1:<base64 of 32 bytes>`.
pub(crate) fn key_ring() -> anyhow::Result<String> {
    Ok(format!("k1:{}", BASE64_STANDARD.encode(bytes::<32>()?)))
}

/// The secret of a TSIG key, base64.
pub(crate) fn tsig_key() -> anyhow::Result<String> {
    Ok(BASE64_STANDARD.encode(bytes::<32>()?))
}
