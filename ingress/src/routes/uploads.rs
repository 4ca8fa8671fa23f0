//! Uploads: checked at the door, streamed into staging, taken in, answered.

use poem::Request;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use shared::db::{Arrival, quota_is_spent};
use shared::domain::{Caller, DocumentId, JobId, Timestamp, VersionId};

use super::tags::Group;
use crate::auth::Who;
use crate::intake::Intake;
use crate::problem::{Code, Documented, Problem, problem_sets};
use crate::service::Service;
use crate::shapes::DocumentBody;
use crate::upload::{Destination, NewDocument, QueryFields, StagedBytes, Upload};

problem_sets! {
    /// What can come of an upload besides a document.
    UploadProblems {
        BadMultipart, BadDigest, UploadIncomplete, Unauthorized, QuotaExceeded, RequestTimeout,
        UniqueNameTaken, TooLarge, UnsupportedMediaType, Invalid, DigestMismatch,
    }
}

#[derive(ApiResponse)]
enum Accepted {
    /// The document is accepted: its bytes are durable, and it becomes `active` in a moment.
    #[oai(status = 202)]
    Pending(
        Json<DocumentBody>,
        /// Where the document is.
        #[oai(header = "Location")]
        String,
        /// Seconds after which a look makes sense.
        #[oai(header = "Retry-After")]
        u32,
    ),
}

/// The upload routes.
#[derive(Clone, Debug)]
pub struct UploadRoutes {
    /// What the API works with.
    pub service: Service,
    /// Where accepted documents go.
    pub intake: Intake,
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
        who: Who,
        request: &Request,
        /// The document's name; required with a raw body.
        name: Query<Option<String>>,
        /// A name that is unique over the whole service.
        unique_name: Query<Option<String>>,
        /// Whether everybody may read it by its unique name.
        is_public: Query<Option<bool>>,
        /// A JSON object.
        metadata: Query<Option<String>>,
        body: Upload,
    ) -> Result<Accepted, Documented<UploadProblems>> {
        let fields = QueryFields {
            name: name.0,
            unique_name: unique_name.0,
            is_public: is_public.0,
            metadata: metadata.0,
        };
        let Service {
            db,
            places,
            limits,
            clock,
            ..
        } = &self.service;
        let spent = quota_is_spent(db, who.0.user, body.declared_size(), limits);
        if spent.await.map_err(Problem::from)? {
            return Err(Code::QuotaExceeded.into());
        }
        let to = Destination {
            places: places.clone(),
            now: clock.now(),
        };
        let received = body.receive(fields, &to).await?;
        let document = received.fields.into_new_document()?;
        let arrival = Arrival {
            declared_type: received.declared_type,
            traceparent: traceparent(request),
            ..arrival(who.0, document, &received.bytes, clock.now())
        };
        let document = self.intake.take_in(arrival, received.bytes).await?;
        let location = format!("/v1/documents/{}", document.id);
        Ok(Accepted::Pending(Json(document.into()), location, 1))
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
        size: staged.size,
        sha256: staged.sha256,
        traceparent: None,
        at: now,
    }
}

/// The W3C trace context, if it has the form of one: 55 characters in its only version so far.
fn traceparent(request: &Request) -> Option<String> {
    let value = request.header("traceparent")?;
    let fits = value.len() == 55
        && value
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    fits.then(|| value.to_owned())
}
