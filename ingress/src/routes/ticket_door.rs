//! The door for whoever has the URL of a ticket: a page, uploads in one request, resumable ones, and
//! the status of what was uploaded. Nothing else is seen here.

use domain::{DocumentId, Sha256, TicketStatus, UploadId};
use ledger::{
    Ticket, Upload as Row, create_upload, find_document, find_ticket_by_secret, is_of_ticket,
};
use poem::Request;
use poem::http::HeaderMap;
use poem::http::header::{ACCEPT, HOST, ORIGIN};
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;

use super::keyed_append::KeyedAppend;
use super::resumable::ResumableRoutes;
use super::resumable_answer::{Appended, Created, Offset, Terminated};
use super::ticket_page::{Page, Reply, Shown, page};
use super::ticket_receiving::{Sent, new_upload, receive};
use super::tus_fields;
use super::upload_answer::awaited;
use super::wanted_upload::unwritten;
use crate::auth::{Anyone, refused_ticket};
use crate::dto::{Id, NameText, TicketDocumentBody};
use crate::http::{Prefer, traceparent};
use crate::idempotency::{Begun, IdempotentRequest, KeyedUpload, Replayable};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::resumable::{is_origin_of, require_version};
use crate::uploads::{Upload, UploadBytes};

problem_sets! {
    /// Seeing the page.
    PageProblems { NotFound, Gone, Forbidden, Invalid, RateLimited }
    /// Uploading in one request.
    UploadProblems {
        BadMultipart, BadDigest, UploadIncomplete, Forbidden, QuotaExceeded, NotFound, RequestTimeout, Gone,
        TooLarge, UnsupportedMediaType, Invalid, DigestMismatch, TooManyUploads, RateLimited, NotSupported,
        Unauthorized, TypeNotAllowed, TypeMismatch, StorageUnavailable, IdempotencyInProgress,
        IdempotencyKeyReused,
    }
    /// Creating a resumable upload.
    CreateProblems {
        BadRequest, BadDigest, UploadIncomplete, Forbidden, QuotaExceeded, NotFound, RequestTimeout, Gone,
        OffsetMismatch, ChecksumMismatch, UnsupportedVersion, TooLarge, UnsupportedMediaType, Invalid,
        DigestMismatch, TooManyUploads, RateLimited, NotSupported, Unauthorized, UniqueNameTaken, NotActive,
        RevisionMismatch, IdempotencyInProgress, IdempotencyKeyReused,
    }
    /// Continuing a resumable upload.
    AppendProblems {
        BadRequest, BadDigest, UploadIncomplete, Forbidden, QuotaExceeded, NotFound, RequestTimeout, Gone,
        OffsetMismatch, ChecksumMismatch, UnsupportedVersion, TooLarge, UnsupportedMediaType, Invalid,
        DigestMismatch, RateLimited, NotSupported, Unauthorized, UniqueNameTaken, NotActive, RevisionMismatch,
        IdempotencyInProgress, IdempotencyKeyReused,
    }
}

/// The version that an upload with a ticket becomes.
const FIRST: u32 = 1;

/// The routes behind the URL of a ticket.
#[derive(Clone, Debug)]
pub struct TicketDoorRoutes(pub ResumableRoutes);

#[OpenApi(prefix_path = "/t", tag = "Group::Tickets")]
impl TicketDoorRoutes {
    /// The upload page of a ticket
    #[oai(path = "/:secret", method = "get", operation_id = "ticket_page")]
    async fn page(
        &self,
        _anyone: Anyone,
        request: &Request,
        secret: Path<String>,
        /// The document that was just uploaded.
        received: Query<Option<Id<DocumentId>>>,
    ) -> Result<Page, Documented<PageProblems>> {
        let ticket = self.ticket(request, &secret.0).await?;
        let status = ticket.status(self.0.0.service.clock.now());
        Ok(page(&ticket, status, received.0.is_some()))
    }

    /// Upload a document with a ticket
    ///
    /// As `multipart/form-data` with the part `file`, or as a raw body with `?name=`.
    #[oai(
        path = "/:secret",
        method = "post",
        operation_id = "upload_with_ticket"
    )]
    async fn upload(
        &self,
        _anyone: Anyone,
        request: &Request,
        secret: Path<String>,
        /// The document's name; required with a raw body, unless the ticket gives one.
        name: Query<Option<NameText>>,
        /// `wait=<seconds up to 60>`: answer when the document is processed.
        #[oai(name = "Prefer")]
        prefer: Prefer,
        body: Upload,
    ) -> Result<Replayable<Shown>, Documented<UploadProblems>> {
        let keyed = KeyedUpload::of(request);
        let ticket = if keyed.came_before() {
            self.ticket(request, &secret.0).await?
        } else {
            self.open_ticket(request, &secret.0).await?
        };
        let as_page = wants_page(request.headers());
        let reply = Reply {
            url: format!("/t/{}", secret.0),
            as_page,
            wait: prefer.wait.filter(|_| !as_page),
        };
        let sent = Sent {
            name: name.0.map(|text| text.0),
            body,
            traceparent: traceparent(request),
            keyed,
            reply: reply.clone(),
        };
        let sessions = self.0.0.clone();
        // To its end, even if the client hangs up: a use that led to nothing is given back.
        let receiving = async move { receive(&sessions, &ticket, sent).await };
        let received = self.0.0.intake.keep_running(receiving).await;
        match received.map_err(Problem::internal)?? {
            Replayable::New(document) => Ok(Replayable::New(self.awaited(document, &reply).await?)),
            Replayable::Replayed(again) => Ok(Replayable::Replayed(again)),
        }
    }

    /// Read the status of a document that was uploaded with a ticket
    #[oai(
        path = "/:secret/documents/:id",
        method = "get",
        operation_id = "read_ticket_document"
    )]
    async fn document(
        &self,
        _anyone: Anyone,
        request: &Request,
        secret: Path<String>,
        id: Path<Id<DocumentId>>,
    ) -> Result<Json<TicketDocumentBody>, Documented<PageProblems>> {
        let ticket = self.ticket(request, &secret.0).await?;
        let db = &self.0.0.service.db;
        let is_its = is_of_ticket(db, id.0.0, ticket.id)
            .await
            .map_err(Problem::from)?;
        let found = find_document(db, id.0.0).await.map_err(Problem::from)?;
        let document = found.filter(|_| is_its).ok_or(Code::NotFound)?;
        Ok(Json(document.into()))
    }

    /// Create a resumable upload with a ticket
    #[oai(
        path = "/:secret/uploads",
        method = "post",
        operation_id = "create_ticket_upload"
    )]
    async fn create(
        &self,
        _anyone: Anyone,
        request: &Request,
        secret: Path<String>,
        body: UploadBytes,
    ) -> Result<Replayable<Created>, Documented<CreateProblems>> {
        require_version(request.headers())?;
        let keyed = KeyedUpload::of(request);
        let ticket = self.ticket(request, &secret.0).await?;
        match ticket.status(self.0.0.service.clock.now()) {
            // The upload that took the last use may be this client's, who has not got the answer.
            TicketStatus::Open | TicketStatus::Used => {}
            TicketStatus::Expired if keyed.came_before() => {}
            TicketStatus::Expired | TicketStatus::Revoked => return Err(over().into()),
        }
        let new = new_upload(&self.0.0.service, &ticket, request.headers())?;
        let first = self.0.first_append(request, &new)?;
        if !keyed.came_before() {
            self.0.0.admit(ticket.owner, &new.purpose).await?;
        }
        let identity = || format!("{}\n{:?}", new.said.metadata, new.length);
        let idempotent = match keyed.begin(identity).await? {
            Begun::First(idempotent) => idempotent,
            Begun::Replay(replay) => return Ok(Replayable::Replayed(replay)),
        };
        let service = &self.0.0.service;
        let location = format!("/t/{}/uploads/{}", secret.0, new.id);
        let (place, limit) = (location.clone(), self.0.limit(new.max_bytes, None));
        let on = idempotent.on(&service.db, move |upload: Row| {
            Created::at(place.clone(), &upload, &unwritten(&upload), limit.clone())
        });
        let created = create_upload(&on, &new, &service.limits).await;
        let upload = created.map_err(Problem::from)?;
        let written = self.0.first_bytes(&upload, first, body).await?;
        let limit = self.0.limit(upload.max_bytes, written.expires_at);
        let created = Created::at(location, &upload, &written, limit);
        Ok(Replayable::New(created))
    }

    /// Ask where a resumable upload goes on
    #[oai(
        path = "/:secret/uploads/:id",
        method = "head",
        operation_id = "find_ticket_upload_offset"
    )]
    async fn offset(
        &self,
        _anyone: Anyone,
        request: &Request,
        secret: Path<String>,
        id: Path<Id<UploadId>>,
    ) -> Result<Offset, Documented<AppendProblems>> {
        let ticket = self.ticket(request, &secret.0).await?;
        let upload = self.upload_of(request, &ticket, id.0.0).await?;
        let upload = self.0.0.settled((upload.owner, upload.id)).await?;
        let limit = self.0.limit(upload.max_bytes, Some(upload.expires_at));
        Ok(Offset::of(upload, limit))
    }

    /// Append to a resumable upload
    #[oai(
        path = "/:secret/uploads/:id",
        method = "patch",
        operation_id = "append_to_ticket_upload"
    )]
    async fn append(
        &self,
        _anyone: Anyone,
        request: &Request,
        secret: Path<String>,
        id: Path<Id<UploadId>>,
        body: UploadBytes,
    ) -> Result<Replayable<Appended>, Documented<AppendProblems>> {
        let ticket = self.ticket(request, &secret.0).await?;
        let max = self.0.0.service.limits.max_document;
        let max = ticket.max_bytes.unwrap_or(max);
        let (pieces, appending) = match KeyedAppend::begin(request, body, max).await? {
            KeyedAppend::First(pieces, appending) => (pieces, appending),
            KeyedAppend::Repeated(replay) => return Ok(Replayable::Replayed(replay)),
        };
        let upload = self.upload_of(request, &ticket, id.0.0).await?;
        let append = tus_fields::append(request, &upload)?;
        let written = self.0.0.append(append, pieces).await?;
        appending.done().await?;
        let appended = Appended::of(upload.id.into(), &written, None);
        Ok(Replayable::New(appended))
    }

    /// End a resumable upload
    ///
    /// The ticket gets the use back if no byte came.
    #[oai(
        path = "/:secret/uploads/:id",
        method = "delete",
        operation_id = "delete_ticket_upload"
    )]
    async fn terminate(
        &self,
        _anyone: Anyone,
        request: &Request,
        secret: Path<String>,
        id: Path<Id<UploadId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Terminated, Documented<AppendProblems>> {
        let ticket = self.ticket(request, &secret.0).await?;
        let upload = self.upload_of(request, &ticket, id.0.0).await?;
        let whose = (upload.owner, upload.id);
        let on = idempotent.on(&self.0.0.service.db, |()| Terminated::Done);
        self.0.0.terminate(&on, whose).await?;
        Ok(Terminated::Done)
    }
}

impl TicketDoorRoutes {
    /// Answers with an accepted document, once it is processed if the client waits.
    async fn awaited(&self, document: TicketDocumentBody, reply: &Reply) -> Result<Shown, Problem> {
        let Some(wait) = reply.wait else {
            return Ok(reply.accepted(document));
        };
        let location = reply.location(&document);
        let version = ((document.id.0, FIRST), location.as_str());
        let (db, waiters) = (&self.0.0.service.db, &self.0.0.waiters);
        Ok(match awaited(db, waiters, version, wait).await? {
            Some(active) => Shown::Active(Json(active.into()), location, wait.to_string()),
            None => reply.accepted(document),
        })
    }

    /// Returns the ticket with this secret. One that was revoked is gone.
    async fn ticket(&self, request: &Request, secret: &str) -> Result<Ticket, Problem> {
        let digest = Sha256::of(secret.as_bytes());
        let found = find_ticket_by_secret(&self.0.0.service.db, digest).await?;
        let Some(ticket) = found else {
            return Err(refused_ticket(request));
        };
        check_origin(request.headers(), ticket.cors_origin.as_deref())?;
        if request.headers().contains_key("webhook-signature") {
            // An upload is an event, which would be delivered here again.
            let detail = "A delivery of a webhook is no upload.";
            return Err(Problem::from(Code::Forbidden).with_detail(detail));
        }
        if ticket.revoked_at.is_some() {
            return Err(over());
        }
        Ok(ticket)
    }

    /// Returns a ticket by which uploads may begin; the transaction that begins one checks again.
    async fn open_ticket(&self, request: &Request, secret: &str) -> Result<Ticket, Problem> {
        let ticket = self.ticket(request, secret).await?;
        match ticket.status(self.0.0.service.clock.now()) {
            TicketStatus::Open => Ok(ticket),
            TicketStatus::Used | TicketStatus::Expired | TicketStatus::Revoked => Err(over()),
        }
    }

    /// Returns an upload that was created with this ticket.
    async fn upload_of(
        &self,
        request: &Request,
        ticket: &Ticket,
        id: UploadId,
    ) -> Result<Row, Problem> {
        let upload = self.0.0.find((ticket.owner, id)).await?;
        if upload.ticket != Some(ticket.id) {
            return Err(Code::NotFound.into());
        }
        require_version(request.headers())?;
        Ok(upload)
    }
}

fn over() -> Problem {
    let detail = "The ticket is used up, expired or revoked.";
    Problem::from(Code::Gone).with_detail(detail)
}

/// Whether the client is a browser that shows a page.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Refuses scripts of other origins than that of the ticket and of the service itself.
fn check_origin(headers: &HeaderMap, allowed: Option<&str>) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else {
        return Ok(());
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    // A page that sends no referrer has an opaque origin.
    if origin == "null" || is_origin_of(allowed, origin) || (own.is_some() && own == host) {
        return Ok(());
    }
    let detail = "The ticket is not for scripts of this origin.";
    Err(Problem::from(Code::Forbidden).with_detail(detail))
}
