//! The instance id in a path.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use parameters::shown;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::osbapi::error::OsbError;

/// The most bytes of an id; Cloud Foundry and Kubernetes use GUIDs.
const MOST_BYTES: usize = 255;

/// An instance id that can be stored. OSBAPI allows any unique string; PostgreSQL's text can't contain NUL, and no
/// platform has a reason to use other control characters.
pub(crate) struct InstanceId(pub(crate) String);

#[derive(Deserialize, JsonSchema)]
struct Segments {
    /// The platform's id of the instance
    #[schemars(length(min = 1, max = MOST_BYTES), regex(pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    id: String,
}

impl OperationInput for InstanceId {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Path::<Segments>::operation_input(context, operation);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InstanceId {
    type Rejection = OsbError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, OsbError> {
        let Path(Segments { id }) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_: PathRejection| OsbError::bad_request("The instance id in the path is not UTF-8."))?;
        checked(id).map_err(OsbError::bad_request)
    }
}

fn checked(id: String) -> Result<InstanceId, String> {
    let fault = if id.is_empty() {
        "is empty".to_string()
    } else if id.len() > MOST_BYTES {
        format!("has {} bytes; at most {MOST_BYTES} are allowed", id.len())
    } else if id.chars().any(char::is_control) {
        "has a control character".to_string()
    } else {
        return Ok(InstanceId(id));
    };
    Err(format!("The instance id {} {fault}.", shown(&id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_ids_are_refused_with_words() {
        assert!(checked("a".repeat(255)).is_ok());
        assert!(checked("Ünusual id/with slash".into()).is_ok());
        for (id, says) in [
            (String::new(), "is empty"),
            ("a".repeat(256), "256 bytes"),
            ("a\0b".into(), r#""a\0b" has a control character"#),
            ("a\nb".into(), "control character"),
        ] {
            let text = checked(id).err().unwrap();
            assert!(text.contains(says), "{text}");
        }
    }
}
