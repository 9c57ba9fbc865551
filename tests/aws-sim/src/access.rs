//! Access keys and what each may do.

use std::str::FromStr;

use crate::error::{Answer, ApiError};

/// An access key with its rights.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Access key id.
    pub id: String,
    /// Secret access key.
    pub secret: String,
    /// Action patterns; empty means everything.
    pub rights: Vec<String>,
}

/// An access key that is not `id:secret[:rights]`.
#[derive(Debug, thiserror::Error)]
#[error("expected id:secret or id:secret:rights")]
pub struct BadAccessKey;

impl FromStr for AccessKey {
    type Err = BadAccessKey;

    fn from_str(text: &str) -> Result<Self, BadAccessKey> {
        let mut parts = text.splitn(3, ':');
        let id = parts.next().filter(|id| !id.is_empty()).ok_or(BadAccessKey)?;
        let secret = parts.next().filter(|secret| !secret.is_empty()).ok_or(BadAccessKey)?;
        let rights = parts.next().unwrap_or_default();
        Ok(Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            rights: rights
                .split('+')
                .filter(|right| !right.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

impl AccessKey {
    /// Refuses an action (`cloudfront:CreateDistribution`) that no right of this key matches.
    pub fn allow(&self, action: &str) -> Answer<()> {
        if self.rights.is_empty() || self.rights.iter().any(|right| matches(right, action)) {
            return Ok(());
        }
        let message = format!(
            "User: arn:aws:iam::{}:user/{} is not authorized to perform: {action} because no identity-based policy \
             allows the {action} action",
            crate::ids::ACCOUNT,
            self.id
        );
        Err(ApiError::new("AccessDenied", 403, message))
    }
}

/// Whether a pattern with `*` (any run) and `?` (any one character) matches, as in IAM actions and path patterns.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches("cloudfront:*", "cloudfront:GetDistribution"));
        assert!(matches("/a*c?e", "/abbcde"));
        assert!(!matches("/images/*", "/image/1"));
        assert!(matches("*", ""));
    }

    #[test]
    fn rights_of_a_key() {
        let key: AccessKey = "AK:secret:cloudfront:Get*+iam:*".parse().unwrap();
        assert!(key.allow("iam:UploadServerCertificate").is_ok());
        assert!(key.allow("cloudfront:GetDistribution").is_ok());
        assert_eq!(
            key.allow("cloudfront:CreateDistribution").unwrap_err().code,
            "AccessDenied"
        );
    }
}
