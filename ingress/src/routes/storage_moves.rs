//! Places, and moves of documents' bytes between them, for admins.

use domain::{AuditEvent, AuditKind, StorageMoveId};
use ledger::{
    MoveRefusal, NewMove, StorageMove, cancel_move, find_move, list_moves, list_places, start_move,
};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use queue::Queue;
use serde_json::json;
use url::Url;

use super::users::{AdminListProblems, AdminReadProblems};
use crate::auth::{Admin, RequestOrigin};
use crate::dto::{Id, NewMoveRequest, StorageMoveBody, StorageMovePageBody, StoragePlacePageBody};
use crate::http::JsonBody;
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::JobNotifier;

problem_sets! {
    /// Starting a move.
    StartMoveProblems {
        BadJson, UploadIncomplete, Unauthorized, Forbidden, RequestTimeout, TooLarge,
        UnsupportedMediaType, Invalid,
    }
    /// Cancelling a move.
    CancelMoveProblems { Unauthorized, Forbidden, NotFound, Finished, Invalid }
}

#[derive(ApiResponse)]
enum Started {
    /// The move, which goes on in the background.
    #[oai(status = 202)]
    Move(Json<StorageMoveBody>, #[oai(header = "Location")] String),
}

#[derive(ApiResponse)]
enum Cancelled {
    /// The move. Copies under way are discarded, and what was moved stays where it is.
    #[oai(status = 202)]
    Move(Json<StorageMoveBody>),
}

/// The routes of moves.
#[derive(Clone, Debug)]
pub struct StorageMoveRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Notifies workers of jobs.
    pub notifier: JobNotifier,
}

#[OpenApi(prefix_path = "/v1/admin/storage", tag = "Group::Administration")]
impl StorageMoveRoutes {
    /// Move documents' bytes to another place
    ///
    /// Each object is copied, its digest verified, and the old one removed some time later. The
    /// service goes on meanwhile. New documents go where the settings say: move away from a place
    /// that is no longer the store. One move runs at a time.
    #[oai(path = "/moves", method = "post", operation_id = "start_storage_move")]
    async fn start(
        &self,
        admin: Admin,
        origin: RequestOrigin,
        idempotent: IdempotentRequest,
        body: JsonBody<NewMoveRequest>,
    ) -> Result<Started, Documented<StartMoveProblems>> {
        let Service { db, clock, .. } = &self.service;
        let NewMoveRequest { from, to, rate } = body.0;
        let (from, to) = (from.place().clone(), to.place().clone());
        for (pointer, place) in [("/from", &from), ("/to", &to)] {
            self.check_place(pointer, place).await?;
        }
        if from == to {
            return Err(Problem::invalid_field("/to", "must be another place").into());
        }
        let new = NewMove {
            from,
            to,
            rate,
            owner: admin.0.user,
        };
        let on = origin.log(idempotent.on(db, Started::from), |started: &StorageMove| {
            vec![event(AuditKind::StorageMoveStarted, started)]
        });
        let started = start_move(&on, &new, clock.now()).await;
        let started = started.map_err(Problem::from)?.map_err(refused)?;
        self.notifier
            .notify(Queue::Maintenance, started.first_job());
        Ok(started.into())
    }

    /// List moves, newest first
    #[oai(path = "/moves", method = "get", operation_id = "list_storage_moves")]
    async fn list(
        &self,
        _admin: Admin,
    ) -> Result<Json<StorageMovePageBody>, Documented<AdminListProblems>> {
        let moves = list_moves(&self.service.db).await.map_err(Problem::from)?;
        Ok(Json(StorageMovePageBody {
            items: moves.into_iter().map(Into::into).collect(),
            next_cursor: None,
        }))
    }

    /// List the places where bytes are
    #[oai(path = "/places", method = "get", operation_id = "list_storage_places")]
    async fn places(
        &self,
        _admin: Admin,
    ) -> Result<Json<StoragePlacePageBody>, Documented<AdminListProblems>> {
        let Service { db, places, .. } = &self.service;
        let places = list_places(db, places).await.map_err(Problem::from)?;
        Ok(Json(StoragePlacePageBody {
            items: places.into_iter().map(Into::into).collect(),
            next_cursor: None,
        }))
    }

    /// Read a move
    #[oai(
        path = "/moves/:id",
        method = "get",
        operation_id = "read_storage_move"
    )]
    async fn read(
        &self,
        _admin: Admin,
        id: Path<Id<StorageMoveId>>,
    ) -> Result<Json<StorageMoveBody>, Documented<AdminReadProblems>> {
        let found = find_move(&self.service.db, id.0.0).await;
        let found = found.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        Ok(Json(found.into()))
    }

    /// Cancel a move
    ///
    /// What was moved stays where it is now; the opposite move brings it back.
    #[oai(
        path = "/moves/:id/cancel",
        method = "post",
        operation_id = "cancel_storage_move"
    )]
    async fn cancel(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        id: Path<Id<StorageMoveId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Cancelled, Documented<CancelMoveProblems>> {
        let Service { db, clock, .. } = &self.service;
        let answer = |cancelled: StorageMove| Cancelled::Move(Json(cancelled.into()));
        let on = origin.log(idempotent.on(db, answer), |cancelled: &StorageMove| {
            vec![event(AuditKind::StorageMoveCancelled, cancelled)]
        });
        let cancelled = cancel_move(&on, id.0.0, clock.now()).await;
        let cancelled = cancelled.map_err(Problem::from)?.map_err(refused)?;
        Ok(answer(cancelled))
    }
}

impl StorageMoveRoutes {
    /// Refuses a place where no documents are, or that belongs to another installation. One that
    /// doesn't answer is checked again before anything is moved.
    async fn check_place(&self, pointer: &str, place: &Url) -> Result<(), Problem> {
        let Service {
            places, ownership, ..
        } = &self.service;
        let mut stores = places.stores();
        let Some(storage) = stores.find(|storage| storage.place() == place) else {
            let detail =
                "isn't configured as a place of documents; DOSSIER_MORE_STORAGE_URLS adds one";
            return Err(Problem::invalid_field(pointer, detail));
        };
        match ownership.verify_place(storage).await {
            Err(refusal) if refusal.is_refusal() => {
                let detail = "does not carry the mark of this installation";
                Err(Problem::invalid_field(pointer, detail).because(refusal))
            }
            _ => Ok(()),
        }
    }
}

impl From<StorageMove> for Started {
    fn from(started: StorageMove) -> Self {
        let location = format!("/v1/admin/storage/moves/{}", started.id);
        Self::Move(Json(started.into()), location)
    }
}

fn event(kind: AuditKind, of: &StorageMove) -> AuditEvent {
    AuditEvent::new(kind, of.id, json!({"from": of.from, "to": of.to}))
}

fn refused(refusal: MoveRefusal) -> Problem {
    match refusal {
        MoveRefusal::AnotherIsRunning => Problem::invalid_field(
            "/from",
            "another move is running; wait for it, or cancel it",
        ),
        MoveRefusal::NotFound => Code::NotFound.into(),
        MoveRefusal::Finished => Code::Finished.into(),
    }
}
