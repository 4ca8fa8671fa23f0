//! What the service says when it refuses a request (RFC 9457).

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short title.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// One of a closed list of codes, such as `not_found`.
    pub code: String,
    /// The id under which the service logged the request.
    pub request_id: String,
    /// The fields that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The document that the request made before it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<Uuid>,
    /// Seconds after which to try again, of the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldError {
    /// A JSON pointer, or the name of a parameter.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        write!(to, "{} ({})", detail.trim_end_matches('.'), self.code)?;
        // The detail tells the first of them.
        let is_told = |field: &FieldError| {
            let after = detail.strip_prefix(&field.pointer);
            after.is_some_and(|after| after.trim_start().starts_with(&field.detail))
        };
        for field in self.errors.iter().filter(|field| !is_told(field)) {
            write!(to, "; {}: {}", field.pointer, field.detail)?;
        }
        Ok(())
    }
}
