//! A problem: an error value that handlers return, rendered in one place.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use poem::error::ResponseError;
use poem::http::StatusCode;
use poem::http::header::{
    ALLOW, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use poem::{IntoResponse, Response};
use poem_openapi::Object;

use domain::{DocumentId, Failure, Scope, Status};

use super::Code;
use crate::dto::Id;

/// `Retry-After` of what is unavailable, in seconds.
const RETRY_AFTER_SECONDS: &str = "2";

/// `Retry-After` of full storage, in seconds.
const ROOM_AFTER_SECONDS: &str = "30";

/// An invalid field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct FieldError {
    /// `/member` of the body (a JSON pointer, RFC 6901), or the name of the parameter.
    pub pointer: String,
    /// Its error.
    pub detail: String,
}

impl FieldError {
    /// The most that an answer lists.
    pub const MOST: usize = 100;
    /// The longest pointer that the problem's own detail repeats, in bytes.
    const SHOWN: usize = 100;
}

/// The error of a request. Its cause goes to the log, never to the client.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    failed: Option<DocumentId>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// The body of every error answer (RFC 9457).
#[derive(Debug, Object)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
pub struct ProblemBody {
    /// `/problems/<code>`
    #[oai(rename = "type")]
    pub kind: String,
    /// A summary that is the same for all problems of this type.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// An explanation of this occurrence.
    pub detail: String,
    /// The code, for programs.
    pub code: String,
    /// The request's id in the service's log.
    pub request_id: String,
    /// The fields and parameters that are not valid.
    pub errors: Option<Vec<FieldError>>,
    /// The document that was accepted and then failed, if the client waited for it.
    pub document_id: Option<Id<DocumentId>>,
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        let headers = match code {
            Code::Unauthorized => vec![(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))],
            Code::IdempotencyInProgress
            | Code::RateLimited
            | Code::TooManyUploads
            | Code::Overloaded
            | Code::Unavailable => {
                vec![(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS))]
            }
            Code::StorageFull => {
                vec![(RETRY_AFTER, HeaderValue::from_static(ROOM_AFTER_SECONDS))]
            }
            _ => Vec::new(),
        };
        let detail = Cow::Borrowed(code.detail());
        Self {
            code,
            detail,
            errors: Vec::new(),
            headers,
            failed: None,
            cause: None,
        }
    }
}

impl Problem {
    /// Creates a problem from at least one invalid field.
    #[must_use]
    pub fn invalid(mut errors: Vec<FieldError>) -> Self {
        let problem = Self::from(Code::Invalid);
        let detail = summary(&errors).map_or(problem.detail, Cow::Owned);
        errors.truncate(FieldError::MOST);
        Self {
            detail,
            errors,
            ..Self::from(Code::Invalid)
        }
    }

    /// Creates a problem from one invalid field or parameter.
    #[must_use]
    pub fn invalid_field(pointer: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self::invalid(vec![FieldError {
            pointer: pointer.into(),
            detail: detail.to_string(),
        }])
    }

    /// A filter whose query timed out.
    #[must_use]
    pub fn too_costly(pointer: &str) -> Self {
        Self::invalid_field(
            pointer,
            "takes too long; narrow it, for example to a shorter period",
        )
    }

    /// A document without content to read or to replace, because of its status.
    #[must_use]
    pub fn not_active(status: Status) -> Self {
        Self::from(Code::NotActive).with_detail(match status {
            Status::Archived => "The document is archived; restore it first.",
            Status::Pending => {
                "The first version of the document is still being processed; wait until it is active."
            }
            Status::Active => "This version is not active.",
            Status::Error => "No version of the document is active; its upload failed.",
        })
    }

    /// A request body with a `Content-Encoding`.
    #[must_use]
    pub fn content_encoding() -> Self {
        Self::from(Code::UnsupportedMediaType).with_detail(
            "Request bodies with a Content-Encoding are not accepted; send them uncompressed.",
        )
    }

    /// A method that the path doesn't support; `allow` lists the supported ones.
    #[must_use]
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::from(Code::MethodNotAllowed).with_header(ALLOW, allow)
    }

    /// A key without the scope that the request needs (RFC 6750, section 3.1).
    #[must_use]
    pub fn insufficient_scope(scope: Scope) -> Self {
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        Self::from(Code::InsufficientScope)
            .with_detail(format!("The API key lacks the scope `{scope}`."))
            .with_header(WWW_AUTHENTICATE, &challenge)
    }

    /// A range outside content of `length` bytes (RFC 9110, section 15.5.17).
    #[must_use]
    pub fn range_not_satisfiable(length: u64) -> Self {
        Self::from(Code::RangeNotSatisfiable)
            .with_header(CONTENT_RANGE, &format!("bytes */{length}"))
    }

    /// An accepted document that failed while its uploader waited. The document remains.
    #[must_use]
    pub fn failed(
        document: DocumentId,
        failure: &Failure,
        location: &str,
        wait: impl fmt::Display,
    ) -> Self {
        let problem = Self {
            failed: Some(document),
            ..Self::from(Code::from(failure.code))
        };
        problem
            .with_detail(failure.detail.clone())
            .with_header(LOCATION, location)
            .with_header(
                HeaderName::from_static("preference-applied"),
                &wait.to_string(),
            )
    }

    /// An append at another offset than that of the upload.
    #[must_use]
    pub fn offset_mismatch(offset: u64) -> Self {
        let field = HeaderName::from_static("upload-offset");
        Self::from(Code::OffsetMismatch).with_header(field, &offset.to_string())
    }

    /// The same problem about an upload that has all its bytes.
    #[must_use]
    pub fn of_complete_upload(self) -> Self {
        self.with_header(HeaderName::from_static("upload-complete"), "?1")
    }

    /// An exceeded rate limit, with its header fields.
    #[must_use]
    pub fn rate_limited(detail: String, retry_after: u64, fields: &[(HeaderName, String)]) -> Self {
        let mut problem = Self::from(Code::RateLimited).with_detail(detail);
        problem.headers.clear();
        let problem = problem.with_header(RETRY_AFTER, &retry_after.to_string());
        fields.iter().fold(problem, |problem, (name, value)| {
            problem.with_header(name.clone(), value)
        })
    }

    /// An internal error, logged for operators.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::from(Code::Internal).because(cause)
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn because(self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// Sets the detail shown to the client.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// Sets the field errors.
    #[must_use]
    pub fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Returns whether it is a document's failure, which the worker has logged.
    pub const fn is_of_document(&self) -> bool {
        self.failed.is_some()
    }

    /// Returns the status. A document's failure is always 422.
    fn answer_status(&self) -> StatusCode {
        match self.failed {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => self.code.status(),
        }
    }

    /// Renders the answer to the request with `request_id`.
    #[must_use]
    pub(crate) fn to_response(&self, request_id: &str) -> Response {
        let body = ProblemBody {
            kind: format!("/problems/{}", self.code),
            title: self.code.title().to_owned(),
            status: self.answer_status().as_u16(),
            detail: self.detail.clone().into_owned(),
            code: self.code.as_str().to_owned(),
            request_id: request_id.to_owned(),
            errors: (!self.errors.is_empty()).then(|| self.errors.clone()),
            document_id: self.failed.map(Id),
        };
        let mut response = poem_openapi::payload::Json(body).into_response();
        response.set_status(self.answer_status());
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response.headers_mut().extend(self.headers.iter().cloned());
        response
    }
}

/// Names the first bad field in one sentence, and counts the others.
fn summary(errors: &[FieldError]) -> Option<String> {
    let first = errors.first()?;
    let field = match first.pointer.as_str() {
        "" => "The request body",
        pointer if pointer.len() > FieldError::SHOWN => return None,
        pointer => pointer,
    };
    Some(match errors.len() {
        1 => format!("{field} {}.", first.detail),
        count => format!("{field} {}; {} more in `errors`.", first.detail, count - 1),
    })
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.answer_status()
    }

    fn as_response(&self) -> Response {
        self.to_response("")
    }
}

#[cfg(test)]
impl Problem {
    /// The answer, outside a request.
    pub(crate) fn to_response_for_tests(&self) -> Response {
        self.to_response("test")
    }

    /// Which fields it names.
    pub(crate) fn pointers_for_tests(&self) -> Vec<String> {
        self.errors
            .iter()
            .map(|error| error.pointer.clone())
            .collect()
    }
}
