//! Host names (RFC 952, RFC 1123 §2.1, RFC 1035 §2.3.4; international ones according to UTS #46), for domains and the
//! origin.

use std::net::IpAddr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::pasted;
use crate::shown;

/// The maximum length of a name (RFC 1035 §2.3.4: 255 octets on the wire).
const MOST: usize = 253;
/// The maximum length of a label.
const MOST_LABEL: usize = 63;

/// Refuses what is written in place of a host name alone: a URL, an address, a port, a list.
fn a_name_alone(text: &str) -> Result<(), String> {
    let fault = |what: &str| format!("{} {what}", shown(text));
    if text.is_empty() {
        return Err(fault("is empty; write a host name such as www.example.com"));
    }
    if let Some(pasted) = pasted::fault(text, host_name) {
        return Err(pasted);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return Err(fault(&format!(
            "has a scheme; leave out {} and write the host name alone{}",
            shown(&format!("{scheme}://")),
            suggestion(rest)
        )));
    }
    if text.contains('@') {
        return Err(fault("has an @; write the host name alone, such as www.example.com"));
    }
    if text.contains(['/', '\\', '?', '#']) {
        return Err(fault(&format!(
            "has a path; write the host name alone{}",
            suggestion(text)
        )));
    }
    if text
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
        .is_ok()
    {
        return Err(fault("is an IP address; write a host name such as www.example.com"));
    }
    if text.contains(':') {
        return Err(fault(&format!(
            "has a port; write the host name alone{}",
            suggestion(text)
        )));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(fault(
            "has a space or control character; separate several names by commas",
        ));
    }
    if text.contains('_') {
        return Err(fault(
            "has an underscore; a host name has letters, digits, hyphens and dots only",
        ));
    }
    Ok(())
}

/// The name in canonical form: ASCII, lower case, no trailing dot.
///
/// # Errors
/// What is wrong and what would be right.
pub fn host_name(text: &str) -> Result<String, String> {
    let text = text.trim_ascii();
    a_name_alone(text)?;
    let fault = |what: &str| format!("{} {what}", shown(text));
    let uts46 = Uts46::new();
    let ascii = uts46
        .to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
        .map_err(|_| fault("is not a valid international domain name (UTS #46); check its spelling"))?;
    let name = ascii.strip_suffix('.').unwrap_or(&ascii);
    rules(name).map_err(|what| fault(&what))?;
    let (unicode, _) = uts46.to_unicode(name.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    match pasted::first(&unicode) {
        Some(what) => Err(fault(&format!(
            "stands for {}, which has {what}; check its spelling",
            shown(&unicode)
        ))),
        None => Ok(name.to_string()),
    }
}

/// The rules for a name in ASCII.
fn rules(name: &str) -> Result<(), String> {
    if name.len() > MOST {
        return Err(format!("has {} characters; at most {MOST} are allowed", name.len()));
    }
    let labels: Vec<&str> = name.split('.').collect();
    for label in &labels {
        let about = shown(label);
        if label.is_empty() {
            return Err("has an empty part; between two dots there has to be something".into());
        }
        if label.len() > MOST_LABEL {
            return Err(format!(
                "has the part {about} of {} characters; at most {MOST_LABEL} are allowed between two dots",
                label.len()
            ));
        }
        if let Some(odd) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(format!(
                "has the character {}; a host name has letters, digits, hyphens and dots only",
                shown(&odd.to_string())
            ));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(format!(
                "has the part {about} with a hyphen at its start or end; move or remove it"
            ));
        }
        // RFC 5890 §2.3.1: reserved, and CAs refuse such names.
        if label.get(2..4) == Some("--") && !label.starts_with("xn--") {
            return Err(format!(
                "has the part {about} with hyphens in third and fourth place, which are reserved (RFC 5890)"
            ));
        }
    }
    let [_, .., top] = labels.as_slice() else {
        return Err("has no dot; write a full domain name such as www.example.com".into());
    };
    let top_level = top.len() >= 2 && (top.bytes().all(|byte| byte.is_ascii_alphabetic()) || top.starts_with("xn--"));
    if !top_level {
        return Err(format!(
            "ends in {}, which is no top-level domain: at least two letters such as com",
            shown(top)
        ));
    }
    Ok(())
}

/// A suggestion such as `, such as "www.example.com"`, if the given text contains a valid name.
fn suggestion(text: &str) -> String {
    let host = text.split(['/', '\\', '?', '#', ':']).next().unwrap_or_default();
    match rules(&host.to_lowercase()) {
        Ok(()) => format!(": {}", shown(&host.to_lowercase())),
        Err(_) => ", such as www.example.com".to_string(),
    }
}
