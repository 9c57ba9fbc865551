//! Whether a name points to another one.

use std::net::IpAddr;

use hickory_resolver::proto::rr::RecordType;

use super::{Dns, parse};

impl Dns {
    /// Whether `name` leads to `target` by its CNAMEs; or, if it has none, shares an address with `target`, as with a
    /// provider's alias at the apex of a zone. A name that can't be looked up leads nowhere.
    pub async fn leads_to(&self, name: &str, target: &str) -> bool {
        let Ok(parsed) = parse(name) else { return false };
        let (v4, v6) = tokio::join!(
            self.resolved(parsed.clone(), RecordType::A),
            self.resolved(parsed, RecordType::AAAA)
        );
        let mut own: Vec<IpAddr> = Vec::new();
        for found in [v4, v6] {
            let alias = match &found {
                Ok(end) => &end.alias,
                Err(failure) => &failure.alias,
            };
            match alias {
                Some(alias) => return alias.trim_end_matches('.').eq_ignore_ascii_case(target),
                None => own.extend(found.iter().flat_map(|end| &end.data).filter_map(|data| data.ip_addr())),
            }
        }
        if own.is_empty() {
            return false;
        }
        let theirs = self.addresses(target).await.unwrap_or_default();
        own.iter().any(|address| theirs.contains(address))
    }
}
