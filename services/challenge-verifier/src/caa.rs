//! A domain's CAA records, held against what they would have to allow.

use pipeline::caa::{CaaExpected, judge};

use crate::Method;
use crate::dns::CaaRecords;
use crate::probe::with_alias;

/// The CAA records that count for a domain.
#[derive(Debug)]
pub(crate) struct Caa<'a> {
    found: CaaRecords,
    expected: &'a CaaExpected,
}

impl<'a> Caa<'a> {
    pub(crate) fn new(found: CaaRecords, expected: &'a CaaExpected) -> Self {
        Self { found, expected }
    }

    /// Whether the CA may issue for a domain that is proved this way.
    pub(crate) fn allows(&self, method: Method) -> bool {
        judge(&self.found.properties, self.expected, method).is_ok()
    }

    /// What the user reads when none of these ways is allowed: which record, what it says, at which server, what to
    /// change.
    pub(crate) fn forbids(&self, methods: &[Method]) -> Option<String> {
        let CaaRecords {
            name,
            alias,
            properties,
            server,
        } = &self.found;
        let judged = |&method: &Method| judge(properties, self.expected, method).err();
        let all = methods.iter().map(judged).collect::<Option<Vec<_>>>()?;
        let (method, why) = methods.iter().zip(all).next()?;
        Some(format!(
            "{} {} (at {server}): {}",
            with_alias(&format!("CAA {name}"), alias.as_deref()),
            why.seen(*method),
            why.remedy(alias.as_ref().unwrap_or(name), self.expected, *method)
        ))
    }
}
