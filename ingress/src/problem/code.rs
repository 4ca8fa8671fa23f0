//! The closed list of problem codes, each with status and title.

use std::fmt;

use domain::ErrorCode;
use poem::http::StatusCode;

macro_rules! codes {
    ($($name:ident = $text:literal, $status:ident, $title:literal, $detail:literal;)*) => {
        /// The code of a problem, which determines status and title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $detail] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the code as clients see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns the status that HTTP itself has for it.
            const fn standard_status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// Returns the title, the same for all problems of this code.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// Returns the default detail.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$name => $detail,)* }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", BAD_REQUEST, "Bad request", "The request could not be understood.";
    BadJson = "bad_json", BAD_REQUEST, "Bad JSON", "The request body is not well-formed JSON.";
    BadMultipart = "bad_multipart", BAD_REQUEST, "Bad multipart body", "The multipart body is broken or ends too early.";
    BadDigest = "bad_digest", BAD_REQUEST, "Bad digest header", "A digest field is malformed.";
    UploadIncomplete = "upload_incomplete", BAD_REQUEST, "Incomplete upload", "The request body ended before it was complete.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "Unauthorized", "A valid API key or token is required in the Authorization field.";
    Forbidden = "forbidden", FORBIDDEN, "Forbidden", "Only administrators may do this.";
    Disabled = "disabled", FORBIDDEN, "Disabled", "This account is disabled; an administrator can enable it.";
    InsufficientScope = "insufficient_scope", FORBIDDEN, "Insufficient scope", "The API key lacks the scope that this needs.";
    QuotaExceeded = "quota_exceeded", FORBIDDEN, "Quota exceeded", "The quota in bytes or documents is used up; `GET /v1/usage` shows limits and usage.";
    NotFound = "not_found", NOT_FOUND, "Not found", "The resource does not exist.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed", "This method is not supported here; see the Allow field.";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "Request timeout", "The request body stalled or arrived too slowly.";
    IllegalTransition = "illegal_transition", CONFLICT, "Illegal transition", "The status of the document does not allow this.";
    NotActive = "not_active", CONFLICT, "Not active", "The document is archived, or has no active version.";
    IdempotencyInProgress = "idempotency_in_progress", CONFLICT, "Request in progress", "A request with this idempotency key is still running.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "Idempotency key reused", "This idempotency key was used for another request.";
    CurrentVersion = "current_version", CONFLICT, "Current version", "This is the current version; it cannot be deleted.";
    NotRetryable = "not_retryable", CONFLICT, "Not retryable", "The latest version has not failed, or its bytes are gone.";
    UniqueNameTaken = "unique_name_taken", CONFLICT, "Unique name taken", "Another document has this unique name.";
    NotReady = "not_ready", CONFLICT, "Not ready", "The operation has not ended yet.";
    Finished = "finished", CONFLICT, "Finished", "The operation has already ended.";
    NotUndoable = "not_undoable", CONFLICT, "Not undoable", "The operation can't be undone, or has already been undone.";
    OffsetMismatch = "offset_mismatch", CONFLICT, "Offset mismatch", "The upload continues at another offset; ask for it with HEAD.";
    ChecksumMismatch = "checksum_mismatch", BAD_REQUEST, "Checksum mismatch", "The bytes of the request don't match its checksum; they were discarded.";
    Gone = "gone", GONE, "Gone", "The upload has expired, and its bytes are gone.";
    CursorExpired = "cursor_expired", GONE, "Cursor expired", "Events after the cursor are not kept any more; begin without one, or with `after=now`.";
    UnsupportedVersion = "unsupported_version", PRECONDITION_FAILED, "Unsupported version", "The field Tus-Resumable must name a supported version; see Tus-Version.";
    RevisionMismatch = "revision_mismatch", PRECONDITION_FAILED, "Revision mismatch", "The document has changed since the revision in If-Match.";
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, "Too large", "The request body is larger than the service accepts.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "The media type of the request body is not accepted here.";
    UriTooLong = "uri_too_long", URI_TOO_LONG, "URI too long", "The target of the request is longer than the service accepts.";
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "Headers too large", "The header fields of the request are larger than the service accepts.";
    RangeNotSatisfiable = "range_not_satisfiable", RANGE_NOT_SATISFIABLE, "Range not satisfiable", "No requested range overlaps the content.";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "Invalid", "A field or parameter is not valid.";
    DigestMismatch = "digest_mismatch", UNPROCESSABLE_ENTITY, "Digest mismatch", "The content does not match the digest sent with it.";
    TooManyUploads = "too_many_uploads", TOO_MANY_REQUESTS, "Too many uploads", "Too many of your uploads are in progress; wait until one has ended.";
    TypeNotAllowed = "type_not_allowed", UNPROCESSABLE_ENTITY, "Type not allowed", "The service does not accept documents of this type.";
    TypeMismatch = "type_mismatch", UNPROCESSABLE_ENTITY, "Type mismatch", "The content contradicts its name or declared type.";
    StorageUnavailable = "storage_unavailable", UNPROCESSABLE_ENTITY, "Storage unavailable", "The storage could not be reached.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error", "An internal error occurred; the request id helps to find it.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Rate limited", "Too many requests; try again later.";
    NotSupported = "not_supported", NOT_IMPLEMENTED, "Not supported", "The service does not support this.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Overloaded", "The service is overloaded; try again later.";
    StorageFull = "storage_full", SERVICE_UNAVAILABLE, "Storage full", "The storage is full; try again later.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Unavailable", "A part of the service is unavailable; try again later.";
}

impl Code {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            // tus 1.0.0 has a status of its own.
            Self::ChecksumMismatch => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
            other => other.standard_status(),
        }
    }
}

impl From<ErrorCode> for Code {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::TooLarge => Self::TooLarge,
            ErrorCode::TypeNotAllowed => Self::TypeNotAllowed,
            ErrorCode::TypeMismatch => Self::TypeMismatch,
            ErrorCode::QuotaExceeded => Self::QuotaExceeded,
            ErrorCode::DigestMismatch => Self::DigestMismatch,
            ErrorCode::UploadIncomplete => Self::UploadIncomplete,
            ErrorCode::StorageUnavailable => Self::StorageUnavailable,
            ErrorCode::Internal => Self::Internal,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_every_one_is_an_error() {
        let texts: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(
                code.status().is_client_error() || code.status().is_server_error(),
                "{code}"
            );
        }
    }

    #[test]
    fn a_failed_document_is_known_by_the_same_code() {
        for code in ErrorCode::ALL {
            assert_eq!(Code::from(*code).as_str(), code.as_str());
        }
    }
}
