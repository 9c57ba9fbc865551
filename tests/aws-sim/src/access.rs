//! Access keys and their rights.

use std::str::FromStr;

use crate::error::{Answer, ApiError};
use crate::policy::{Asked, BadPolicy, Policy};

/// An access key with its rights.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Access key id.
    pub id: String,
    /// Secret access key.
    pub secret: String,
    /// Its rights.
    pub rights: Rights,
}

/// The rights of an access key.
#[derive(Debug, Clone)]
pub enum Rights {
    /// Everything.
    All,
    /// The actions that match one of these patterns, on any resource.
    Actions(Vec<String>),
    /// The actions that a policy allows.
    Policy(Policy),
}

/// An access key that cannot be parsed.
#[derive(Debug, thiserror::Error)]
pub enum BadAccessKey {
    /// Not `id:secret[:rights]`.
    #[error("expected id:secret, id:secret:rights or id:secret:@FILE")]
    Form,
    /// The file does not contain a valid policy.
    #[error("the policy {0}: {1}")]
    Policy(String, BadPolicy),
}

impl FromStr for AccessKey {
    type Err = BadAccessKey;

    fn from_str(text: &str) -> Result<Self, BadAccessKey> {
        let mut parts = text.splitn(3, ':');
        let id = parts.next().filter(|id| !id.is_empty()).ok_or(BadAccessKey::Form)?;
        let secret = parts
            .next()
            .filter(|secret| !secret.is_empty())
            .ok_or(BadAccessKey::Form)?;
        let rights = match parts.next().unwrap_or_default() {
            "" => Rights::All,
            rights => match rights.strip_prefix('@') {
                Some(file) => {
                    Rights::Policy(policy_in(file).map_err(|problem| BadAccessKey::Policy(file.to_owned(), problem))?)
                }
                None => Rights::Actions(rights.split('+').map(str::to_owned).collect()),
            },
        };
        Ok(Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            rights,
        })
    }
}

fn policy_in(file: &str) -> Result<Policy, BadPolicy> {
    Policy::read(&std::fs::read_to_string(file)?)
}

impl AccessKey {
    /// Whether this key may perform the request.
    pub fn may(&self, asked: &Asked) -> bool {
        match &self.rights {
            Rights::All => true,
            Rights::Actions(patterns) => patterns.iter().any(|pattern| matches(pattern, &asked.action)),
            Rights::Policy(policy) => policy.allows(asked),
        }
    }

    /// Refuses a request that this key may not perform.
    pub fn allow(&self, asked: &Asked) -> Answer<()> {
        if self.may(asked) {
            return Ok(());
        }
        let Asked { action, resource, .. } = asked;
        let on = match resource.as_str() {
            "*" => String::new(),
            arn => format!(" on resource: {arn}"),
        };
        let message = format!(
            "User: arn:aws:iam::{}:user/{} is not authorized to perform: {action}{on} because no identity-based policy \
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
        let may = |action: &str| key.may(&Asked::on(action, "*"));
        assert!(may("iam:UploadServerCertificate") && may("cloudfront:GetDistribution"));
        let refused = key
            .allow(&Asked::on("cloudfront:CreateDistribution", "arn:x"))
            .unwrap_err();
        assert_eq!(refused.code, "AccessDenied");
        assert!(
            refused
                .message
                .contains("cloudfront:CreateDistribution on resource: arn:x because")
        );
    }
}
