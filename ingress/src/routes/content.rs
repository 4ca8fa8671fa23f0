//! The bytes of a document.

use poem::Request;
use poem::http::Method;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use shared::domain::{Document, DocumentId, Lifecycle, UserId};
use shared::storage::StorageError;

use super::content_answer::{ContentAnswer, Representation};
use super::documents::readable;
use super::tags::Group;
use crate::auth::Who;
use crate::content::{Condition, Disposition, evaluate, select};
use crate::problem::{Code, Documented, Problem, problem_sets};
use crate::service::Service;

problem_sets! {
    /// Reading content.
    ContentProblems { Unauthorized, NotFound, NotActive, RangeNotSatisfiable, Invalid }
}

/// The content routes.
#[derive(Clone, Debug)]
pub struct ContentRoutes(pub Service);

type Answer = Result<ContentAnswer, Documented<ContentProblems>>;

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
        who: Who,
        request: &Request,
        id: Path<Id>,
        /// Show it instead of saving it, if its type cannot run script.
        inline: Query<Option<bool>>,
        /// Whose document it is; admins may name another user.
        owner: Query<Option<Owner>>,
    ) -> Answer {
        let document = readable(&self.0.db, who.0, id.0.0, owner.0.map(|id| id.0)).await?;
        self.answer(request, &document, inline.0.unwrap_or_default())
            .await
    }

    /// Ask about the bytes of a document without reading them
    #[oai(
        path = "/documents/:id/content",
        method = "head",
        operation_id = "head_content"
    )]
    async fn head(
        &self,
        who: Who,
        request: &Request,
        id: Path<Id>,
        /// As for reading.
        inline: Query<Option<bool>>,
        /// As for reading.
        owner: Query<Option<Owner>>,
    ) -> Answer {
        let document = readable(&self.0.db, who.0, id.0.0, owner.0.map(|id| id.0)).await?;
        self.answer(request, &document, inline.0.unwrap_or_default())
            .await
    }
}

type Id = crate::shapes::Id<DocumentId>;
type Owner = crate::shapes::Id<UserId>;

impl ContentRoutes {
    async fn answer(&self, request: &Request, document: &Document, inline: bool) -> Answer {
        let Lifecycle::Active(current) = &document.lifecycle else {
            return Err(Code::NotActive.into());
        };
        let disposition = Disposition::for_type(&current.media_type, inline);
        let representation = Representation::new(document, current, disposition);
        let range = match evaluate(request.headers(), &representation.validators()) {
            Condition::NotModified => return Ok(representation.not_modified()),
            Condition::Answer { .. } if request.method() == Method::HEAD => {
                return Ok(representation.without_body());
            }
            Condition::Answer { range } => range,
        };
        let length = document.size.bytes();
        let parts = select(range, length).map_err(|_| Problem::range_not_satisfiable(length))?;
        match representation.open(&self.0.places, parts).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.missing(document.id, error).await?.into()),
        }
    }

    /// Bytes that can't be opened: perhaps because the document has just been deleted.
    async fn missing(
        &self,
        id: DocumentId,
        error: StorageError,
    ) -> Result<Problem, Documented<ContentProblems>> {
        let gone = matches!(error, StorageError::NotFound { .. });
        if gone
            && shared::db::find_document(&self.0.db, id)
                .await
                .map_err(Problem::from)?
                .is_none()
        {
            return Ok(Code::NotFound.into());
        }
        Ok(error.into())
    }
}
