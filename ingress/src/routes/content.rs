//! The bytes of a document.

use domain::{Access, Caller, DocumentId, UserId};
use ledger::{DatedDocument, find_dated};
use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::content_answer::{Audience, ContentAnswer, Representation, Wish, hand_out};
use crate::auth::CurrentUser;
use crate::dto::Id;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Reading content.
    ContentProblems { Unauthorized, NotFound, NotActive, RevisionMismatch, RangeNotSatisfiable, Invalid }
}

/// The content routes.
#[derive(Clone, Debug)]
pub struct ContentRoutes(pub Service);

pub(super) type Answer = Result<ContentAnswer, Documented<ContentProblems>>;

#[OpenApi(prefix_path = "/v1", tag = "Group::Documents")]
impl ContentRoutes {
    /// Read the bytes of a document
    #[oai(
        path = "/documents/:id/content",
        method = "get",
        operation_id = "read_content"
    )]
    async fn read(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<DocumentId>>,
        /// Display it inline instead of as a download, if its type cannot run script.
        inline: Query<Option<bool>>,
        /// Redirect to the storage, or don't, where the operator leaves it to the client.
        redirect: Query<Option<bool>>,
        /// The document's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Answer {
        let owner = owner.0.map(|id| id.0);
        self.answer(request, caller.0, (id.0.0, owner), (inline.0, redirect.0))
            .await
    }

    /// Read the headers of a document's bytes
    #[oai(
        path = "/documents/:id/content",
        method = "head",
        operation_id = "head_content"
    )]
    async fn head(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<DocumentId>>,
        /// As for reading.
        inline: Query<Option<bool>>,
        /// As for reading; there is never a redirect.
        redirect: Query<Option<bool>>,
        /// As for reading.
        owner: Query<Option<Id<UserId>>>,
    ) -> Answer {
        let owner = owner.0.map(|id| id.0);
        self.answer(request, caller.0, (id.0.0, owner), (inline.0, redirect.0))
            .await
    }
}

impl ContentRoutes {
    async fn answer(
        &self,
        request: &Request,
        caller: Caller,
        (id, owner): (DocumentId, Option<UserId>),
        (inline, redirect): (Option<bool>, Option<bool>),
    ) -> Answer {
        let wish = Wish {
            inline: inline.unwrap_or_default(),
            audience: Audience::Caller,
            redirect,
        };
        let find = || async move {
            let dated = self.readable(caller, id, owner).await?;
            let found = Representation::of_document(&dated, wish)?;
            found
                .with_shared_second(request, (&self.0.db, &dated))
                .await
        };
        Ok(hand_out(request, &self.0, find).await?)
    }

    /// The document if the caller may read it, with the date of its content.
    async fn readable(
        &self,
        caller: Caller,
        id: DocumentId,
        owner: Option<UserId>,
    ) -> Result<DatedDocument, Problem> {
        let dated = find_dated(&self.0.db, id).await?;
        let dated =
            dated.filter(|dated| caller.may_read(dated.document.owner, owner) == Access::Granted);
        dated.ok_or_else(|| Code::NotFound.into())
    }
}
