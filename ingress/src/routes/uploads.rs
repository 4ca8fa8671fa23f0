//! Uploads: checks them before reading, streams them into staging, accepts and answers.

use std::sync::Arc;

use domain::{
    ByteSize, Caller, Document, DocumentId, JobId, MediaType, Status, Timestamp, VersionId,
};
use ledger::{Arrival, NewContent, UploadRoom};
use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use serde_json::json;
use storage::Writer;

use super::documents::readable;
use super::if_match::IfMatch;
use super::upload_answer::{Uploaded, answer, pending, settled_by};
use super::versions::version_location;
use super::wanted_upload::announced;
use crate::auth::CurrentUser;
use crate::dto::{Id, MetadataText, NameText, UniqueNameText};
use crate::http::{Prefer, traceparent};
use crate::idempotency::{Begun, KeyedUpload, Replayable};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::resumable::check_complete;
use crate::service::Service;
use crate::uploads::{
    Bounds, Destination, Intake, NewDocument, Purpose, QueryFields, Received, StagedBytes, Upload,
    VersionUpload,
};
use crate::waiting::Waiters;

problem_sets! {
    /// What can come of an upload besides a document.
    UploadProblems {
        IdempotencyInProgress, IdempotencyKeyReused, BadMultipart, BadDigest, UploadIncomplete, Unauthorized, QuotaExceeded, RequestTimeout,
        UniqueNameTaken, TooLarge, UnsupportedMediaType, Invalid, DigestMismatch, TypeNotAllowed,
        TypeMismatch, StorageUnavailable, TooManyUploads, Overloaded,
    }
    /// What can come of the upload of a new version.
    UploadVersionProblems {
        IdempotencyInProgress, IdempotencyKeyReused, BadMultipart, BadDigest, UploadIncomplete, Unauthorized, QuotaExceeded, NotFound, RequestTimeout,
        NotActive, RevisionMismatch, TooLarge, UnsupportedMediaType, Invalid, DigestMismatch,
        TypeNotAllowed, TypeMismatch, StorageUnavailable, TooManyUploads, Overloaded,
    }
}

/// The detail of a refusal because of too many failed uploads.
const TOO_MANY_FAILED: &str = "Too many of your uploads have failed and are kept: delete documents in \
     `error`, or failed versions of others.";

/// The least quota that an upload needs.
#[derive(Clone, Copy, Debug)]
struct Demand {
    size: ByteSize,
    /// New documents; zero for a version of a document that counts already.
    documents: u64,
    /// Whether the request is a repetition, which current limits must not refuse.
    came_before: bool,
}

/// The upload routes.
#[derive(Clone, Debug)]
pub struct UploadRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Accepts uploads.
    pub intake: Intake,
    /// Requests that wait for a document.
    pub waiters: Waiters,
}

#[OpenApi(prefix_path = "/v1", tag = "Group::Documents")]
impl UploadRoutes {
    /// Upload a document
    ///
    /// As `multipart/form-data`, or as a raw body with the parameters below.
    #[oai(path = "/documents", method = "post", operation_id = "upload_document")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the operation is one"
    )]
    async fn upload(
        &self,
        caller: CurrentUser,
        request: &Request,
        /// The document's name; required with a raw body.
        name: Query<Option<NameText>>,
        /// A name that is unique across the service.
        unique_name: Query<Option<UniqueNameText>>,
        /// Whether anybody may read it by its unique name.
        is_public: Query<Option<bool>>,
        /// A JSON object.
        metadata: Query<Option<MetadataText>>,
        /// `wait=<seconds up to 60>`: answer when the document is processed.
        #[oai(name = "Prefer")]
        prefer: Prefer,
        body: Upload,
    ) -> Result<Replayable<Uploaded>, Documented<UploadProblems>> {
        check_complete(request.headers(), announced(request.headers()))?;
        let fields = QueryFields {
            name: name.0.map(|text| text.0),
            unique_name: unique_name.0.map(|text| text.0),
            is_public: is_public.0,
            metadata: metadata.0.map(|text| text.0),
        };
        let keyed = KeyedUpload::of(request);
        let came_before = keyed.came_before();
        if !came_before {
            self.service.admit(caller.0.user)?;
        }
        let demand = Demand {
            size: body.declared_size(),
            documents: 1,
            came_before,
        };
        let to = self.admit(caller.0, demand).await?;
        keyed.hold().await?;
        let received = body.receive(Purpose::Document(fields), &to).await?;
        drop(to);
        let document = received.fields.into_new_document()?;
        let mut arrival = Arrival {
            declared_type: received.declared_type,
            traceparent: traceparent(request),
            ..arrival(
                caller.0,
                document,
                &received.bytes,
                self.service.clock.now(),
            )
        };
        let idempotent = match keyed.begin(|| identity_of_document(&arrival)).await? {
            Begun::First(idempotent) => {
                idempotent.open_until(settled_by(&self.service, prefer.wait))
            }
            Begun::Replay(replay) => return Ok(Replayable::Replayed(replay)),
        };
        let location = document_location(arrival.document);
        let accepted = || pending(arrival.document(), location.clone(), prefer.wait);
        arrival.receipt = idempotent.receipt(accepted).await;
        let document = self.intake.take_in(arrival, received.bytes).await?;
        let (db, waiters) = (&self.service.db, &self.waiters);
        let uploaded = answer(db, waiters, (document, location), prefer).await?;
        Ok(Replayable::New(uploaded))
    }

    /// Upload a new version
    ///
    /// The old one stays current until the new one is processed, and for good if that fails.
    #[oai(
        path = "/documents/:id/content",
        method = "put",
        operation_id = "upload_version"
    )]
    async fn upload_version(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<DocumentId>>,
        /// Revisions to apply the change to, as in the document's `ETag`; any other is refused.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        /// `wait=<seconds up to 60>`: answer when the version is processed.
        #[oai(name = "Prefer")]
        prefer: Prefer,
        body: VersionUpload,
    ) -> Result<Replayable<Uploaded>, Documented<UploadVersionProblems>> {
        let VersionUpload(body) = body;
        check_complete(request.headers(), announced(request.headers()))?;
        let keyed = KeyedUpload::of(request);
        let came_before = keyed.came_before();
        let mut demand = Demand {
            size: body.declared_size(),
            documents: 0,
            came_before,
        };
        if !came_before {
            self.service.admit(caller.0.user)?;
            demand.documents = self.check_target(caller.0, id.0.0, &if_match).await?;
        }
        let to = self.admit(caller.0, demand).await?;
        keyed.hold().await?;
        let received = body.receive(Purpose::Version, &to).await?;
        drop(to);
        let content = NewContent {
            traceparent: traceparent(request),
            ..content(&received, self.service.clock.now())
        };
        let idempotent = match keyed.begin(|| identity_of_version(&content)).await? {
            Begun::First(idempotent) => {
                idempotent.open_until(settled_by(&self.service, prefer.wait))
            }
            Begun::Replay(replay) => return Ok(Replayable::Replayed(replay)),
        };
        let accepted = move |document: Document| {
            let location = version_location(document.id, document.latest_version);
            pending(document, location, prefer.wait)
        };
        let on = idempotent.on(&self.service.db, accepted);
        let target = if_match.target(caller.0, id.0.0);
        let taken = self
            .intake
            .take_in_version(on, target, content, received.bytes);
        let document = taken.await?;
        let location = version_location(document.id, document.latest_version);
        let (db, waiters) = (&self.service.db, &self.waiters);
        let uploaded = answer(db, waiters, (document, location), prefer).await?;
        Ok(Replayable::New(uploaded))
    }
}

impl UploadRoutes {
    /// Refuses uploads that clearly don't fit before reading them; the intake checks again. Returns
    /// the destination with its limits.
    async fn admit(&self, caller: Caller, demand: Demand) -> Result<Destination, Problem> {
        self.service.places.check_room()?;
        let room = self.intake.in_flight().room_for(caller.user, demand.size);
        let room = room.await?;
        let mut quota = u64::MAX;
        if !demand.came_before {
            quota = room.bytes;
            if demand.size.bytes() > quota || demand.documents > room.documents {
                return Err(quota_exceeded(&room, demand));
            }
            if !room.may_fail {
                return Err(Problem::from(Code::QuotaExceeded).with_detail(TOO_MANY_FAILED));
            }
        }
        let bounds = Bounds {
            quota,
            quota_limit: room.byte_limit,
            staging: room.staging,
        };
        let in_flight = self.intake.in_flight();
        let held = in_flight.begin(caller.user, demand.size, bounds).await?;
        Ok(Destination {
            places: self.service.places.clone(),
            writer: Writer::User(caller.user),
            now: self.service.clock.now(),
            patience: self.service.server.upload,
            held,
            inline: self.intake.inline().take(demand.size).map(Arc::new),
        })
    }

    /// Refuses a version that the document can't accept before reading it; the intake checks again.
    /// Returns how many documents it adds to the quota.
    async fn check_target(
        &self,
        caller: Caller,
        id: DocumentId,
        if_match: &IfMatch,
    ) -> Result<u64, Problem> {
        let document = readable(&self.service.db, caller, id, None).await?;
        if_match.check(&document)?;
        match document.lifecycle.status() {
            Status::Active => Ok(0),
            Status::Error => Ok(1),
            status @ (Status::Pending | Status::Archived) => Err(Problem::not_active(status)),
        }
    }
}

/// Names the limit that an upload does not fit into.
fn quota_exceeded(room: &UploadRoom, demand: Demand) -> Problem {
    let detail = if demand.size.bytes() > room.bytes {
        format!(
            "{} of {} bytes of the quota are used or reserved; this upload needs {} more.",
            room.byte_limit.saturating_sub(room.bytes),
            room.byte_limit,
            demand.size,
        )
    } else {
        format!(
            "{} of {} documents of the quota are used.",
            room.document_limit.saturating_sub(room.documents),
            room.document_limit,
        )
    };
    Problem::from(Code::QuotaExceeded).with_detail(detail)
}

/// Returns the path of a document.
pub(super) fn document_location(document: DocumentId) -> String {
    format!("/v1/documents/{document}")
}

/// Returns the identity of an upload, independent of its form's encoding.
fn identity_of_document(arrival: &Arrival) -> String {
    json!({
        "name": arrival.name,
        "unique_name": arrival.visibility.unique_name(),
        "is_public": arrival.visibility.is_public(),
        "metadata": arrival.metadata,
        "declared_type": arrival.declared_type.as_ref().map(MediaType::as_str),
        "sha256": arrival.sha256,
        "size": arrival.size,
    })
    .to_string()
}

fn identity_of_version(content: &NewContent) -> String {
    json!({
        "declared_type": content.declared_type.as_ref().map(MediaType::as_str),
        "sha256": content.sha256,
        "size": content.size,
    })
    .to_string()
}

fn content(received: &Received, now: Timestamp) -> NewContent {
    let staged = received.bytes.staged();
    NewContent {
        version: VersionId::new(now),
        job: JobId::new(now),
        declared_type: received.declared_type.clone(),
        staged: staged.url.clone(),
        body: staged.body.clone(),
        size: staged.size,
        sha256: staged.sha256,
        traceparent: None,
        at: now,
    }
}

fn arrival(who: Caller, document: NewDocument, bytes: &StagedBytes, now: Timestamp) -> Arrival {
    let staged = bytes.staged();
    Arrival {
        document: DocumentId::new(now),
        version: VersionId::new(now),
        job: JobId::new(now),
        owner: who.user,
        name: document.name,
        visibility: document.visibility,
        metadata: document.metadata,
        declared_type: None,
        staged: staged.url.clone(),
        body: staged.body.clone(),
        size: staged.size,
        sha256: staged.sha256,
        traceparent: None,
        at: now,
        receipt: None,
    }
}
