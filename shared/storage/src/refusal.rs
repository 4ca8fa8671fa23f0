//! The answer of an object store that refuses a request.

/// A response that refuses the request.
#[derive(Debug, thiserror::Error)]
#[error("the service answered {status} {code} (request {request}): {message}")]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The service's code of the error.
    pub code: String,
    /// The service's number of the request.
    pub request: String,
    /// The service's words.
    pub message: String,
}

impl Refusal {
    /// Returns whether it concerns this request alone: others may succeed.
    #[must_use]
    pub const fn is_of_one_request(&self) -> bool {
        // A timeout, and too many requests, concern others as well.
        matches!(self.status, 400..=499) && !matches!(self.status, 408 | 429)
    }
}
