//! Who asked for an operation: recorded with it, and never a reason to refuse it.

/// Who requested an operation, as far as the request says.
#[derive(Debug, Clone, Default)]
pub struct Requester {
    /// The platform, by the name of its credentials.
    pub platform: String,
    /// The platform's user (OSBAPI, "Originating Identity"). Holds no NUL, which PostgreSQL's jsonb refuses.
    pub originating_identity: Option<serde_json::Value>,
    /// The platform's name for the request (OSBAPI, "Request Identity").
    pub request_identity: Option<String>,
}
