//! Resumable uploads: creates, continues, lists and ends them, by tus and by the protocol of the IETF.
//! What the header fields of either say is read in files of their own.

use domain::{ByteSize, DocumentId, Timestamp, UploadId, UploadProtocol, UploadStatus, UserId};
use ledger::{NewUpload, Upload, create_upload, list_uploads};
use poem::Request;
use poem::http::HeaderMap;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;

use super::keyed_append::{Appending, KeyedAppend};
use super::resumable_answer::{Appended, Created, Found, Listed, Offset, Terminated, no_store};
use super::wanted_upload::{Wanted, announced, check_first, missing, unwritten};
use super::{ietf_answer, ietf_fields, tus_fields};
use crate::auth::CurrentUser;
use crate::dto::{
    Binding, CursorText, Id, Limit, MetadataText, NameText, UniqueNameText, UploadPageBody, cursor,
    cut, position,
};
use crate::http::Prefer;
use crate::idempotency::{Begun, IdempotentRequest, KeyedUpload, Replayable};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::resumable::{
    Append, Completeness, Concat, Length, PARTIAL_UPLOAD, Pieces, UploadSessions, Written,
    check_size, declared_length, file_name, is_of_transfer, is_of_type, limit, of_body,
    require_version, speaks_tus,
};
use crate::uploads::{QueryFields, UploadBytes};

problem_sets! {
    /// Listing uploads.
    ListProblems { Unauthorized, Invalid }
    /// Reading an upload.
    ReadProblems { Unauthorized, NotFound, Gone, UnsupportedVersion, Invalid, QuotaExceeded, UniqueNameTaken,
        NotActive, RevisionMismatch, DigestMismatch, RequestTimeout, OffsetMismatch }
    /// Ending an upload.
    TerminateProblems { Unauthorized, NotFound, Gone, UnsupportedVersion, Invalid }
    /// Creating an upload.
    CreateProblems {
        BadRequest, BadDigest, UploadIncomplete, Unauthorized, QuotaExceeded, NotFound, RequestTimeout, Gone,
        IdempotencyInProgress, IdempotencyKeyReused, OffsetMismatch, ChecksumMismatch,
        UniqueNameTaken, NotActive, NotReady, RevisionMismatch, UnsupportedVersion, TooLarge,
        UnsupportedMediaType, Invalid, DigestMismatch, TooManyUploads, NotSupported,
    }
    /// Appending to an upload.
    AppendProblems {
        BadRequest, BadDigest, UploadIncomplete, Unauthorized, Forbidden, QuotaExceeded, NotFound, RequestTimeout, Gone,
        OffsetMismatch, ChecksumMismatch, UniqueNameTaken, NotActive, RevisionMismatch, UnsupportedVersion, TooLarge,
        UnsupportedMediaType, Invalid, DigestMismatch, NotSupported, TypeNotAllowed, TypeMismatch, StorageUnavailable,
        IdempotencyInProgress, IdempotencyKeyReused,
    }
}

/// The routes of resumable uploads.
#[derive(Clone, Debug)]
pub struct ResumableRoutes(pub UploadSessions);

#[OpenApi(prefix_path = "/v1", tag = "Group::Uploads")]
impl ResumableRoutes {
    /// Create a resumable upload
    ///
    /// By tus, `Upload-Metadata` names the document (`filename` or `name`) and describes it (`filetype`,
    /// `unique_name`, `is_public`, `metadata`), or names the document that gets a version
    /// (`document_id`). The declared length is reserved from the quota. The id of the upload is that
    /// of the document it becomes. A body is the first bytes; if they are refused, there is no upload.
    ///
    /// By the IETF's draft, `Upload-Complete: ?0` on an upload of a document or version creates one, as it
    /// does here with the parameters below.
    #[oai(path = "/uploads", method = "post", operation_id = "create_upload")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the operation is one"
    )]
    async fn create(
        &self,
        caller: CurrentUser,
        request: &Request,
        /// By the IETF's draft: the document's name, unless `Content-Disposition` has it.
        name: Query<Option<NameText>>,
        /// By the IETF's draft: a name that is unique across the service.
        unique_name: Query<Option<UniqueNameText>>,
        /// By the IETF's draft: whether anybody may read it by its unique name.
        is_public: Query<Option<bool>>,
        /// By the IETF's draft: a JSON object.
        metadata: Query<Option<MetadataText>>,
        /// By the IETF's draft: the document that gets a version.
        document_id: Query<Option<Id<DocumentId>>>,
        body: UploadBytes,
    ) -> Result<Replayable<Created>, Documented<CreateProblems>> {
        let headers = request.headers();
        let keyed = KeyedUpload::of(request);
        let wanted = if Completeness::read(headers).is_some() {
            let fields = QueryFields {
                name: name.0.map(|text| text.0).or_else(|| file_name(headers)),
                unique_name: unique_name.0.map(|text| text.0),
                is_public: is_public.0,
                metadata: metadata.0.map(|text| text.0),
            };
            ietf_fields::wanted(headers, fields, document_id.0.map(|id| id.0))?
        } else {
            require_version(headers)?;
            tus_fields::wanted(headers)?
        };
        let parts = match &wanted.concat {
            Concat::Final(ids) => Some(self.0.parts(caller.0.user, ids).await?),
            Concat::None | Concat::Partial => None,
        };
        let new = self.new_upload(caller.0.user, headers, &wanted, parts.as_deref())?;
        let first = self.first_append(request, &new)?;
        if !keyed.came_before() {
            self.0.admit(caller.0.user, &new.purpose).await?;
        }
        let idempotent = match keyed.begin(|| wanted.identity.clone()).await? {
            Begun::First(idempotent) => idempotent,
            Begun::Replay(replay) => return Ok(Replayable::Replayed(replay)),
        };
        let db = &self.0.service.db;
        let limit = self.limit(None, None);
        let on = idempotent.on(db, move |upload: Upload| {
            Created::of(&upload, &unwritten(&upload), limit.clone())
        });
        let created = create_upload(&on, &new, &self.0.service.limits).await;
        let upload = created.map_err(Problem::from)?;
        let written = match parts {
            Some(parts) => {
                let trace = Append::trace_of(request);
                self.0.join(&upload, parts, trace).await?
            }
            None => self.first_bytes(&upload, first, body).await?,
        };
        let limit = self.limit(None, written.expires_at);
        Ok(Replayable::New(Created::of(&upload, &written, limit)))
    }

    /// List resumable uploads, newest first
    #[oai(path = "/uploads", method = "get", operation_id = "list_uploads")]
    async fn list(
        &self,
        caller: CurrentUser,
        /// Uploads per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Listed, Documented<ListProblems>> {
        let limit = Limit::read(limit.0)?;
        let binding = Binding::new(caller.0.user, &[&"uploads"]);
        let before = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let most = u64::from(limit.and_one());
        let found = list_uploads(&self.0.service.db, caller.0.user, before, most).await;
        let (uploads, more) = cut(found.map_err(Problem::from)?, limit);
        let last = uploads.last().filter(|_| more);
        let next_cursor = last.map(|last| self::cursor(binding, &last.id));
        let page = UploadPageBody {
            items: uploads.into_iter().map(Into::into).collect(),
            next_cursor,
        };
        Ok(Listed::Uploads(Json(page), no_store()))
    }

    /// Read a resumable upload
    #[oai(path = "/uploads/:id", method = "get", operation_id = "read_upload")]
    async fn read(
        &self,
        caller: CurrentUser,
        id: Path<Id<UploadId>>,
    ) -> Result<Found, Documented<ReadProblems>> {
        let whose = (caller.0.user, id.0.0);
        let found = ledger::find_upload(&self.0.service.db, whose).await;
        let upload = found.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        Ok(Found::Upload(Json(upload.into()), no_store()))
    }

    /// Ask where a resumable upload goes on
    ///
    /// A request that is still writing to it is cut off; what it sent so far counts.
    #[oai(
        path = "/uploads/:id",
        method = "head",
        operation_id = "find_upload_offset"
    )]
    async fn offset(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<UploadId>>,
    ) -> Result<Offset, Documented<ReadProblems>> {
        let whose = (caller.0.user, id.0.0);
        let found = self.0.find(whose).await?;
        if found.protocol == UploadProtocol::Tus {
            require_version(request.headers())?;
        }
        let upload = self.0.settled(whose).await?;
        let limit = self.limit(None, Some(upload.expires_at));
        Ok(Offset::of(upload, limit))
    }

    /// Append to a resumable upload
    ///
    /// The bytes are durable when this answers. If the connection breaks, those that arrived are kept,
    /// unless the request has a checksum. The last ones make it a document. Whoever can't send PATCH sends
    /// POST with `X-HTTP-Method-Override: PATCH`.
    #[oai(
        path = "/uploads/:id",
        method = "patch",
        operation_id = "append_to_upload"
    )]
    async fn append(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<UploadId>>,
        /// `wait=<seconds up to 60>`: by the IETF's draft, answer the last bytes when the document is processed.
        #[oai(name = "Prefer")]
        prefer: Prefer,
        body: UploadBytes,
    ) -> Result<Replayable<Appended>, Documented<AppendProblems>> {
        let whose = (caller.0.user, id.0.0);
        let headers = request.headers();
        let max = self.0.service.limits.max_document;
        let (pieces, appending) = match KeyedAppend::begin(request, body, max).await? {
            KeyedAppend::First(pieces, appending) => (pieces, appending),
            KeyedAppend::Repeated(replay) => return Ok(Replayable::Replayed(replay)),
        };
        let upload = self.0.find(whose).await?;
        let is_of_ietf = upload.protocol == UploadProtocol::Ietf && !speaks_tus(headers);
        if is_of_ietf || is_of_type(headers, PARTIAL_UPLOAD) {
            let piece = (pieces, appending, prefer);
            let appended = self.append_piece(request, &upload, piece).await?;
            return Ok(Replayable::New(appended));
        }
        require_version(headers)?;
        let append = tus_fields::append(request, &upload)?;
        let written = self.0.append(append, pieces).await?;
        appending.done().await?;
        let appended = Appended::of(whose.1.into(), &written, None);
        Ok(Replayable::New(appended))
    }

    /// End a resumable upload
    #[oai(
        path = "/uploads/:id",
        method = "delete",
        operation_id = "delete_upload"
    )]
    async fn terminate(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<UploadId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Terminated, Documented<TerminateProblems>> {
        let whose = (caller.0.user, id.0.0);
        let found = self.0.find(whose).await?;
        if found.protocol == UploadProtocol::Tus {
            require_version(request.headers())?;
        }
        let on = idempotent.on(&self.0.service.db, |()| Terminated::Done);
        self.0.terminate(&on, whose).await?;
        Ok(Terminated::Done)
    }
}

impl ResumableRoutes {
    fn new_upload(
        &self,
        owner: UserId,
        headers: &HeaderMap,
        wanted: &Wanted,
        parts: Option<&[Upload]>,
    ) -> Result<NewUpload, Problem> {
        let service = &self.0.service;
        let at = service.clock.now();
        let max = service.limits.max_document;
        let length = match parts {
            None if wanted.protocol == UploadProtocol::Ietf => {
                let length = declared_length(headers, 0, announced(headers))?;
                length.map_or(Ok(()), |length| check_size(length, max))?;
                length
            }
            None => Length::read(headers, max)?.known(),
            Some(parts) => {
                if headers.contains_key("upload-length") {
                    return Err(missing(
                        "Upload-Length is not for an upload that joins others.",
                    ));
                }
                let length = parts.iter().map(|part| part.offset).sum();
                check_size(length, max)?;
                Some(length)
            }
        };
        Ok(NewUpload {
            id: UploadId::new(at),
            owner,
            protocol: wanted.protocol,
            purpose: wanted.purpose.clone(),
            said: wanted.said.clone(),
            length,
            expected: wanted.expected,
            growing: service.places.grow(at)?,
            ticket: None,
            max_bytes: None,
            joins: parts.map(|parts| parts.iter().map(|part| part.id).collect()),
            at,
        })
    }

    /// Returns the limits of an upload of at most `max_bytes` that expires then.
    pub(super) fn limit(&self, max_bytes: Option<u64>, expires_at: Option<Timestamp>) -> String {
        let service = &self.0.service;
        let max = service.limits.max_document;
        let max = max_bytes.map_or(max, |most| ByteSize::new(most).min(max));
        limit(max, service.clock.now(), expires_at)
    }

    /// Returns what a creation appends, and refuses what the upload couldn't take before it is created.
    pub(super) fn first_append(
        &self,
        request: &Request,
        new: &NewUpload,
    ) -> Result<Option<Append>, Problem> {
        let first = match (&new.joins, new.protocol) {
            (Some(_), _) | (None, UploadProtocol::Direct) => None,
            (None, UploadProtocol::Tus) => tus_fields::first_append(request, new)?,
            (None, UploadProtocol::Ietf) => ietf_fields::first_append(request, new)?,
        };
        if let Some(append) = &first {
            check_first(append, new, self.0.service.limits.max_document)?;
        }
        Ok(first)
    }

    /// Appends by the protocol of the IETF.
    async fn append_piece(
        &self,
        request: &Request,
        upload: &Upload,
        (pieces, appending, prefer): (Pieces, Appending, Prefer),
    ) -> Result<Appended, Problem> {
        let (append, said) = ietf_fields::append(request, upload)?;
        if upload.status == UploadStatus::Complete && append.offset == upload.offset {
            return Err(missing("The upload is complete; nothing can be appended."));
        }
        let ends = append.ends;
        let written = self.0.append(append, pieces).await;
        let written = written.map_err(|problem| match problem.code() {
            code if ends && is_of_document(code) => problem.of_complete_upload(),
            _ => problem,
        })?;
        appending.done().await?;
        let Some(became) = written.became else {
            return Ok(Appended::of(upload.id.into(), &written, Some(said)));
        };
        let complete = (DocumentId::from(upload.id), became, written.offset);
        ietf_answer::answer(&self.0, complete, prefer).await
    }

    /// Appends the body of the creation, if it has one. A refusal deletes the upload.
    pub(super) async fn first_bytes(
        &self,
        upload: &Upload,
        first: Option<Append>,
        body: UploadBytes,
    ) -> Result<Written, Problem> {
        let Some(append) = first else {
            return Ok(unwritten(upload));
        };
        match self.0.append(append, of_body(body.0)).await {
            // The upload was created, and its client may go on.
            Err(problem) if is_of_transfer(problem.code()) => {
                let upload = self.0.find((upload.owner, upload.id)).await?;
                Ok(unwritten(&upload))
            }
            written => written,
        }
    }
}

/// Whether the document was refused, not the upload.
const fn is_of_document(code: Code) -> bool {
    matches!(
        code,
        Code::UniqueNameTaken | Code::NotActive | Code::RevisionMismatch | Code::DigestMismatch
    )
}
