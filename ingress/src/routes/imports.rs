//! Imports: streams an archive into staging and accepts it; a job unpacks it.

use domain::{ByteSize, Operation, OperationId, UserId};
use ledger::{ConflictPolicy, CreateOperationError, NewImport, create_import, may_open_operation};
use poem::Request;
use poem_openapi::param::Query;
use poem_openapi::{Enum, OpenApi};
use queue::Queue;
use serde_json::json;
use storage::Writer;

use super::operations::Accepted;
use crate::auth::CurrentUser;
use crate::http::traceparent;
use crate::idempotency::{Begun, IdempotentRequest, KeyedUpload, Replayable};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::Problem;
use crate::service::Service;
use crate::uploads::{ArchiveUpload, Bounds, Destination, Intake, Purpose, StagedBytes};
use crate::waiting::JobNotifier;

problem_sets! {
    /// What can come of an import.
    ImportProblems {
        IdempotencyInProgress, IdempotencyKeyReused, BadMultipart, BadDigest, UploadIncomplete, Unauthorized,
        QuotaExceeded, RequestTimeout, TooLarge, UnsupportedMediaType, Invalid, DigestMismatch, TooManyUploads,
        RateLimited, Overloaded,
    }
}

/// How to handle a file whose name a document that isn't archived has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "OnConflict", rename_all = "snake_case")]
pub enum OnConflict {
    /// It is skipped.
    Skip,
    /// It gets a number: `report (2).pdf`.
    Rename,
    /// It becomes a new version of that document.
    NewVersion,
    /// It fails; the others go on.
    Fail,
}

impl From<OnConflict> for ConflictPolicy {
    fn from(policy: OnConflict) -> Self {
        match policy {
            OnConflict::Skip => Self::Skip,
            OnConflict::Rename => Self::Rename,
            OnConflict::NewVersion => Self::NewVersion,
            OnConflict::Fail => Self::Fail,
        }
    }
}

/// The routes of imports.
#[derive(Clone, Debug)]
pub struct ImportRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Completes imports whose client hung up.
    pub intake: Intake,
    /// Notifies workers of new jobs.
    pub notifier: JobNotifier,
}

#[OpenApi(prefix_path = "/v1", tag = "Group::Operations")]
impl ImportRoutes {
    /// Import a ZIP archive
    ///
    /// As `multipart/form-data` or as a raw body. Each file becomes an item with a result of its
    /// own. The manifest of an export gives back names, types, metadata and versions.
    #[oai(
        path = "/operations/import",
        method = "post",
        operation_id = "import_archive"
    )]
    async fn import(
        &self,
        caller: CurrentUser,
        request: &Request,
        /// How to handle a file whose name another document has; `rename` by default.
        on_conflict: Query<Option<OnConflict>>,
        body: ArchiveUpload,
    ) -> Result<Replayable<Accepted>, Documented<ImportProblems>> {
        let on_conflict = on_conflict.0.map(ConflictPolicy::from).unwrap_or_default();
        let keyed = KeyedUpload::of(request);
        if !keyed.came_before() {
            self.service.admit(caller.0.user)?;
            let limits = &self.service.limits.operations;
            let may_open = may_open_operation(&self.service.db, caller.0.user, limits).await;
            may_open.map_err(Problem::from)?;
        }
        let to = self.admit(caller.0.user, body.0.declared_size()).await?;
        keyed.hold().await?;
        let received = body.0.receive(Purpose::Archive, &to).await?;
        drop(to);
        let at = self.service.clock.now();
        let staged = received.bytes.staged();
        let new = NewImport {
            id: OperationId::new(at),
            owner: caller.0.user,
            on_conflict,
            source: staged.url.clone(),
            source_size: staged.size,
            traceparent: traceparent(request),
            at,
        };
        let identity = || json!({"sha256": staged.sha256, "size": staged.size}).to_string();
        let idempotent = match keyed.begin(identity).await? {
            Begun::First(idempotent) => idempotent,
            Begun::Replay(replay) => return Ok(Replayable::Replayed(replay)),
        };
        let importing = accept(self.clone(), idempotent, new, received.bytes);
        let accepted = self.intake.keep_running(importing).await;
        let operation = accepted.map_err(Problem::internal)??;
        Ok(Replayable::New(operation.into()))
    }
}

impl ImportRoutes {
    /// Refuses archives that clearly don't fit before reading them. Returns the destination,
    /// limited by the owner's staging allowance.
    async fn admit(&self, owner: UserId, size: ByteSize) -> Result<Destination, Problem> {
        self.service.places.check_room()?;
        let in_flight = self.intake.in_flight();
        let bounds = Bounds {
            quota: u64::MAX,
            quota_limit: u64::MAX,
            staging: in_flight.room(owner).await?.staging,
        };
        Ok(Destination {
            places: self.service.places.clone(),
            writer: Writer::User(owner),
            now: self.service.clock.now(),
            patience: self.service.server.upload,
            held: in_flight.begin(owner, size, bounds).await?,
            inline: None,
        })
    }
}

/// Accepts an import, or removes its archive, even if the client hung up.
async fn accept(
    routes: ImportRoutes,
    idempotent: IdempotentRequest,
    new: NewImport,
    bytes: StagedBytes,
) -> Result<Operation, Problem> {
    let on = idempotent.on(&routes.service.db, Accepted::from);
    match create_import(&on, &new, &routes.service.limits.operations).await {
        Ok((operation, job)) => {
            bytes.keep();
            routes.notifier.notify(Queue::Bulk, job);
            Ok(operation)
        }
        Err(error) => {
            if matches!(&error, CreateOperationError::Database(error) if error.may_be_committed()) {
                // A row may refer to them. If none does, the cleanup finds that out.
                bytes.keep();
            }
            Err(error.into())
        }
    }
}
