//! The archive that an export wrote.

use domain::{Action, Caller, OperationId, UserId};
use ledger::{find_export_result, remove_result};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, OpenApi};
use queue::Queue;

use super::content_answer::{Audience, ContentAnswer, Representation, Wish, hand_out};
use super::operations::readable;
use crate::auth::CurrentUser;
use crate::dto::Id;
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::JobNotifier;

problem_sets! {
    /// Reading the archive of an export.
    ResultProblems { Unauthorized, NotFound, NotReady, RevisionMismatch, RangeNotSatisfiable, Invalid }
    /// Deleting the archive of an export.
    DeleteResultProblems { Unauthorized, NotFound, NotReady, Invalid }
}

#[derive(ApiResponse)]
enum Deleted {
    /// Deleted, and no longer counted; the bytes are removed in the background.
    #[oai(status = 204)]
    Gone,
}

/// The routes of results.
#[derive(Clone, Debug)]
pub struct ResultRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Notifies workers of new jobs.
    pub notifier: JobNotifier,
}

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
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<OperationId>>,
        /// The operation's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
        /// Redirect to the storage, or don't, where the operator leaves it to the client.
        redirect: Query<Option<bool>>,
    ) -> Answer {
        let owner = owner.0.map(|id| id.0);
        self.answer(request, caller.0, (id.0.0, owner), redirect.0)
            .await
    }

    /// Read the headers of an export's archive
    #[oai(
        path = "/operations/:id/result",
        method = "head",
        operation_id = "head_result"
    )]
    async fn head(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<OperationId>>,
        /// As for reading.
        owner: Query<Option<Id<UserId>>>,
        /// As for reading; there is never a redirect.
        redirect: Query<Option<bool>>,
    ) -> Answer {
        let owner = owner.0.map(|id| id.0);
        self.answer(request, caller.0, (id.0.0, owner), redirect.0)
            .await
    }

    /// Delete the archive of an export
    ///
    /// Before it expires, to make room for others. The operation and its items are kept.
    #[oai(
        path = "/operations/:id/result",
        method = "delete",
        operation_id = "delete_result"
    )]
    async fn delete(
        &self,
        caller: CurrentUser,
        id: Path<Id<OperationId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Deleted, Documented<DeleteResultProblems>> {
        let (db, now) = (&self.service.db, self.service.clock.now());
        let on = idempotent.on(db, |()| Deleted::Gone);
        let removed = remove_result(&on, caller.0.user, id.0.0, now).await;
        self.notifier
            .notify(Queue::Maintenance, removed.map_err(Problem::from)?);
        Ok(Deleted::Gone)
    }
}

impl ResultRoutes {
    async fn answer(
        &self,
        request: &Request,
        caller: Caller,
        (id, owner): (OperationId, Option<UserId>),
        redirect: Option<bool>,
    ) -> Answer {
        let wish = Wish {
            inline: false,
            audience: Audience::Caller,
            redirect,
        };
        let find = || async move { self.find(caller, (id, owner), wish).await };
        Ok(hand_out(request, &self.service, find).await?)
    }

    async fn find(
        &self,
        caller: Caller,
        (id, owner): (OperationId, Option<UserId>),
        wish: Wish,
    ) -> Result<Representation, Problem> {
        let operation = readable(&self.service.db, caller, id, owner).await?;
        if operation.action != Action::Export {
            return Err(Code::NotFound.into());
        }
        if !operation.state.has_ended() {
            return Err(Code::NotReady.into());
        }
        let now = self.service.clock.now();
        let result = find_export_result(&self.service.db, id).await?;
        let result = result.filter(|result| result.expires_at > now);
        let result = result.ok_or(Code::NotFound)?;
        let written_at = operation.state.finished_at().unwrap_or(now);
        let name = format!("export-{id}.zip");
        Ok(Representation::of_archive(
            &name,
            result,
            (written_at, wish),
        ))
    }
}
