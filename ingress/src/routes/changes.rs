//! Changes to one document: edit, archive, restore, retry, delete.

use domain::{AuditEvent, AuditKind, Document, DocumentId};
use ledger::{
    DocumentChanges, archive_document, delete_document, edit_document, restore_document,
    retry_document,
};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use queue::Queue;

use super::document_change::DocumentChange;
use super::if_match::revision_tag;
use crate::auth::RequestOrigin;
use crate::dto::{DocumentBody, Id};
use crate::http::{JsonBody, MergePatch};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::Problem;
use crate::service::Service;
use crate::waiting::JobNotifier;

problem_sets! {
    /// Editing a document.
    EditProblems {
        BadJson, UploadIncomplete, Unauthorized, NotFound, RequestTimeout, UniqueNameTaken, RevisionMismatch,
        TooLarge, UnsupportedMediaType, Invalid,
    }
    /// Deleting a document.
    DeleteProblems { Unauthorized, NotFound, RevisionMismatch, Invalid }
    /// Archiving or restoring a document.
    MoveProblems { Unauthorized, NotFound, IllegalTransition, RevisionMismatch, Invalid }
    /// Retrying a document.
    RetryProblems {
        Unauthorized, QuotaExceeded, NotFound, IllegalTransition, NotRetryable, RevisionMismatch, Invalid,
    }
}

#[derive(ApiResponse)]
enum Changed {
    /// The document as it is now.
    #[oai(status = 200)]
    Document(
        Json<Box<DocumentBody>>,
        /// Its revision, as `"r<revision>"`.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Retried {
    /// Its latest version is pending again.
    #[oai(status = 202)]
    Document(
        Json<Box<DocumentBody>>,
        /// Its revision, as `"r<revision>"`.
        #[oai(header = "ETag")]
        String,
        /// Seconds to wait before polling again.
        #[oai(header = "Retry-After")]
        u32,
    ),
}

#[derive(ApiResponse)]
enum Deleted {
    /// Deleted. Its quota is released at once; the bytes are removed in the background.
    #[oai(status = 204)]
    Gone,
}

/// The routes that change a document.
#[derive(Clone, Debug)]
pub struct ChangeRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Notifies workers of new jobs.
    pub notifier: JobNotifier,
}

#[OpenApi(prefix_path = "/v1", tag = "Group::Documents")]
impl ChangeRoutes {
    /// Edit a document
    ///
    /// With a JSON merge patch. A patch that changes nothing leaves the revision unchanged.
    #[oai(
        path = "/documents/:id",
        method = "patch",
        operation_id = "edit_document"
    )]
    async fn edit(
        &self,
        /// Revisions to apply the change to, as in the document's `ETag`; any other is refused.
        #[oai(name = "If-Match")]
        change: DocumentChange,
        id: Path<Id<DocumentId>>,
        body: JsonBody<DocumentChanges, MergePatch>,
    ) -> Result<Changed, Documented<EditProblems>> {
        let (target, now) = (change.target(id.0.0), self.service.clock.now());
        let on = change.on(&self.service.db, Changed::from);
        let edited = edit_document(&on, &target, body.0, now).await;
        Ok(edited.map_err(Problem::from)?.into())
    }

    /// Delete a document
    ///
    /// With all its versions, in any status.
    #[oai(
        path = "/documents/:id",
        method = "delete",
        operation_id = "delete_document"
    )]
    async fn delete(
        &self,
        /// Revisions to apply the change to, as in the document's `ETag`; any other is refused.
        #[oai(name = "If-Match")]
        change: DocumentChange,
        origin: RequestOrigin,
        id: Path<Id<DocumentId>>,
    ) -> Result<Deleted, Documented<DeleteProblems>> {
        let (target, now) = (change.target(id.0.0), self.service.clock.now());
        let on = change.on(&self.service.db, |()| Deleted::Gone);
        let kind = AuditKind::DocumentDeleted;
        let deleted = AuditEvent::of_documents(kind, change.caller().user, [id.0.0]);
        let on = origin.log(on, move |()| vec![deleted.clone()]);
        let deleted = delete_document(&on, &target, now, self.service.traces()).await;
        self.notifier
            .notify(Queue::Maintenance, deleted.map_err(Problem::from)?);
        Ok(Deleted::Gone)
    }

    /// Archive a document
    ///
    /// It can no longer be read until it is restored.
    #[oai(
        path = "/documents/:id/archive",
        method = "post",
        operation_id = "archive_document"
    )]
    async fn archive(
        &self,
        /// Revisions to apply the change to, as in the document's `ETag`; any other is refused.
        #[oai(name = "If-Match")]
        change: DocumentChange,
        id: Path<Id<DocumentId>>,
    ) -> Result<Changed, Documented<MoveProblems>> {
        let (target, now) = (change.target(id.0.0), self.service.clock.now());
        let on = change.on(&self.service.db, Changed::from);
        let archived = archive_document(&on, &target, now).await;
        Ok(archived.map_err(Problem::from)?.into())
    }

    /// Restore an archived document
    #[oai(
        path = "/documents/:id/restore",
        method = "post",
        operation_id = "restore_document"
    )]
    async fn restore(
        &self,
        /// Revisions to apply the change to, as in the document's `ETag`; any other is refused.
        #[oai(name = "If-Match")]
        change: DocumentChange,
        id: Path<Id<DocumentId>>,
    ) -> Result<Changed, Documented<MoveProblems>> {
        let (target, now) = (change.target(id.0.0), self.service.clock.now());
        let on = change.on(&self.service.db, Changed::from);
        let restored = restore_document(&on, &target, now).await;
        Ok(restored.map_err(Problem::from)?.into())
    }

    /// Retry the latest version
    ///
    /// If it failed and its bytes are still kept. Its quota is reserved again.
    #[oai(
        path = "/documents/:id/retry",
        method = "post",
        operation_id = "retry_document"
    )]
    async fn retry(
        &self,
        /// Revisions to apply the change to, as in the document's `ETag`; any other is refused.
        #[oai(name = "If-Match")]
        change: DocumentChange,
        id: Path<Id<DocumentId>>,
    ) -> Result<Retried, Documented<RetryProblems>> {
        let (target, now) = (change.target(id.0.0), self.service.clock.now());
        let on = change.on(&self.service.db, Retried::from);
        let retried = retry_document(&on, &target, &self.service.limits, now).await;
        let (document, job) = retried.map_err(Problem::from)?;
        self.notifier.notify(Queue::Ingest, job);
        Ok(document.into())
    }
}

impl From<Document> for Changed {
    fn from(document: Document) -> Self {
        let tag = revision_tag(&document);
        Self::Document(Json(Box::new(document.into())), tag)
    }
}

impl From<Document> for Retried {
    fn from(document: Document) -> Self {
        let tag = revision_tag(&document);
        Self::Document(Json(Box::new(document.into())), tag, 1)
    }
}
