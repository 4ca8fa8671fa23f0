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

use super::resumable::ResumableRoutes;
use super::resumable_answer::{Appended, Created, Offset, Terminated};
use super::ticket_page::{Page, Shown, page};
use super::ticket_receiving::{new_upload, receive};
use super::tus_fields;
use super::upload_answer::awaited;
use crate::auth::{Anyone, refused_ticket};
use crate::dto::{Id, NameText, TicketDocumentBody};
use crate::http::{Prefer, traceparent};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::resumable::{is_origin_of, of_body, require_version};
use crate::uploads::{Upload, UploadBytes};

problem_sets! {
    /// Seeing the page.
    PageProblems { NotFound, Gone, Forbidden, Invalid, RateLimited }
    /// Uploading in one request.
    UploadProblems {
        BadMultipart, BadDigest, UploadIncomplete, Forbidden, QuotaExceeded, NotFound, RequestTimeout, Gone,
        TooLarge, UnsupportedMediaType, Invalid, DigestMismatch, TooManyUploads, RateLimited, NotSupported,
        Unauthorized, TypeNotAllowed, TypeMismatch, StorageUnavailable,
    }
    /// Creating a resumable upload.
    CreateProblems {
        BadRequest, BadDigest, UploadIncomplete, Forbidden, QuotaExceeded, NotFound, RequestTimeout, Gone,
        OffsetMismatch, ChecksumMismatch, UnsupportedVersion, TooLarge, UnsupportedMediaType, Invalid,
        DigestMismatch, TooManyUploads, RateLimited, NotSupported, Unauthorized, UniqueNameTaken, NotActive,
        RevisionMismatch,
    }
    /// Continuing a resumable upload.
    AppendProblems {
        BadRequest, BadDigest, UploadIncomplete, Forbidden, QuotaExceeded, NotFound, RequestTimeout, Gone,
        OffsetMismatch, ChecksumMismatch, UnsupportedVersion, TooLarge, UnsupportedMediaType, Invalid,
        DigestMismatch, RateLimited, NotSupported, Unauthorized, UniqueNameTaken, NotActive, RevisionMismatch,
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
    ) -> Result<Shown, Documented<UploadProblems>> {
        let ticket = self.open_ticket(request, &secret.0).await?;
        let name = name.0.map(|text| text.0);
        let (sessions, trace) = (self.0.0.clone(), traceparent(request));
        // To its end, even if the client hangs up: a use that led to nothing is given back.
        let receiving = async move { receive(&sessions, &ticket, (name, body), trace).await };
        let received = self.0.0.intake.keep_running(receiving).await;
        let document = received.map_err(Problem::internal)??;
        if wants_page(request.headers()) {
            let location = format!("/t/{}?received={}", secret.0, document.id.0);
            return Ok(Shown::Page(location));
        }
        let location = format!("/t/{}/documents/{}", secret.0, document.id.0);
        let Some(wait) = prefer.wait else {
            return Ok(Shown::Document(Json(document), location, 1, None));
        };
        let version = ((document.id.0, FIRST), location.as_str());
        let (db, waiters) = (&self.0.0.service.db, &self.0.0.waiters);
        Ok(match awaited(db, waiters, version, wait).await? {
            Some(active) => Shown::Active(Json(active.into()), location, wait.to_string()),
            None => Shown::Document(Json(document), location, 1, Some(wait.to_string())),
        })
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
    ) -> Result<Created, Documented<CreateProblems>> {
        require_version(request.headers())?;
        let ticket = self.ticket(request, &secret.0).await?;
        match ticket.status(self.0.0.service.clock.now()) {
            // The upload that took the last use may be this client's, who has not got the answer.
            TicketStatus::Open | TicketStatus::Used => {}
            TicketStatus::Expired | TicketStatus::Revoked => return Err(over().into()),
        }
        let new = new_upload(&self.0.0.service, &ticket, request.headers())?;
        let first = self.0.first_append(request, &new)?;
        self.0.0.admit(ticket.owner, &new.purpose).await?;
        let service = &self.0.0.service;
        let created = create_upload(&service.db, &new, &service.limits).await;
        let upload = created.map_err(Problem::from)?;
        let written = self.0.first_bytes(&upload, first, body).await?;
        let limit = self.0.limit(upload.max_bytes, written.expires_at);
        let location = format!("/t/{}/uploads/{}", secret.0, upload.id);
        Ok(Created::at(location, &upload, &written, limit))
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
        let upload = self.upload_of(request, &secret.0, id.0.0).await?;
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
    ) -> Result<Appended, Documented<AppendProblems>> {
        let upload = self.upload_of(request, &secret.0, id.0.0).await?;
        let append = tus_fields::append(request, &upload)?;
        let written = self.0.0.append(append, of_body(body.0)).await?;
        Ok(Appended::of(upload.id.into(), &written, None))
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
    ) -> Result<Terminated, Documented<AppendProblems>> {
        let upload = self.upload_of(request, &secret.0, id.0.0).await?;
        let whose = (upload.owner, upload.id);
        self.0.0.terminate(&self.0.0.service.db, whose).await?;
        Ok(Terminated::Done)
    }
}

impl TicketDoorRoutes {
    /// Returns the ticket with this secret. One that was revoked is gone.
    async fn ticket(&self, request: &Request, secret: &str) -> Result<Ticket, Problem> {
        let digest = Sha256::of(secret.as_bytes());
        let found = find_ticket_by_secret(&self.0.0.service.db, digest).await?;
        let Some(ticket) = found else {
            return Err(refused_ticket(request));
        };
        check_origin(request.headers(), ticket.cors_origin.as_deref())?;
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
        secret: &str,
        id: UploadId,
    ) -> Result<Row, Problem> {
        let ticket = self.ticket(request, secret).await?;
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
