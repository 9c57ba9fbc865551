//! Where a plan has the access logs of its instances delivered.

/// CloudFront's standard logging (legacy) to a bucket of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessLogs {
    /// The bucket's domain name, such as `logs.s3.amazonaws.com`.
    pub bucket: String,
    /// What stands before the instance's id in the names of the logs; may be empty.
    #[serde(default)]
    pub prefix: String,
    /// Log every cookie, whatever is passed to the origin.
    #[serde(default)]
    pub include_cookies: bool,
}

impl AccessLogs {
    /// How the names of an instance's logs begin. The id is always in it, so that no tenant's logs lie among another's.
    pub fn prefix_of(&self, instance: &str) -> String {
        format!("{}{}", self.prefix, folder_of(instance))
    }

    /// Whether names that begin so are those of the instance's logs, by whatever plan.
    pub fn is_prefix_of(prefix: &str, instance: &str) -> bool {
        prefix.ends_with(&folder_of(instance))
    }
}

fn folder_of(instance: &str) -> String {
    format!("{instance}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_always_part_of_the_name() {
        let mut logs: AccessLogs = serde_json::from_str(r#"{"bucket": "logs.s3.amazonaws.com"}"#).unwrap();
        assert_eq!(logs.prefix_of("id-1"), "id-1/");
        logs.prefix = "cdn/".into();
        assert_eq!(logs.prefix_of("id-1"), "cdn/id-1/");
        assert!(AccessLogs::is_prefix_of("another/id-1/", "id-1"));
        assert!(!AccessLogs::is_prefix_of("by-hand/", "id-1") && !AccessLogs::is_prefix_of("", "id-1"));
    }
}
