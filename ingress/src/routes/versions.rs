//! The versions of a document: read, restore, delete.

use std::time::Duration;

use domain::{AuditEvent, AuditKind, Caller, Document, DocumentId, UserId};
use ledger::{delete_version, find_version, list_versions, restore_version};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use queue::Queue;

use super::content::Answer;
use super::content_answer::{Audience, Representation, Wish, hand_out};
use super::document_change::DocumentChange;
use super::documents::{ReadProblems, readable};
use super::if_match::revision_tag;
use crate::auth::{CurrentUser, RequestOrigin};
use crate::dto::{
    Binding, CursorText, DocumentBody, Id, Limit, VersionBody, VersionNumber, VersionPageBody,
    cursor, cut, position,
};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::{JobNotifier, Waiters, settled_version};

problem_sets! {
    /// Making a version current again.
    RestoreProblems { Unauthorized, QuotaExceeded, NotFound, NotActive, RevisionMismatch, Invalid }
    /// Deleting a version.
    DeleteProblems { Unauthorized, NotFound, CurrentVersion, RevisionMismatch, Invalid }
}

#[derive(ApiResponse)]
enum Restored {
    /// The document with the restored bytes as its newest version.
    #[oai(status = 201)]
    Document(
        Json<Box<DocumentBody>>,
        /// Where the new version is.
        #[oai(header = "Location")]
        String,
        /// The document's revision, as `"r<revision>"`.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Deleted {
    /// Deleted. Its quota is released at once; the bytes are removed in the background.
    #[oai(status = 204)]
    Gone,
}

/// The version routes.
#[derive(Clone, Debug)]
pub struct VersionRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Requests that wait for a document.
    pub waiters: Waiters,
    /// Notifies workers of new jobs.
    pub notifier: JobNotifier,
}

#[OpenApi(prefix_path = "/v1", tag = "Group::Versions")]
impl VersionRoutes {
    /// List versions, newest first
    #[oai(
        path = "/documents/:id/versions",
        method = "get",
        operation_id = "list_versions"
    )]
    async fn list(
        &self,
        caller: CurrentUser,
        id: Path<Id<DocumentId>>,
        /// Versions per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
        /// The document's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Json<VersionPageBody>, Documented<ReadProblems>> {
        let (limit, id) = (Limit::read(limit.0)?, id.0.0);
        readable(&self.service.db, caller.0, id, owner.0.map(|id| id.0)).await?;
        let binding = Binding::new(caller.0.user, &[&"versions", &id]);
        let before = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let found = list_versions(&self.service.db, id, before, limit.and_one().into()).await;
        let (versions, more) = cut(found.map_err(Problem::from)?, limit);
        let last = versions.last().filter(|_| more);
        let next_cursor = last.map(|version| self::cursor(binding, &version.number));
        Ok(Json(VersionPageBody {
            items: versions.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Read a version
    #[oai(
        path = "/documents/:id/versions/:number",
        method = "get",
        operation_id = "read_version"
    )]
    async fn read(
        &self,
        caller: CurrentUser,
        id: Path<Id<DocumentId>>,
        number: Path<VersionNumber>,
        /// Seconds to wait until it is no longer `pending`.
        #[oai(validator(minimum(value = "0"), maximum(value = "60")))]
        wait: Query<Option<u32>>,
        /// The document's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Json<VersionBody>, Documented<ReadProblems>> {
        let (db, version) = (&self.service.db, (id.0.0, number.0.0));
        readable(db, caller.0, id.0.0, owner.0.map(|id| id.0)).await?;
        let wait = Duration::from_secs(wait.0.unwrap_or_default().into());
        let found = settled_version(db, &self.waiters, version, wait).await;
        let (version, _) = found.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        Ok(Json(version.into()))
    }

    /// Read the bytes of a version
    #[oai(
        path = "/documents/:id/versions/:number/content",
        method = "get",
        operation_id = "read_version_content"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the operation is one"
    )]
    async fn read_content(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<DocumentId>>,
        number: Path<VersionNumber>,
        /// Display it inline instead of as a download, if its type cannot run script.
        inline: Query<Option<bool>>,
        /// Redirect to the storage, or don't, where the operator leaves it to the client.
        redirect: Query<Option<bool>>,
        /// The document's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Answer {
        let owner = owner.0.map(|id| id.0);
        let version = (id.0.0, number.0.0);
        self.content(request, (caller.0, owner), version, (inline.0, redirect.0))
            .await
    }

    /// Read the headers of a version's bytes
    #[oai(
        path = "/documents/:id/versions/:number/content",
        method = "head",
        operation_id = "head_version_content"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the operation is one"
    )]
    async fn head_content(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<DocumentId>>,
        number: Path<VersionNumber>,
        /// As for reading.
        inline: Query<Option<bool>>,
        /// As for reading; there is never a redirect.
        redirect: Query<Option<bool>>,
        /// As for reading.
        owner: Query<Option<Id<UserId>>>,
    ) -> Answer {
        let owner = owner.0.map(|id| id.0);
        let version = (id.0.0, number.0.0);
        self.content(request, (caller.0, owner), version, (inline.0, redirect.0))
            .await
    }

    /// Restore a version
    ///
    /// As a new version with the same bytes, which are not copied but count again.
    #[oai(
        path = "/documents/:id/versions/:number/restore",
        method = "post",
        operation_id = "restore_version"
    )]
    async fn restore(
        &self,
        /// Revisions to apply the change to, as in the document's `ETag`; any other is refused.
        #[oai(name = "If-Match")]
        change: DocumentChange,
        id: Path<Id<DocumentId>>,
        number: Path<VersionNumber>,
    ) -> Result<Restored, Documented<RestoreProblems>> {
        let (target, now) = (change.target(id.0.0), self.service.clock.now());
        let on = change.on(&self.service.db, Restored::from);
        let limits = &self.service.limits;
        let restored = restore_version(&on, &target, number.0.0, limits, now).await;
        Ok(restored.map_err(Problem::from)?.into())
    }

    /// Delete a version
    ///
    /// Any but the current one.
    #[oai(
        path = "/documents/:id/versions/:number",
        method = "delete",
        operation_id = "delete_version"
    )]
    async fn delete(
        &self,
        /// Revisions to apply the change to, as in the document's `ETag`; any other is refused.
        #[oai(name = "If-Match")]
        change: DocumentChange,
        origin: RequestOrigin,
        id: Path<Id<DocumentId>>,
        number: Path<VersionNumber>,
    ) -> Result<Deleted, Documented<DeleteProblems>> {
        let (target, now) = (change.target(id.0.0), self.service.clock.now());
        let on = change.on(&self.service.db, |()| Deleted::Gone);
        let kind = AuditKind::VersionDeleted;
        let deleted = AuditEvent::of_documents(kind, change.caller().user, [id.0.0]);
        let on = origin.log(on, move |()| vec![deleted.clone()]);
        let traces = self.service.traces();
        let deleted = delete_version(&on, &target, number.0.0, now, traces).await;
        let job = deleted.map_err(Problem::from)?;
        self.notifier.notify(Queue::Maintenance, job);
        Ok(Deleted::Gone)
    }
}

impl From<Document> for Restored {
    fn from(document: Document) -> Self {
        let location = version_location(document.id, document.latest_version);
        let tag = revision_tag(&document);
        Self::Document(Json(Box::new(document.into())), location, tag)
    }
}

/// Returns the path of a version.
pub(super) fn version_location(document: DocumentId, number: u32) -> String {
    format!("/v1/documents/{document}/versions/{number}")
}

impl VersionRoutes {
    async fn content(
        &self,
        request: &Request,
        (caller, owner): (Caller, Option<UserId>),
        (id, number): (DocumentId, u32),
        (inline, redirect): (Option<bool>, Option<bool>),
    ) -> Answer {
        let wish = Wish {
            inline: inline.unwrap_or_default(),
            audience: Audience::Caller,
            redirect,
        };
        let db = &self.service.db;
        let find = || async move {
            let document = readable(db, caller, id, owner).await?;
            let version = find_version(db, id, number).await?;
            Representation::of_version(&document, version.ok_or(Code::NotFound)?, wish)
        };
        Ok(hand_out(request, &self.service, find).await?)
    }
}
