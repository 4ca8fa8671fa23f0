//! Bulk operations: created, polled, cancelled, undone.

use std::time::Duration;

use domain::{
    Access, Action, AuditEvent, AuditKind, Caller, JobId, Operation, OperationId, RunMode, UserId,
};
use ledger::{
    Database, ItemPage, NewOperation, NewUndo, OperationPage, Task, cancel_operation,
    create_operation, find_operation, list_operation_items, list_operations, undo_operation,
};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use queue::Queue;
use serde_json::json;

use super::documents::ReadProblems;
use crate::auth::{CurrentUser, RequestOrigin};
use crate::dto::{
    Binding, CursorText, Id, ItemResultBody, Limit, NewOperationRequest, OperationBody,
    OperationItemPageBody, OperationPageBody, cursor, cut, position,
};
use crate::http::{JsonBody, Many, traceparent};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::{JobNotifier, Waiters};

problem_sets! {
    /// Asking for an operation.
    NewOperationProblems {
        BadJson, UploadIncomplete, Unauthorized, RequestTimeout, TooLarge, UnsupportedMediaType, Invalid,
        RateLimited,
    }
    /// Stopping an operation.
    CancelProblems { Unauthorized, NotFound, Finished, Invalid }
    /// Taking an operation back.
    UndoProblems { Unauthorized, NotFound, NotUndoable, Invalid, RateLimited }
}

/// An operation that was accepted.
#[derive(ApiResponse)]
pub(super) enum Accepted {
    /// The operation is accepted and runs in the background.
    #[oai(status = 202)]
    Operation(
        Json<OperationBody>,
        /// URL of the operation.
        #[oai(header = "Location")]
        String,
        /// Seconds to wait before polling again.
        #[oai(header = "Retry-After")]
        u32,
    ),
}

impl From<Operation> for Accepted {
    fn from(operation: Operation) -> Self {
        let location = format!("/v1/operations/{}", operation.id);
        Self::Operation(Json(operation.into()), location, 1)
    }
}

/// The routes of operations.
#[derive(Clone, Debug)]
pub struct OperationRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Requests that wait for an operation.
    pub waiters: Waiters,
    /// Notifies workers of new jobs.
    pub notifier: JobNotifier,
}

#[OpenApi(prefix_path = "/v1", tag = "Group::Operations")]
impl OperationRoutes {
    /// Start a bulk operation
    ///
    /// On up to 100,000 documents, selected when it is created. Each becomes an item with a result
    /// of its own; one that fails never stops the others.
    #[oai(
        path = "/operations",
        method = "post",
        operation_id = "create_operation"
    )]
    async fn create(
        &self,
        caller: CurrentUser,
        origin: RequestOrigin,
        request: &Request,
        idempotent: IdempotentRequest,
        body: JsonBody<NewOperationRequest, Many>,
    ) -> Result<Accepted, Documented<NewOperationProblems>> {
        if matches!(body.0.task, Task::Export(_)) && body.0.mode == RunMode::Real {
            self.service.places.check_room().map_err(Problem::from)?;
        }
        let at = self.service.clock.now();
        let new = NewOperation {
            id: OperationId::new(at),
            owner: caller.0.user,
            task: body.0.task,
            selection: body.0.selection,
            mode: body.0.mode,
            traceparent: traceparent(request),
            at,
        };
        let on = origin.log(idempotent.on(&self.service.db, Accepted::from), deleting);
        let created = create_operation(&on, &new, &self.service.limits.operations).await;
        Ok(self.begun(created.map_err(Problem::from)?).into())
    }

    /// List operations, newest first
    #[oai(path = "/operations", method = "get", operation_id = "list_operations")]
    async fn list(
        &self,
        caller: CurrentUser,
        /// Operations per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
        /// The operations' owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Json<OperationPageBody>, Documented<ReadProblems>> {
        let limit = Limit::read(limit.0)?;
        let owner = owner.0.map_or(caller.0.user, |id| id.0);
        if caller.0.may_read(owner, Some(owner)) == Access::Hidden {
            return Err(Code::NotFound.into());
        }
        let binding = Binding::new(caller.0.user, &[&"operations", &owner]);
        let before = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let page = OperationPage {
            owner,
            before,
            limit: limit.and_one(),
        };
        let found = list_operations(&self.service.db, page).await;
        let (operations, more) = cut(found.map_err(Problem::from)?, limit);
        let last = operations.last().filter(|_| more);
        let next_cursor = last.map(|last| self::cursor(binding, &last.id));
        Ok(Json(OperationPageBody {
            items: operations.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Read an operation
    #[oai(
        path = "/operations/:id",
        method = "get",
        operation_id = "read_operation"
    )]
    async fn read(
        &self,
        caller: CurrentUser,
        id: Path<Id<OperationId>>,
        /// Seconds to wait until it has ended.
        #[oai(validator(minimum(value = "0"), maximum(value = "60")))]
        wait: Query<Option<u32>>,
        /// The operation's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Json<OperationBody>, Documented<ReadProblems>> {
        let (id, owner) = (id.0.0, owner.0.map(|id| id.0));
        let wait = Duration::from_secs(wait.0.unwrap_or_default().into());
        // Registered before the query, so that no change is missed.
        let mut waiting = (!wait.is_zero()).then(|| self.waiters.join_operation(id));
        let mut operation = readable(&self.service.db, caller.0, id, owner).await?;
        if let (Some(waiting), false) = (&mut waiting, operation.state.has_ended()) {
            waiting.settled(wait).await;
            operation = readable(&self.service.db, caller.0, id, owner).await?;
        }
        Ok(Json(operation.into()))
    }

    /// List the items of an operation
    ///
    /// In the operation's order: that in which they were named, or the oldest first.
    #[oai(
        path = "/operations/:id/items",
        method = "get",
        operation_id = "list_operation_items"
    )]
    async fn items(
        &self,
        caller: CurrentUser,
        id: Path<Id<OperationId>>,
        /// Only items with this result.
        result: Query<Option<ItemResultBody>>,
        /// Items per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
        /// The operation's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Json<OperationItemPageBody>, Documented<ReadProblems>> {
        let limit = Limit::read(limit.0)?;
        let owner = owner.0.map(|id| id.0);
        let operation = readable(&self.service.db, caller.0, id.0.0, owner).await?;
        let question = format!("{:?}", result.0);
        let binding = Binding::new(caller.0.user, &[&"items", &operation.id, &question]);
        let after = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let page = ItemPage {
            operation: operation.id,
            result: result.0.map(Into::into),
            after,
            limit: limit.and_one(),
        };
        let found = list_operation_items(&self.service.db, page).await;
        let (items, more) = cut(found.map_err(Problem::from)?, limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| self::cursor(binding, &last.position));
        Ok(Json(OperationItemPageBody {
            items: items.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Cancel an operation
    ///
    /// Items in progress are completed; those not begun are skipped.
    #[oai(
        path = "/operations/:id/cancel",
        method = "post",
        operation_id = "cancel_operation"
    )]
    async fn cancel(
        &self,
        caller: CurrentUser,
        id: Path<Id<OperationId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Accepted, Documented<CancelProblems>> {
        let on = idempotent.on(&self.service.db, Accepted::from);
        let cancelled = cancel_operation(&on, id.0.0, caller.0.user).await;
        Ok(cancelled.map_err(Problem::from)?.into())
    }

    /// Undo an operation
    ///
    /// One that archived, restored or updated, and has ended. Another operation makes the
    /// documents what they were, but for those that were changed since.
    #[oai(
        path = "/operations/:id/undo",
        method = "post",
        operation_id = "undo_operation"
    )]
    async fn undo(
        &self,
        caller: CurrentUser,
        id: Path<Id<OperationId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Accepted, Documented<UndoProblems>> {
        let at = self.service.clock.now();
        let new = NewUndo {
            id: OperationId::new(at),
            undoes: id.0.0,
            owner: caller.0.user,
            at,
        };
        let on = idempotent.on(&self.service.db, Accepted::from);
        let undone = undo_operation(&on, &new, &self.service.limits.operations).await;
        Ok(self.begun(undone.map_err(Problem::from)?).into())
    }
}

impl OperationRoutes {
    fn begun(&self, (operation, job): (Operation, JobId)) -> Operation {
        self.notifier.notify(Queue::Bulk, job);
        operation
    }
}

/// What the security log records of an operation: that it deletes.
fn deleting(operation: &Operation) -> Vec<AuditEvent> {
    if operation.action != Action::Delete || operation.mode == RunMode::Dry {
        return vec![];
    }
    let detail = json!({"operation_id": operation.id, "total": operation.tally.total});
    let kind = AuditKind::DocumentsDeleted;
    vec![AuditEvent::new(kind, operation.owner, detail)]
}

/// Returns the operation if `caller` may read it; otherwise 404.
pub(super) async fn readable(
    db: &Database,
    caller: Caller,
    id: OperationId,
    owner: Option<UserId>,
) -> Result<Operation, Problem> {
    let operation = find_operation(db, id).await?;
    let operation =
        operation.filter(|operation| caller.may_read(operation.owner, owner) == Access::Granted);
    operation.ok_or_else(|| Code::NotFound.into())
}
