//! Content responses: whole, one range or several, with headers that make them safe.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{ByteSize, Document, MediaType, Sha256, Timestamp, Version, VersionState};
use futures::{StreamExt, TryStreamExt};
use ledger::{Database, DatedDocument, ExportResult, is_second_shared};
use poem::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use poem::http::{Method, StatusCode};
use poem::{Body, IntoResponse, Request, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use storage::{Presented, Range, StorageError};
use url::Url;
use uuid::Uuid;

use super::content_source::ContentSource;
use crate::http::{
    Condition, Disposition, HEAD, RangeAnswer, Validators, charset, content_disposition,
    depends_on_date, evaluate, select,
};
use crate::problem::{Code, Problem};
use crate::service::Service;

/// The content of an active version.
pub(super) struct Representation {
    media_type: String,
    is_shown_text: bool,
    disposition: String,
    location: Url,
    length: u64,
    sha256: Sha256,
    modified_at: Timestamp,
    is_second_shared: bool,
    audience: Audience,
    redirect: Option<bool>,
}

/// Who may cache a response. Both revalidate each time, since deleting and archiving take effect
/// immediately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// The caller only.
    Caller,
    /// Everybody.
    Everybody,
}

impl Audience {
    pub(super) const fn cache_control(self) -> &'static str {
        match self {
            Self::Caller => "private, no-cache",
            Self::Everybody => "public, no-cache",
        }
    }
}

/// The response of a content route.
pub(super) struct ContentAnswer(Response);

/// How content was requested, beyond header fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Whether to show it inline.
    pub(super) inline: bool,
    /// Who may cache it.
    pub(super) audience: Audience,
    /// Whether the client asks for a redirect to storage, or against one.
    pub(super) redirect: Option<bool>,
}

impl Representation {
    /// Returns the content of a document; fails if it isn't active.
    pub(super) fn of_document(dated: &DatedDocument, wish: Wish) -> Result<Self, Problem> {
        let document = &dated.document;
        let current = document
            .active()
            .ok_or_else(|| Problem::not_active(document.lifecycle.status()))?;
        let disposition = Disposition::for_type(&current.media_type, wish.inline);
        Ok(Self {
            media_type: current.media_type.to_string(),
            is_shown_text: is_shown_text(&current.media_type, disposition),
            disposition: content_disposition(disposition, document.name.as_str()),
            location: current.location.clone(),
            length: document.size.bytes(),
            sha256: document.sha256,
            modified_at: dated.content_since,
            is_second_shared: false,
            audience: wish.audience,
            redirect: wish.redirect,
        })
    }

    /// Returns the content at `location` of a version of an active document, with the document's
    /// current name.
    pub(super) fn of_version(
        document: &Document,
        (version, location): (Version, Option<Url>),
        wish: Wish,
    ) -> Result<Self, Problem> {
        let (Some(_), VersionState::Active { media_type, .. }, Some(location)) =
            (document.active(), &version.state, location)
        else {
            return Err(Problem::not_active(document.lifecycle.status()));
        };
        let disposition = Disposition::for_type(media_type, wish.inline);
        Ok(Self {
            media_type: media_type.to_string(),
            is_shown_text: is_shown_text(media_type, disposition),
            disposition: content_disposition(disposition, document.name.as_str()),
            location,
            length: version.size.bytes(),
            sha256: version.sha256,
            modified_at: version.created_at,
            is_second_shared: false,
            audience: wish.audience,
            redirect: wish.redirect,
        })
    }

    /// Returns an export's archive.
    pub(super) fn of_archive(
        name: &str,
        archive: ExportResult,
        (modified_at, wish): (Timestamp, Wish),
    ) -> Self {
        Self {
            media_type: "application/zip".to_owned(),
            is_shown_text: false,
            disposition: content_disposition(Disposition::Attachment, name),
            location: archive.location,
            length: archive.size.bytes(),
            sha256: archive.sha256,
            modified_at,
            is_second_shared: false,
            audience: wish.audience,
            redirect: wish.redirect,
        }
    }

    /// Looks up whether the document had other content within the same second, if the response
    /// depends on it.
    pub(super) async fn with_shared_second(
        mut self,
        request: &Request,
        (db, dated): (&Database, &DatedDocument),
    ) -> Result<Self, Problem> {
        if depends_on_date(request.headers()) {
            self.is_second_shared = is_second_shared(db, dated).await?;
        }
        Ok(self)
    }

    /// Evaluates the request's conditions.
    async fn answer(
        &mut self,
        request: &Request,
        service: &Service,
    ) -> Result<ContentAnswer, Withheld> {
        let now = service.clock.now();
        let range = match evaluate(request.headers(), &self.validators(), now) {
            Condition::Failed => return Err(Withheld::Precondition),
            Condition::NotModified => return Ok(self.not_modified()),
            Condition::Answer { range } => range,
        };
        let source = ContentSource::of(request, service, (self.sha256, ByteSize::new(self.length)));
        if self.is_shown_text {
            self.tell_charset(&source)
                .await
                .map_err(Withheld::Storage)?;
        }
        if request.method() == Method::HEAD {
            return Ok(self.without_body());
        }
        let parts = select(range, self.length).map_err(|_| Withheld::Range(self.length))?;
        let redirected = self.redirected(service).await;
        if let Some(answer) = redirected.map_err(Withheld::Storage)? {
            return Ok(answer);
        }
        let room = source.await_room(parts.bytes_of(self.length)).await;
        room.map_err(Withheld::Room)?;
        self.open(source, parts).await.map_err(Withheld::Storage)
    }

    /// Returns a redirect to storage, which serves ranges by itself; `None` if it isn't wanted, or
    /// the place has no URLs for it.
    async fn redirected(&self, service: &Service) -> Result<Option<ContentAnswer>, StorageError> {
        let settings = service.redirects;
        if !settings.redirect_downloads.applies(self.redirect) {
            return Ok(None);
        }
        let presented = Presented {
            media_type: self.media_type.clone(),
            disposition: self.disposition.clone(),
        };
        let url = service
            .places
            .presign(&self.location, &presented, settings.redirect_for)
            .await?;
        Ok(url.map(|url| {
            let response = Response::builder()
                .status(StatusCode::TEMPORARY_REDIRECT)
                .header(LOCATION, url.as_str())
                .header(CACHE_CONTROL, "private, no-store");
            ContentAnswer(response.finish())
        }))
    }

    /// Detects the charset of text shown inline.
    async fn tell_charset(&mut self, source: &ContentSource) -> Result<(), StorageError> {
        let range = Range {
            start: 0,
            length: self.length.min(HEAD),
        };
        if range.length == 0 {
            return Ok(());
        }
        let head = source.read_first(&self.location, range).await?;
        if let Some(charset) = charset(&head, range.length == self.length) {
            self.media_type = format!("{}; charset={charset}", self.media_type);
        }
        Ok(())
    }

    fn validators(&self) -> Validators {
        Validators {
            etag: format!("\"{}\"", self.sha256),
            modified_at: self.modified_at,
            is_second_shared: self.is_second_shared,
        }
    }

    fn not_modified(&self) -> ContentAnswer {
        let validators = self.validators();
        let response = Response::builder()
            .status(StatusCode::NOT_MODIFIED)
            .header(ETAG, validators.etag)
            .header(LAST_MODIFIED, validators.modified_at.to_http_date())
            .header(CACHE_CONTROL, self.audience.cache_control());
        ContentAnswer(response.finish())
    }

    /// Returns the response without a body.
    fn without_body(&self) -> ContentAnswer {
        self.with_body(StatusCode::OK, &self.media_type, self.length, Body::empty())
    }

    /// Opens the requested ranges; later ones lazily.
    async fn open(
        &self,
        source: ContentSource,
        parts: RangeAnswer,
    ) -> Result<ContentAnswer, StorageError> {
        match parts {
            RangeAnswer::Whole => {
                let whole = Range {
                    start: 0,
                    length: self.length,
                };
                let body = source.body(source.open(&self.location, whole).await?, whole.length);
                Ok(self.with_body(StatusCode::OK, &self.media_type, self.length, body))
            }
            RangeAnswer::Part(part) => {
                let mut answer = self.with_body(
                    StatusCode::PARTIAL_CONTENT,
                    &self.media_type,
                    part.length,
                    source.body(source.open(&self.location, part).await?, part.length),
                );
                set(&mut answer.0, CONTENT_RANGE, &self.content_range(part));
                Ok(answer)
            }
            RangeAnswer::Parts(parts) => Ok(self.several(&source, parts)),
        }
    }

    /// `multipart/byteranges` (RFC 9110, section 14.6).
    fn several(&self, source: &ContentSource, parts: Vec<Range>) -> ContentAnswer {
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
        let (reader, location) = (source.clone(), self.location.clone());
        let parts = futures::stream::iter(parts).then(move |(header, part)| {
            let (reader, location) = (reader.clone(), location.clone());
            async move {
                let chunks = reader.open_later(&location, part).await?;
                Ok::<_, StorageError>(futures::stream::iter([Ok(header)]).chain(chunks))
            }
        });
        let chunks = parts.try_flatten().chain(futures::stream::iter([Ok(last)]));
        let media_type = format!("multipart/byteranges; boundary={boundary}");
        self.with_body(
            StatusCode::PARTIAL_CONTENT,
            &media_type,
            length,
            source.body(chunks.boxed(), length),
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
            .header(CACHE_CONTROL, self.audience.cache_control())
            .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
        ContentAnswer(response.body(body))
    }
}

/// Content that is not returned.
enum Withheld {
    /// A precondition failed.
    Precondition,
    /// No range overlaps it.
    Range(u64),
    /// There is no memory for its bytes.
    Room(Problem),
    /// Its bytes can't be opened.
    Storage(StorageError),
}

/// Returns the content found by `find`. If its bytes are gone, they were replaced or deleted
/// meanwhile, and `find` is repeated; if the row still refers to them, it is an error.
pub(super) async fn hand_out<F>(
    request: &Request,
    service: &Service,
    find: impl Fn() -> F,
) -> Result<ContentAnswer, Problem>
where
    F: Future<Output = Result<Representation, Problem>>,
{
    let mut missing = None;
    loop {
        let mut found = find().await?;
        match found.answer(request, service).await {
            Ok(answer) => return Ok(answer),
            Err(Withheld::Precondition) => return Err(Code::RevisionMismatch.into()),
            Err(Withheld::Range(length)) => return Err(Problem::range_not_satisfiable(length)),
            Err(Withheld::Room(problem)) => return Err(problem),
            Err(Withheld::Storage(StorageError::NotFound { .. }))
                if missing.as_ref() != Some(&found.location) =>
            {
                missing = Some(found.location);
            }
            Err(Withheld::Storage(error)) => return Err(error.into()),
        }
    }
}

/// Returns whether a browser shows it as text.
fn is_shown_text(media_type: &MediaType, disposition: Disposition) -> bool {
    disposition == Disposition::Inline && media_type.as_str().starts_with("text/")
}

fn set(response: &mut Response, name: poem::http::HeaderName, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
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
    ("Last-Modified", "When the content became what it is."),
    (
        "Repr-Digest",
        "The SHA-256 of the whole content (RFC 9530).",
    ),
    ("Accept-Ranges", "`bytes`"),
    (
        "Cache-Control",
        "`private, no-cache`; of public documents `public, no-cache`",
    ),
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
                    307,
                    "The content is at this URL, which anybody can read for a short while.",
                    vec![
                        ("Location", "A presigned URL of the storage."),
                        ("Cache-Control", "`private, no-store`"),
                    ],
                ),
                response(
                    304,
                    "The client's copy is current.",
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
        content: if matches!(status, 304 | 307) {
            Vec::new()
        } else {
            vec![content]
        },
        headers: headers.into_iter().map(header).collect(),
    }
}
