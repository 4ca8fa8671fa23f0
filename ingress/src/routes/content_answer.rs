//! Content as an HTTP answer: whole, in part or in parts, with the headers that make it safe to hand out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use poem::http::StatusCode;
use poem::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS,
};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use shared::domain::{Current, Document, Sha256, Timestamp};
use shared::storage::{Places, Range, StorageError};
use url::Url;
use uuid::Uuid;

use crate::content::{Disposition, RangeAnswer, Validators, content_disposition};

/// A document's current version, as it can be handed out.
pub(super) struct Representation {
    media_type: String,
    disposition: String,
    location: Url,
    length: u64,
    sha256: Sha256,
    modified_at: Timestamp,
}

/// An answer of one of the content routes.
pub(super) struct ContentAnswer(Response);

type Chunks = BoxStream<'static, Result<Bytes, StorageError>>;

impl Representation {
    pub(super) fn new(document: &Document, current: &Current, disposition: Disposition) -> Self {
        Self {
            media_type: current.media_type.to_string(),
            disposition: content_disposition(disposition, document.name.as_str()),
            location: current.location.clone(),
            length: document.size.bytes(),
            sha256: document.sha256,
            modified_at: document.updated_at,
        }
    }

    pub(super) fn validators(&self) -> Validators {
        Validators {
            etag: format!("\"{}\"", self.sha256),
            modified_at: self.modified_at,
        }
    }

    pub(super) fn not_modified(&self) -> ContentAnswer {
        let validators = self.validators();
        let response = Response::builder()
            .status(StatusCode::NOT_MODIFIED)
            .header(ETAG, validators.etag)
            .header(LAST_MODIFIED, validators.modified_at.to_http_date())
            .header(CACHE_CONTROL, "private, no-cache");
        ContentAnswer(response.finish())
    }

    /// The header of the whole: for HEAD, the storage is not even opened.
    pub(super) fn without_body(&self) -> ContentAnswer {
        self.with_body(StatusCode::OK, &self.media_type, self.length, Body::empty())
    }

    /// Opens what was asked for. Later parts are opened when their turn comes.
    pub(super) async fn open(
        &self,
        places: &Places,
        parts: RangeAnswer,
    ) -> Result<ContentAnswer, StorageError> {
        match parts {
            RangeAnswer::Whole => {
                let chunks = places.open(&self.location, None).await?;
                Ok(self.with_body(StatusCode::OK, &self.media_type, self.length, body(chunks)))
            }
            RangeAnswer::Part(part) => {
                let chunks = places.open(&self.location, Some(part)).await?;
                let mut answer = self.with_body(
                    StatusCode::PARTIAL_CONTENT,
                    &self.media_type,
                    part.length,
                    body(chunks),
                );
                set(&mut answer.0, CONTENT_RANGE, &self.content_range(part));
                Ok(answer)
            }
            RangeAnswer::Parts(parts) => Ok(self.several(places, parts)),
        }
    }

    /// `multipart/byteranges` (RFC 9110, section 14.6).
    fn several(&self, places: &Places, parts: Vec<Range>) -> ContentAnswer {
        let boundary = Uuid::new_v4().simple().to_string();
        let last = Bytes::from(format!("\r\n--{boundary}--\r\n"));
        let parts: Vec<_> = parts
            .into_iter()
            .map(|part| (self.part_header(&boundary, part), part))
            .collect();
        let bytes = parts
            .iter()
            .map(|(header, part)| header.len() as u64 + part.length)
            .sum::<u64>();
        let length = bytes + last.len() as u64;
        let (places, location) = (places.clone(), self.location.clone());
        let parts = futures::stream::iter(parts).then(move |(header, part)| {
            let (places, location) = (places.clone(), location.clone());
            async move {
                let chunks = places.open(&location, Some(part)).await?;
                Ok::<_, StorageError>(futures::stream::iter([Ok(header)]).chain(chunks))
            }
        });
        let chunks = parts.try_flatten().chain(futures::stream::iter([Ok(last)]));
        let media_type = format!("multipart/byteranges; boundary={boundary}");
        self.with_body(
            StatusCode::PARTIAL_CONTENT,
            &media_type,
            length,
            body(chunks.boxed()),
        )
    }

    fn part_header(&self, boundary: &str, part: Range) -> Bytes {
        let (media_type, range) = (&self.media_type, self.content_range(part));
        Bytes::from(format!(
            "\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {range}\r\n\r\n"
        ))
    }

    fn content_range(&self, part: Range) -> String {
        format!(
            "bytes {}-{}/{}",
            part.start,
            part.start + part.length - 1,
            self.length
        )
    }

    fn with_body(
        &self,
        status: StatusCode,
        media_type: &str,
        length: u64,
        body: Body,
    ) -> ContentAnswer {
        let validators = self.validators();
        let digest = STANDARD.encode(self.sha256.as_bytes());
        let response = Response::builder()
            .status(status)
            .header(CONTENT_TYPE, media_type)
            .header(CONTENT_LENGTH, length)
            .header(CONTENT_DISPOSITION, &self.disposition)
            .header(ETAG, validators.etag)
            .header(LAST_MODIFIED, validators.modified_at.to_http_date())
            .header("Repr-Digest", format!("sha-256=:{digest}:"))
            .header(ACCEPT_RANGES, "bytes")
            .header(CACHE_CONTROL, "private, no-cache")
            .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
        ContentAnswer(response.body(body))
    }
}

fn set(response: &mut Response, name: poem::http::HeaderName, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

/// Chunks as a body. One that breaks off ends the connection, so that no client takes half for the whole.
fn body(chunks: Chunks) -> Body {
    let chunks = chunks.inspect_err(|error| {
        tracing::error!(
            error = error as &dyn std::error::Error,
            "a download broke off"
        );
    });
    Body::from_bytes_stream(chunks.map_err(std::io::Error::other))
}

impl IntoResponse for ContentAnswer {
    fn into_response(self) -> Response {
        self.0
    }
}

const HEADERS: [(&str, &str); 8] = [
    (
        "ETag",
        "The SHA-256 of the whole content, in hexadecimal, in quotes.",
    ),
    ("Last-Modified", "When the document changed last."),
    (
        "Repr-Digest",
        "The SHA-256 of the whole content (RFC 9530).",
    ),
    ("Accept-Ranges", "`bytes`"),
    ("Cache-Control", "`private, no-cache`"),
    ("Content-Disposition", "The document's name (RFC 6266)."),
    ("X-Content-Type-Options", "`nosniff`"),
    ("Content-Security-Policy", "`sandbox; default-src 'none'`"),
];

impl ApiResponse for ContentAnswer {
    fn meta() -> MetaResponses {
        let range = (
            "Content-Range",
            "Which bytes these are; in each part, if there are several.",
        );
        MetaResponses {
            responses: vec![
                response(200, "The content.", HEADERS.to_vec()),
                response(
                    206,
                    "The part of the content that was asked for, or several as `multipart/byteranges`.",
                    HEADERS.into_iter().chain([range]).collect(),
                ),
                response(
                    304,
                    "The client has it already.",
                    vec![HEADERS[0], HEADERS[1], HEADERS[4]],
                ),
            ],
        }
    }

    fn register(_: &mut Registry) {}
}

fn response(status: u16, description: &'static str, headers: Vec<(&str, &str)>) -> MetaResponse {
    let header = |(name, description): (&str, &str)| MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: name != "Content-Range",
        deprecated: false,
        schema: String::schema_ref(),
    };
    let binary = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
    let content = MetaMediaType {
        content_type: "*/*",
        schema: binary,
    };
    MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content: if status == 304 {
            Vec::new()
        } else {
            vec![content]
        },
        headers: headers.into_iter().map(header).collect(),
    }
}
