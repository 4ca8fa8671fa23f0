//! Reading documents.

use std::time::Duration;

use domain::{Access, Caller, Document, DocumentId, Status, UserId};
use ledger::{Database, find_document, find_named};
use poem::Request;
use poem::http::header::IF_NONE_MATCH;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::if_match::revision_tag;
use crate::auth::CurrentUser;
use crate::dto::{DocumentBody, Id, UniqueNameText};
use crate::http::matches_etag;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::Waiters;

problem_sets! {
    /// Reading a document.
    ReadProblems { Unauthorized, NotFound, Invalid }
}

#[derive(ApiResponse)]
enum Read {
    /// The document.
    #[oai(status = 200)]
    Document(
        Json<Box<DocumentBody>>,
        /// Its revision, as `"r<revision>"`.
        #[oai(header = "ETag")]
        String,
    ),
    /// The client's copy is current.
    #[oai(status = 304)]
    NotModified(
        /// Its revision, as `"r<revision>"`.
        #[oai(header = "ETag")]
        String,
    ),
}

/// The document routes.
#[derive(Clone, Debug)]
pub struct DocumentRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Requests that wait for a document.
    pub waiters: Waiters,
}

#[OpenApi(prefix_path = "/v1", tag = "Group::Documents")]
impl DocumentRoutes {
    /// Read a document
    #[oai(
        path = "/documents/:id",
        method = "get",
        operation_id = "read_document"
    )]
    async fn read(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<DocumentId>>,
        /// Seconds to wait until it is no longer `pending`.
        #[oai(validator(minimum(value = "0"), maximum(value = "60")))]
        wait: Query<Option<u32>>,
        /// The document's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Read, Documented<ReadProblems>> {
        let owner = owner.0.map(|id| id.0);
        self.answer(request, caller.0, (id.0.0, owner), wait.0)
            .await
    }

    /// Read a document by its unique name
    #[oai(
        path = "/documents/by-name/:unique_name",
        method = "get",
        operation_id = "read_named_document"
    )]
    async fn read_named(
        &self,
        caller: CurrentUser,
        request: &Request,
        unique_name: Path<UniqueNameText>,
        /// Seconds to wait until it is no longer `pending`.
        #[oai(validator(minimum(value = "0"), maximum(value = "60")))]
        wait: Query<Option<u32>>,
        /// The document's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Read, Documented<ReadProblems>> {
        let name = unique_name.0.0.parse().map_err(|_| Code::NotFound)?;
        let owner = owner.0.map(|id| id.0);
        let named = find_named(&self.service.db, owner.unwrap_or(caller.0.user), &name).await;
        let named = named.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        self.answer(request, caller.0, (named.id, owner), wait.0)
            .await
    }
}

impl DocumentRoutes {
    async fn answer(
        &self,
        request: &Request,
        caller: Caller,
        (id, owner): (DocumentId, Option<UserId>),
        wait: Option<u32>,
    ) -> Result<Read, Documented<ReadProblems>> {
        let wait = Duration::from_secs(wait.unwrap_or_default().into());
        // Registered before the query, so that no change is missed.
        let mut waiting = (!wait.is_zero()).then(|| self.waiters.join(id));
        let mut document = readable(&self.service.db, caller, id, owner).await?;
        if let (Some(waiting), Status::Pending) = (&mut waiting, document.lifecycle.status()) {
            waiting.settled(wait).await;
            document = readable(&self.service.db, caller, id, owner).await?;
        }
        let etag = revision_tag(&document);
        if matches_etag(request.headers(), &IF_NONE_MATCH, &etag) {
            return Ok(Read::NotModified(etag));
        }
        Ok(Read::Document(Json(Box::new(document.into())), etag))
    }
}

/// Returns the document if `caller` may read it; otherwise 404.
pub(super) async fn readable(
    db: &Database,
    caller: Caller,
    id: DocumentId,
    owner: Option<UserId>,
) -> Result<Document, Problem> {
    let document = find_document(db, id).await?;
    let document =
        document.filter(|document| caller.may_read(document.owner, owner) == Access::Granted);
    document.ok_or_else(|| Code::NotFound.into())
}
