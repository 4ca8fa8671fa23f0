//! The archive that an export wrote.

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use shared::db::find_export_result;
use shared::domain::{Action, Caller, OperationId, UserId};

use super::content_answer::{Audience, ContentAnswer, Representation, hand_out};
use super::operations::readable;
use super::tags::Group;
use crate::auth::Who;
use crate::problem::{Code, Documented, Problem, problem_sets};
use crate::service::Service;
use crate::shapes::Id;

problem_sets! {
    /// Reading the archive of an export.
    ResultProblems { Unauthorized, NotFound, NotReady, RevisionMismatch, RangeNotSatisfiable, Invalid }
}

/// The routes of results.
#[derive(Clone, Debug)]
pub struct ResultRoutes(pub Service);

type Answer = Result<ContentAnswer, Documented<ResultProblems>>;

#[OpenApi(prefix_path = "/v1", tag = "Group::Operations")]
impl ResultRoutes {
    /// Read the archive of an export
    ///
    /// A ZIP archive, which is kept for 24 hours. `manifest.json` in it says what its files are.
    #[oai(
        path = "/operations/:id/result",
        method = "get",
        operation_id = "read_result"
    )]
    async fn read(
        &self,
        who: Who,
        request: &Request,
        id: Path<Id<OperationId>>,
        /// Whose operation it is; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Answer {
        let owner = owner.0.map(|id| id.0);
        self.answer(request, who.0, (id.0.0, owner)).await
    }

    /// Ask about the archive of an export without reading it
    #[oai(
        path = "/operations/:id/result",
        method = "head",
        operation_id = "head_result"
    )]
    async fn head(
        &self,
        who: Who,
        request: &Request,
        id: Path<Id<OperationId>>,
        /// As for reading.
        owner: Query<Option<Id<UserId>>>,
    ) -> Answer {
        let owner = owner.0.map(|id| id.0);
        self.answer(request, who.0, (id.0.0, owner)).await
    }
}

impl ResultRoutes {
    async fn answer(
        &self,
        request: &Request,
        caller: Caller,
        (id, owner): (OperationId, Option<UserId>),
    ) -> Answer {
        let find = || async move { self.find(caller, id, owner).await };
        Ok(hand_out(request, &self.0, find).await?)
    }

    async fn find(
        &self,
        caller: Caller,
        id: OperationId,
        owner: Option<UserId>,
    ) -> Result<Representation, Problem> {
        let operation = readable(&self.0.db, caller, id, owner).await?;
        if operation.action != Action::Export {
            return Err(Code::NotFound.into());
        }
        if !operation.state.has_ended() {
            return Err(Code::NotReady.into());
        }
        let now = self.0.clock.now();
        let result = find_export_result(&self.0.db, id).await?;
        let result = result.filter(|result| result.expires_at > now);
        let result = result.ok_or(Code::NotFound)?;
        let written_at = operation.state.finished_at().unwrap_or(now);
        let name = format!("export-{id}.zip");
        Ok(Representation::of_archive(
            &name,
            result,
            (written_at, Audience::Caller),
        ))
    }
}
