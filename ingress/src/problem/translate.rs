//! Maps errors of the HTTP library to problems.

use std::borrow::Cow;

use poem::Error;
use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::StatusCode;
use poem_openapi::error::{
    AuthorizationError, ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError,
};

use super::{Code, Problem};

/// Converts any error of an endpoint. A [`Problem`] is returned unchanged.
pub fn problem_of(error: Error) -> Problem {
    let error = match error.downcast::<Problem>() {
        Ok(problem) => return problem,
        Err(error) => error,
    };
    if let Some(parameter) = error.downcast_ref::<ParseParamError>() {
        return Problem::invalid_field(parameter.name, "is missing, malformed or out of its range");
    }
    let code = if error.is::<NotFoundError>() || error.is::<ParsePathError>() {
        Code::NotFound
    } else if error.is::<MethodNotAllowedError>() {
        Code::MethodNotAllowed
    } else if error.is::<ContentTypeError>() {
        Code::UnsupportedMediaType
    } else if error.is::<AuthorizationError>() {
        Code::Unauthorized
    } else if error.is::<ParseRequestPayloadError>() {
        Code::BadJson
    } else {
        code_of(error.status())
    };
    Problem::from(code).because(Cow::<str>::Owned(error.to_string()).into_owned())
}

/// Returns the code of a bare status.
pub fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::Unauthorized,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => Code::RequestTimeout,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::URI_TOO_LONG => Code::UriTooLong,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Code::HeadersTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        StatusCode::RANGE_NOT_SATISFIABLE => Code::RangeNotSatisfiable,
        StatusCode::UNPROCESSABLE_ENTITY => Code::Invalid,
        StatusCode::TOO_MANY_REQUESTS => Code::RateLimited,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    }
}
