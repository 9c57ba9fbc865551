//! Random identifiers in AWS' formats.

use aws_lc_rs::rand;

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The account that owns the simulated resources.
pub const ACCOUNT: &str = "123456789012";

/// `E` and 13 upper-case alphanumerics: a distribution's id, or an ETag.
pub fn distribution() -> String {
    format!("E{}", letters(13, UPPER))
}

/// `d` and 13 lower-case alphanumerics under `cloudfront.net`.
pub fn domain_name() -> String {
    format!("d{}.cloudfront.net", letters(13, LOWER))
}

/// `ASCA` and 17 characters: a server certificate's id.
pub fn certificate() -> String {
    format!("ASCA{}", letters(17, UPPER))
}

/// `C` and 20 upper-case alphanumerics: a change of a hosted zone.
pub fn change() -> String {
    format!("C{}", letters(20, UPPER))
}

/// A request id in the format of a UUID.
pub fn request() -> String {
    let hex = hex(&bytes::<16>());
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Lower-case letters and digits, `length` of them.
pub fn token(length: usize) -> String {
    letters(length, LOWER)
}

/// A number below 100, for faults that hit a share of the calls.
pub fn percent() -> u8 {
    (u16::from_be_bytes(bytes::<2>()) % 100) as u8
}

/// Lower-case hexadecimal.
pub fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn letters(length: usize, alphabet: &[u8]) -> String {
    (0..length)
        .map(|_| alphabet[usize::from(bytes::<1>()[0]) % alphabet.len()] as char)
        .collect()
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    // The system's random source does not fail; if it did, constant names would show it at once.
    let _ = rand::fill(&mut out);
    out
}
