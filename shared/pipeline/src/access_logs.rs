//! The destination of the access logs of a plan's instances.

/// CloudFront's standard logging (legacy) to a bucket of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessLogs {
    /// The bucket's domain name, such as `logs.s3.amazonaws.com`.
    pub bucket: String,
    /// The prefix before the instance's id in the names of the logs; may be empty.
    #[serde(default)]
    pub prefix: String,
    /// Log every cookie, whichever cookies are passed to the origin.
    #[serde(default)]
    pub include_cookies: bool,
}

impl AccessLogs {
    /// The prefix of the names of an instance's logs. It always contains the id, so that the logs of different tenants
    /// are kept apart.
    pub fn prefix_of(&self, instance: &str) -> String {
        format!("{}{}", self.prefix, folder_of(instance))
    }

    /// Whether names with this prefix are those of the instance's logs, under any plan.
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
