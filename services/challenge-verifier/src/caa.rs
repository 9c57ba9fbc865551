//! Compares a domain's CAA records with what they would have to allow.

use pipeline::caa::{CaaExpected, judge};

use crate::Method;
use crate::dns::CaaRecords;
use pipeline::reason::CaaForbids;

/// The relevant CAA records of a domain (RFC 8659 §3).
#[derive(Debug)]
pub(crate) struct Caa<'a> {
    found: CaaRecords,
    expected: &'a CaaExpected,
}

impl<'a> Caa<'a> {
    pub(crate) fn new(found: CaaRecords, expected: &'a CaaExpected) -> Self {
        Self { found, expected }
    }

    /// Whether the CA may issue for a domain that is validated by this method.
    pub(crate) fn allows(&self, method: Method) -> bool {
        judge(&self.found.properties, self.expected, method).is_ok()
    }

    /// Why the CA may not issue, when none of these methods is allowed.
    pub(crate) fn forbids(&self, methods: &[Method]) -> Option<CaaForbids> {
        let judged = |&method: &Method| judge(&self.found.properties, self.expected, method).err();
        let all = methods.iter().map(judged).collect::<Option<Vec<_>>>()?;
        let (method, why) = methods.iter().zip(all).next()?;
        Some(CaaForbids {
            name: self.found.name.clone(),
            alias: self.found.alias.clone(),
            server: self.found.server.clone(),
            why,
            method: *method,
            expected: self.expected.clone(),
        })
    }
}
