//! The requests and responses, one line of JSON each, to be checked against AWS' service models
//! (`tests/conformance/aws-judge.py`).
//!
//! It contains no secrets: neither signatures nor private keys. Exchanges that differ in names and numbers only are
//! recorded a few times at most.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body_util::Full;

/// How many exchanges of one shape are recorded.
const KEPT: u32 = 3;
/// A longer run of letters and digits is considered base64.
const LONGEST_WORD: usize = 60;
/// Headers that are part of an operation's input or output.
const TOLD: [&str; 4] = ["content-type", "etag", "if-match", "location"];

/// The file that exchanges are written to; none unless a folder was given.
#[derive(Debug, Default)]
pub struct Journal(Option<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    file: File,
    seen: HashMap<u64, u32>,
}

impl Journal {
    /// Opens a file in this folder, named after this program and process, to which lines are appended.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn open(folder: Option<&Path>) -> io::Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self::default());
        };
        std::fs::create_dir_all(folder)?;
        let program = std::env::current_exe()?;
        let program = program.file_stem().unwrap_or_default().to_string_lossy();
        let path = folder.join(format!("{program}-{}.jsonl", std::process::id()));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let seen = HashMap::new();
        Ok(Self(Some(Mutex::new(Open { file, seen }))))
    }

    /// Whether exchanges are recorded.
    pub fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Records an exchange.
    pub fn record(&self, asked: &Parts, body: &[u8], answer: &Response<Full<Bytes>>, answer_body: &str) {
        let Some(open) = &self.0 else { return };
        let (body, uri) = (
            without_private_key(&String::from_utf8_lossy(body)),
            asked.uri.to_string(),
        );
        let status = answer.status().as_u16();
        let mut shape = DefaultHasher::new();
        (
            asked.method.as_str(),
            status,
            blurred(&uri),
            blurred(&body),
            blurred(answer_body),
        )
            .hash(&mut shape);
        let line = serde_json::json!({
            "method": asked.method.as_str(), "uri": uri, "headers": told(&asked.headers), "body": body,
            "status": status, "answer_headers": told(answer.headers()), "answer": answer_body,
        });
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let times = open.seen.entry(shape.finish()).or_default();
        *times += 1;
        if *times <= KEPT
            && let Err(error) = open.file.write_all(format!("{line}\n").as_bytes())
        {
            tracing::warn!(%error, "cannot write the journal");
        }
    }
}

fn told(headers: &HeaderMap) -> HashMap<&str, &str> {
    let told = TOLD.into_iter();
    told.filter_map(|name| Some((name, headers.get(name)?.to_str().ok()?)))
        .collect()
}

/// A form without the value of its field `PrivateKey`.
fn without_private_key(body: &str) -> String {
    let fields = body.split('&').map(|field| match field.split_once('=') {
        Some((name @ "PrivateKey", _)) => format!("{name}=left-out"),
        _ => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join("&")
}

/// The text with all words that contain a digit, and very long ones, replaced by a placeholder.
fn blurred(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && !"+/=%".contains(c)) {
        let digits = part.bytes().any(|byte| byte.is_ascii_digit());
        match part.chars().next_back() {
            Some(last) if digits || part.len() > LONGEST_WORD => out.extend(['0', last]),
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_left_out() {
        let form = "Action=UploadServerCertificate&PrivateKey=-----BEGIN%20PRIVATE%20KEY&Path=%2F";
        assert_eq!(
            without_private_key(form),
            "Action=UploadServerCertificate&PrivateKey=left-out&Path=%2F"
        );
    }

    #[test]
    fn names_and_numbers_do_not_tell_exchanges_apart() {
        let (one, two) = (
            "<Id>E1ABC</Id><Quantity>2</Quantity>",
            "<Id>E23X9</Id><Quantity>13</Quantity>",
        );
        assert_eq!(blurred(one), blurred(two));
        assert_ne!(blurred(one), blurred("<Id>E1ABC</Id>"));
    }
}
