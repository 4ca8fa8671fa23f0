//! Public documents, readable by anyone who knows their name.

use domain::Document;
use ledger::{find_public, find_public_dated};
use poem::Request;
use poem::http::header::IF_NONE_MATCH;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::content_answer::{Audience, ContentAnswer, Representation, Wish, hand_out};
use crate::auth::Anyone;
use crate::dto::{PublicBody, UniqueNameText};
use crate::http::matches_etag;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Reading about a public document.
    PublicProblems { NotFound, Invalid }
    /// Reading a public document.
    PublicContentProblems { NotFound, RevisionMismatch, RangeNotSatisfiable, Invalid }
}

#[derive(ApiResponse)]
enum Read {
    /// The document.
    #[oai(status = 200)]
    Document(
        Json<PublicBody>,
        /// Entity tag of the metadata.
        #[oai(header = "ETag")]
        String,
        /// `public, no-cache`
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// The client's copy is current.
    #[oai(status = 304)]
    NotModified(
        /// Entity tag of the metadata.
        #[oai(header = "ETag")]
        String,
        /// `public, no-cache`
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// The public routes.
#[derive(Clone, Debug)]
pub struct PublicRoutes(pub Service);

type Answer = Result<Read, Documented<PublicProblems>>;
type Content = Result<ContentAnswer, Documented<PublicContentProblems>>;

#[OpenApi(prefix_path = "/public", tag = "Group::Public")]
impl PublicRoutes {
    /// Read the metadata of a public document
    #[oai(
        path = "/:unique_name",
        method = "get",
        operation_id = "read_public_document"
    )]
    async fn read(
        &self,
        _anyone: Anyone,
        request: &Request,
        unique_name: Path<UniqueNameText>,
    ) -> Answer {
        self.answer(request, &unique_name.0.0).await
    }

    /// Check whether a public document exists
    #[oai(
        path = "/:unique_name",
        method = "head",
        operation_id = "head_public_document"
    )]
    async fn head(
        &self,
        _anyone: Anyone,
        request: &Request,
        unique_name: Path<UniqueNameText>,
    ) -> Answer {
        self.answer(request, &unique_name.0.0).await
    }

    /// Read the bytes of a public document
    #[oai(
        path = "/:unique_name/content",
        method = "get",
        operation_id = "read_public_content"
    )]
    async fn read_content(
        &self,
        _anyone: Anyone,
        request: &Request,
        unique_name: Path<UniqueNameText>,
        /// Display it inline instead of as a download, if its type cannot run script.
        inline: Query<Option<bool>>,
        /// Redirect to the storage, or don't, where the operator leaves it to the client.
        redirect: Query<Option<bool>>,
    ) -> Content {
        self.content(request, &unique_name.0.0, (inline.0, redirect.0))
            .await
    }

    /// Read the headers of a public document's bytes
    #[oai(
        path = "/:unique_name/content",
        method = "head",
        operation_id = "head_public_content"
    )]
    async fn head_content(
        &self,
        _anyone: Anyone,
        request: &Request,
        unique_name: Path<UniqueNameText>,
        /// As for reading.
        inline: Query<Option<bool>>,
        /// As for reading; there is never a redirect.
        redirect: Query<Option<bool>>,
    ) -> Content {
        self.content(request, &unique_name.0.0, (inline.0, redirect.0))
            .await
    }
}

impl PublicRoutes {
    async fn answer(&self, request: &Request, unique_name: &str) -> Answer {
        let document = self.find(unique_name).await?;
        let body = PublicBody::of(&document).ok_or(Code::NotFound)?;
        let (tag, cache) = (body.entity_tag(), Audience::Everybody.cache_control());
        if matches_etag(request.headers(), &IF_NONE_MATCH, &tag) {
            return Ok(Read::NotModified(tag, cache.to_owned()));
        }
        Ok(Read::Document(Json(body), tag, cache.to_owned()))
    }

    async fn content(
        &self,
        request: &Request,
        unique_name: &str,
        (inline, redirect): (Option<bool>, Option<bool>),
    ) -> Content {
        let wish = Wish {
            inline: inline.unwrap_or_default(),
            audience: Audience::Everybody,
            redirect,
        };
        let find = || async move {
            let named = unique_name.parse().map_err(|_| Code::NotFound)?;
            let found = find_public_dated(&self.0.db, &named).await?;
            let dated = found.ok_or(Code::NotFound)?;
            let found = Representation::of_document(&dated, wish)?;
            found
                .with_shared_second(request, (&self.0.db, &dated))
                .await
        };
        Ok(hand_out(request, &self.0, find).await?)
    }

    /// A document that isn't public and active does not exist here.
    async fn find(&self, unique_name: &str) -> Result<Document, Problem> {
        let unique_name = unique_name.parse().map_err(|_| Code::NotFound)?;
        let found = find_public(&self.0.db, &unique_name).await?;
        found.ok_or_else(|| Code::NotFound.into())
    }
}
