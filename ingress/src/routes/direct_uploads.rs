//! Uploads straight to the storage: their bytes don't pass through the service.

use std::time::Duration;

use domain::{Document, Sha256, Timestamp, UploadId, UploadProtocol, UploadStatus, UserId};
use ledger::{
    DirectEnd, NewUpload, Upload, UploadHeader, UploadPurpose, complete_direct_upload,
    create_upload, end_direct_upload, find_direct_upload,
};
use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use storage::{DirectUpload, Growing, Joined, Signed, StorageError};

use super::upload_answer::{Uploaded, pending};
use super::uploads::document_location;
use crate::auth::CurrentUser;
use crate::dto::{DirectUploadBody, Id, NewDirectUpload, WrittenParts};
use crate::http::{JsonBody, Optional, traceparent};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::resumable::UploadSessions;

/// The shortest lifetime of a signed request.
const SHORTEST: Duration = Duration::from_secs(1);

problem_sets! {
    /// Beginning an upload.
    BeginProblems {
        BadJson, UploadIncomplete, Unauthorized, QuotaExceeded, RequestTimeout, TooLarge,
        UnsupportedMediaType, Invalid, TooManyUploads, NotSupported, Overloaded,
    }
    /// Reading an upload.
    ReadProblems { Unauthorized, NotFound, Invalid, NotSupported }
    /// Ending an upload.
    EndProblems { Unauthorized, NotFound, Invalid }
    /// Completing an upload.
    CompleteProblems {
        BadJson, UploadIncomplete, Unauthorized, QuotaExceeded, NotFound, RequestTimeout, NotReady,
        UniqueNameTaken, Gone, TooLarge, UnsupportedMediaType, Invalid, NotSupported,
    }
}

#[derive(ApiResponse)]
enum Begun {
    /// The upload, and where to send its bytes.
    #[oai(status = 201)]
    Upload(
        Json<Box<DirectUploadBody>>,
        /// Where the upload is.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Ended {
    /// Its bytes are removed, and what it reserved is given back.
    #[oai(status = 204)]
    Done,
}

/// The routes of uploads straight to the storage.
#[derive(Clone, Debug)]
pub struct DirectUploadRoutes(pub UploadSessions);

#[OpenApi(prefix_path = "/v1", tag = "Group::Uploads")]
impl DirectUploadRoutes {
    /// Begin an upload straight to the storage
    ///
    /// Send the bytes to `url` with `headers`, or each part to its own, without a token; then complete
    /// the upload. These requests have to begin within an hour; reading the upload signs them anew. The
    /// declared size is reserved from the quota. Where the storage has no such URLs, as
    /// local files, the answer is 501.
    #[oai(
        path = "/direct-uploads",
        method = "post",
        operation_id = "begin_direct_upload"
    )]
    async fn begin(
        &self,
        caller: CurrentUser,
        request: &Request,
        idempotent: IdempotentRequest,
        body: JsonBody<NewDirectUpload>,
    ) -> Result<Begun, Documented<BeginProblems>> {
        let service = &self.0.service;
        let max = service.limits.max_document;
        if body.0.size > max {
            let detail =
                format!("The upload has more than {max} bytes, the most that is accepted.");
            return Err(Problem::from(Code::TooLarge).with_detail(detail).into());
        }
        let owner = caller.0.user;
        // Before the storage is asked: what is refused leaves no parts there.
        let purpose = purpose_of(&body.0);
        self.0.admit(owner, &purpose).await?;
        let now = service.clock.now();
        let begun = service.places.begin_direct(body.0.size, now).await;
        let begun = begun.map_err(not_begun)?;
        let new = new_upload((owner, now), purpose, (&body.0, &begun));
        let created = self.create(request, &idempotent, (&new, &begun)).await;
        // After another error it may have been created.
        let is_refused = |problem: &Problem| problem.code().status().is_client_error();
        if created.as_ref().is_err_and(is_refused) {
            self.remove(&begun).await;
        }
        Ok(created?)
    }

    /// Read an upload straight to the storage
    ///
    /// While it is open, its requests are signed anew.
    #[oai(
        path = "/direct-uploads/:id",
        method = "get",
        operation_id = "read_direct_upload"
    )]
    async fn read(
        &self,
        caller: CurrentUser,
        id: Path<Id<UploadId>>,
    ) -> Result<Json<Box<DirectUploadBody>>, Documented<ReadProblems>> {
        Ok(self.signed_anew((caller.0.user, id.0.0)).await?)
    }

    /// Sign the parts of an upload anew
    #[oai(
        path = "/direct-uploads/:id/parts",
        method = "post",
        operation_id = "sign_direct_upload"
    )]
    async fn sign(
        &self,
        caller: CurrentUser,
        id: Path<Id<UploadId>>,
    ) -> Result<Json<Box<DirectUploadBody>>, Documented<ReadProblems>> {
        Ok(self.signed_anew((caller.0.user, id.0.0)).await?)
    }

    /// End an upload straight to the storage
    ///
    /// A document that it has become stays. If its requests can still write, what they may have written
    /// counts as deleted bytes that wait for removal, for an hour at most.
    #[oai(
        path = "/direct-uploads/:id",
        method = "delete",
        operation_id = "end_direct_upload"
    )]
    async fn end(
        &self,
        caller: CurrentUser,
        id: Path<Id<UploadId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Ended, Documented<EndProblems>> {
        let service = &self.0.service;
        let whose = (caller.0.user, id.0.0);
        let direct = self.find(whose).await?.direct();
        let now = service.clock.now();
        let is_writable = |direct: &DirectUpload| service.places.outlives_removal(direct);
        let is_writable = direct.as_ref().is_some_and(is_writable);
        let writable_until = is_writable.then(|| now.plus(service.limits.uploads.signed()));
        let on = idempotent.on(&service.db, |()| Ended::Done);
        let ended = end_direct_upload(&on, whose, writable_until, now).await;
        let was_open = ended.map_err(Problem::from)?;
        if let Some(direct) = direct.filter(|_| was_open) {
            self.remove(&direct).await;
        }
        Ok(Ended::Done)
    }

    /// Complete an upload straight to the storage
    ///
    /// Once all bytes are sent. They are read and verified in the background: another size or digest
    /// than declared ends in `error` with `digest_mismatch`. Safe to repeat.
    #[oai(
        path = "/direct-uploads/:id/complete",
        method = "post",
        operation_id = "complete_direct_upload"
    )]
    async fn complete(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<UploadId>>,
        idempotent: IdempotentRequest,
        body: JsonBody<WrittenParts, Optional>,
    ) -> Result<Uploaded, Documented<CompleteProblems>> {
        let service = &self.0.service;
        let whose = (caller.0.user, id.0.0);
        let upload = self.find(whose).await?;
        if upload.status == UploadStatus::Open
            && let Err(problem) = self.join(&upload, &body.0).await
            // Another request may have completed it meanwhile, and a worker have taken the object.
            && self.find(whose).await?.status == UploadStatus::Open
        {
            return Err(problem.into());
        }
        let answer = |document: Document| {
            let location = document_location(document.id);
            pending(document, location, None)
        };
        let end = DirectEnd {
            upload,
            traceparent: traceparent(request),
            at: service.clock.now(),
        };
        let on = idempotent.on(&service.db, answer);
        let completed = complete_direct_upload(&on, &service.limits, &end).await;
        let (document, job) = completed.map_err(Problem::from)?;
        if let Some(job) = job {
            service.meters.took_in(document.size);
            self.0.announce(job);
        }
        Ok(answer(document))
    }
}

impl DirectUploadRoutes {
    async fn create(
        &self,
        request: &Request,
        idempotent: &IdempotentRequest,
        (new, begun): (&NewUpload, &DirectUpload),
    ) -> Result<Begun, Problem> {
        let service = &self.0.service;
        let lifetime = service.limits.uploads.signed().max(SHORTEST);
        let signed = service.places.sign_direct(begun, lifetime).await?;
        let answer = move |upload: Upload| Begun::of(&upload, signed.clone());
        let on = idempotent.clone().secret(request.headers());
        let on = on.on(&service.db, answer.clone());
        Ok(answer(create_upload(&on, new, &service.limits).await?))
    }

    /// Removes what may have been written of an upload that has no row, or none any more.
    async fn remove(&self, upload: &DirectUpload) {
        if let Err(error) = self.0.service.places.delete(&upload.url).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(
                error,
                "failed to remove an upload that has ended; a job will"
            );
        }
    }

    async fn find(&self, whose: (UserId, UploadId)) -> Result<Upload, Problem> {
        let found = find_direct_upload(&self.0.service.db, whose).await?;
        Ok(found.ok_or(Code::NotFound)?)
    }

    async fn signed_anew(
        &self,
        whose: (UserId, UploadId),
    ) -> Result<Json<Box<DirectUploadBody>>, Problem> {
        let upload = self.find(whose).await?;
        let service = &self.0.service;
        let left = upload.expires_at.since(service.clock.now());
        let direct = upload.direct().filter(|_| left >= SHORTEST);
        let signed: Option<Signed> = match direct {
            Some(direct) => {
                let lifetime = left.min(service.limits.uploads.signed());
                Some(service.places.sign_direct(&direct, lifetime).await?)
            }
            None => None,
        };
        Ok(Json(Box::new(DirectUploadBody::of(&upload, signed))))
    }

    /// Makes sure that there is an object.
    async fn join(&self, upload: &Upload, written: &WrittenParts) -> Result<(), Problem> {
        let places = &self.0.service.places;
        let direct = upload.direct().ok_or(Code::Gone)?;
        match places.join_direct(&direct, &written.0).await {
            Ok(Joined::Done) => {}
            Ok(Joined::OtherParts) => {
                let detail = "must be all parts that were written, with their tags";
                return Err(Problem::invalid_field("/parts", detail));
            }
            Err(error @ StorageError::NotFound { .. }) => {
                return Err(Problem::from(Code::Gone).because(error));
            }
            Err(error) => return Err(error.into()),
        }
        // Joined parts are an object. Without parts, nothing may have been sent.
        if written.0.is_empty() && places.stat(&direct.url).await?.is_none() {
            let detail = "Nothing has been sent to the upload's URL yet.";
            return Err(Problem::from(Code::NotReady).with_detail(detail));
        }
        Ok(())
    }
}

impl Begun {
    fn of(upload: &Upload, signed: Signed) -> Self {
        let location = format!("/v1/direct-uploads/{}", upload.id);
        Self::Upload(
            Json(Box::new(DirectUploadBody::of(upload, Some(signed)))),
            location,
        )
    }
}

/// Why the storage has nothing to sign. Local files never have.
fn not_begun(error: StorageError) -> Problem {
    let is_local =
        matches!(&error, StorageError::NotSupported { place } if place.scheme() == "file");
    let problem = Problem::from(error);
    if !is_local {
        return problem;
    }
    problem.with_detail(
        "The service keeps uploads in local files. Direct uploads need S3, Azure or Google Cloud \
         Storage; /v1/documents and /v1/uploads take the bytes.",
    )
}

fn purpose_of(wanted: &NewDirectUpload) -> UploadPurpose {
    UploadPurpose::Document {
        name: wanted.name.clone(),
        visibility: wanted.visibility.clone(),
        metadata: wanted.metadata.clone(),
        declared_type: wanted.declared_type.clone(),
    }
}

fn new_upload(
    (owner, at): (UserId, Timestamp),
    purpose: UploadPurpose,
    (wanted, begun): (&NewDirectUpload, &DirectUpload),
) -> NewUpload {
    NewUpload {
        id: UploadId::new(at),
        owner,
        protocol: UploadProtocol::Direct,
        purpose,
        said: UploadHeader::default(),
        length: Some(wanted.size.bytes()),
        expected: wanted.sha256.map(Sha256::declared),
        growing: Growing {
            url: begun.url.clone(),
            length: 0,
            tail: None,
            parts: begun.parts.clone(),
            skipped: 0,
        },
        joins: None,
        ticket: None,
        max_bytes: None,
        at,
    }
}
