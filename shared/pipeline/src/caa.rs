//! What a domain's CAA records allow (RFC 8659, RFC 8657): whether this CA may issue for it, and if not, what to
//! change.
//!
//! Only what certainly forbids issuance counts. A property that some CAs know and others don't is left to the CA.

use crate::issue_value::{IssueValue, Malformed};
use crate::proof::Method;
use crate::shown;

/// The maximum number of allowed CAs that the user is shown.
const MOST_ISSUERS: usize = 3;

/// Properties that a CA may know: those of IANA's registry ("Certification Authority Restriction Properties").
const REGISTERED: [&str; 7] = [
    "issue",
    "issuewild",
    "iodef",
    "issuemail",
    "issuevmc",
    "contactemail",
    "contactphone",
];

/// One CAA record (RFC 8659 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Flag 128: a CA that doesn't know the property may not issue.
    pub critical: bool,
    /// The property's tag, in any case.
    pub tag: String,
    /// The value, unchanged.
    pub value: Vec<u8>,
}

/// What the records have to allow.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CaaExpected {
    /// The CA's names in CAA records (`caaIdentities`); any one of them suffices.
    pub identities: Vec<String>,
    /// The tenant's account, compared character by character (RFC 8657 §3).
    pub account_uri: String,
    /// The certificate is for a wildcard.
    pub wildcard: bool,
}

/// The property that decides (RFC 8659 §4.2, §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "named as in the records")]
pub enum IssueTag {
    Issue,
    Issuewild,
}

impl std::fmt::Display for IssueTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Issue => "issue",
            Self::Issuewild => "issuewild",
        })
    }
}

/// Why the CA may not issue.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "caa", rename_all = "kebab-case")]
pub enum Forbidden {
    /// A critical property that no CA knows.
    Critical {
        /// Its tag.
        tag: String,
    },
    /// None of the relevant records allows this CA, account and challenge type.
    NotAllowed {
        /// The property that decided.
        tag: IssueTag,
        /// Why the closest record doesn't match.
        nearest: Miss,
        /// All CAs that are allowed, as written.
        issuers: Vec<String>,
    },
}

/// Why one record doesn't allow issuance; a later variant is closer to allowing it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Miss {
    /// It names no CA: `;`.
    Nobody,
    /// It can't be parsed, which counts as if it named no CA (RFC 8659 §4.2): its value, and the error.
    Unreadable(String, String),
    /// It names another CA.
    OtherIssuer,
    /// It names this CA but violates the grammar: its value, and the error.
    Malformed(String, String),
    /// It names this CA (as written), but another account: the value of its `accounturi`.
    OtherAccount(String, String),
    /// It names this CA (as written), but other challenge types: the value of its `validationmethods`, and whether
    /// it also names the tenant's account.
    OtherMethods(String, String, bool),
}

/// Whether the records, all those at one name, allow this CA to issue for a domain that was proved by `method`.
///
/// # Errors
/// Why issuance is not allowed.
pub fn judge(records: &[Property], expected: &CaaExpected, method: Method) -> Result<(), Forbidden> {
    let registered = |tag: &str| REGISTERED.iter().any(|known| known.eq_ignore_ascii_case(tag));
    if let Some(unknown) = records
        .iter()
        .find(|record| record.critical && !registered(&record.tag))
    {
        let tag = shown::plain(unknown.tag.as_bytes());
        return Err(Forbidden::Critical { tag });
    }
    let values = |tag: &str| -> Vec<&[u8]> {
        let same = records.iter().filter(|record| record.tag.eq_ignore_ascii_case(tag));
        same.map(|record| record.value.as_slice()).collect()
    };
    let wild = values("issuewild");
    let (tag, values) = if expected.wildcard && !wild.is_empty() {
        (IssueTag::Issuewild, wild)
    } else {
        (IssueTag::Issue, values("issue"))
    };
    let mut nearest = None;
    for value in &values {
        match judge_one(value, expected, method) {
            Ok(()) => return Ok(()),
            Err(miss) => nearest = nearest.max(Some(miss)),
        }
    }
    // Without such a record nothing is restricted.
    let Some(nearest) = nearest else { return Ok(()) };
    let mut issuers: Vec<String> = Vec::new();
    for issuer in values.iter().filter_map(|value| IssueValue::parse(value).ok()?.issuer) {
        if !issuers.iter().any(|known| known == issuer) {
            issuers.push(issuer.to_owned());
        }
    }
    Err(Forbidden::NotAllowed { tag, nearest, issuers })
}

fn judge_one(value: &[u8], expected: &CaaExpected, method: Method) -> Result<(), Miss> {
    let ours = |issuer: &str| {
        let mut identities = expected.identities.iter();
        identities.any(|identity| identity.eq_ignore_ascii_case(issuer))
    };
    let read = match IssueValue::parse(value) {
        Ok(read) => read,
        Err(Malformed { issuer, syntax }) => {
            let (value, why) = (shown::quoted(value), syntax.to_string());
            return Err(match issuer {
                Some(issuer) if ours(issuer) => Miss::Malformed(value, why),
                _ => Miss::Unreadable(value, why),
            });
        }
    };
    let issuer = match read.issuer {
        None => return Err(Miss::Nobody),
        Some(issuer) if ours(issuer) => issuer.to_owned(),
        Some(_) => return Err(Miss::OtherIssuer),
    };
    let accounts = read.all("accounturi");
    // Several of them, or one for another account, match nobody (RFC 8657 §3).
    if !accounts.is_empty() && accounts != [expected.account_uri.as_str()] {
        return Err(Miss::OtherAccount(issuer, shown::plain(accounts.join(", ").as_bytes())));
    }
    match read.all("validationmethods").as_slice() {
        [] => Ok(()),
        [methods] if lists(methods, method) => Ok(()),
        other => {
            let methods = shown::plain(other.join(", ").as_bytes());
            Err(Miss::OtherMethods(issuer, methods, !accounts.is_empty()))
        }
    }
}

/// `value = [*(label ",") label]`, `label = 1*(ALPHA / DIGIT / "-")` (RFC 8657 §4): a malformed list matches nobody.
fn lists(methods: &str, method: Method) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    methods.split(',').all(is_label) && methods.split(',').any(|listed| listed == method.acme_type())
}

impl Forbidden {
    /// What was seen, as the rest of a sentence that begins with the records' name.
    pub fn seen(&self, method: Method) -> String {
        let (tag, nearest, issuers) = match self {
            Self::Critical { tag } => {
                return format!("has the critical property {tag}, and a CA that doesn't know it may not issue");
            }
            Self::NotAllowed { tag, nearest, issuers } => (*tag, nearest, issuers),
        };
        let wild = tag == IssueTag::Issuewild;
        match nearest {
            Miss::Nobody => format!("allows no CA{} ({tag} \";\")", if wild { " a wildcard" } else { "" }),
            Miss::Unreadable(value, why) | Miss::Malformed(value, why) => {
                format!("has {tag} {value}, which can't be read ({why}) and so allows no CA")
            }
            Miss::OtherIssuer if wild => format!("allows a wildcard only to {}", list(issuers)),
            Miss::OtherIssuer => format!("allows only {}", list(issuers)),
            Miss::OtherAccount(issuer, account) => {
                format!("allows {} only for the account {account} (accounturi)", quoted(issuer))
            }
            Miss::OtherMethods(issuer, methods, _) => {
                let method = method.acme_type();
                format!(
                    "allows {} only by {methods} (validationmethods), not by {method}",
                    quoted(issuer)
                )
            }
        }
    }

    /// What to change, where `name` is the records' owner. Existing records may stay unless the text says otherwise.
    ///
    /// The property that decided is the one to add: an `issuewild` next to the `issue` of other CAs would take
    /// wildcards away from them.
    pub fn remedy(&self, name: &str, expected: &CaaExpected, method: Method) -> String {
        let (tag, nearest) = match self {
            Self::Critical { .. } => return "remove it, or set its flags to 0".to_owned(),
            Self::NotAllowed { tag, nearest, .. } => (*tag, nearest),
        };
        let account = format!(";accounturi={}", expected.account_uri);
        let methods = format!(";validationmethods={}", method.acme_type());
        let value = match nearest {
            Miss::Nobody | Miss::Unreadable(..) | Miss::OtherIssuer | Miss::Malformed(..) => {
                expected.identities.first().cloned().unwrap_or_default()
            }
            Miss::OtherAccount(issuer, _) => issuer.clone() + &account,
            Miss::OtherMethods(issuer, _, false) => issuer.clone() + &methods,
            Miss::OtherMethods(issuer, _, true) => issuer.clone() + &account + &methods,
        };
        format!("add CAA {name} 0 {tag} \"{value}\"")
    }
}

fn quoted(issuer: &str) -> String {
    shown::quoted(issuer.as_bytes())
}

fn list(issuers: &[String]) -> String {
    let mut shown: Vec<String> = issuers.iter().take(MOST_ISSUERS).map(|issuer| quoted(issuer)).collect();
    if let more @ 1.. = issuers.len().saturating_sub(MOST_ISSUERS) {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests;
