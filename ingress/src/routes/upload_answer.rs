//! The answer to an upload: accepted, or, with `Prefer: wait`, its outcome.

use std::time::Duration;

use domain::{Document, DocumentId, Timestamp, VersionState};
use ledger::{Database, find_document};
use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;

use super::if_match::revision_tag;
use crate::dto::DocumentBody;
use crate::http::{Prefer, Wait};
use crate::problem::Problem;
use crate::service::Service;
use crate::waiting::{Waiters, settled_version};

/// How long writing an answer may take after a wait.
const ANSWERING: Duration = Duration::from_secs(10);

#[derive(ApiResponse)]
pub(super) enum Uploaded {
    /// `Prefer: wait` was honored: the document is active with these bytes.
    #[oai(status = 201)]
    Active(
        Json<Box<DocumentBody>>,
        /// Where the document is; of a new version, where that is.
        #[oai(header = "Location")]
        String,
        /// The document's revision, as `"r<revision>"`.
        #[oai(header = "ETag")]
        String,
        /// `wait=<seconds>`
        #[oai(header = "Preference-Applied")]
        String,
    ),
    /// The bytes are accepted and durable; they can be read once they are processed.
    #[oai(status = 202)]
    Pending(
        Json<Box<DocumentBody>>,
        /// Where the document is; of a new version, where that is.
        #[oai(header = "Location")]
        String,
        /// The document's revision, as `"r<revision>"`.
        #[oai(header = "ETag")]
        String,
        /// Seconds to wait before polling again.
        #[oai(header = "Retry-After")]
        u32,
        /// `wait=<seconds>`, if the client asked to wait.
        #[oai(header = "Preference-Applied")]
        Option<String>,
    ),
}

/// Returns when a waiting client is answered at the latest; until then a final answer may replace the
/// provisional one.
pub(super) fn settled_by(service: &Service, wait: Option<Wait>) -> Option<Timestamp> {
    Some(service.clock.now().plus(wait?.duration() + ANSWERING))
}

/// Answers an upload accepted as the latest version of `document`.
pub(super) async fn answer(
    db: &Database,
    waiters: &Waiters,
    (document, location): (Document, String),
    prefer: Prefer,
) -> Result<Uploaded, Problem> {
    let Some(wait) = prefer.wait else {
        return Ok(pending(document, location, None));
    };
    let version = (document.id, document.latest_version);
    match awaited(db, waiters, (version, location.as_str()), wait).await? {
        Some(document) => Ok(active(document, location, wait)),
        None => Ok(pending(document, location, Some(wait))),
    }
}

/// Waits for an accepted version, which the client finds at `location`. Returns its document once it is
/// active, a problem if it failed, and `None` if it isn't settled in time, or was deleted meanwhile.
pub(super) async fn awaited(
    db: &Database,
    waiters: &Waiters,
    (version, location): ((DocumentId, u32), &str),
    wait: Wait,
) -> Result<Option<Document>, Problem> {
    let settled = settled_version(db, waiters, version, wait.duration()).await?;
    match settled.map(|(version, _)| version.state) {
        Some(VersionState::Error { failure, .. }) => {
            Err(Problem::failed(version.0, &failure, location, wait))
        }
        Some(VersionState::Active { .. }) => Ok(find_document(db, version.0).await?),
        Some(VersionState::Pending { .. }) | None => Ok(None),
    }
}

/// The bytes are accepted.
pub(super) fn pending(document: Document, location: String, wait: Option<Wait>) -> Uploaded {
    let tag = revision_tag(&document);
    let applied = wait.map(|wait| wait.to_string());
    Uploaded::Pending(Json(Box::new(document.into())), location, tag, 1, applied)
}

fn active(document: Document, location: String, wait: Wait) -> Uploaded {
    let tag = revision_tag(&document);
    Uploaded::Active(
        Json(Box::new(document.into())),
        location,
        tag,
        wait.to_string(),
    )
}
