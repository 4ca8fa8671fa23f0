//! The answer to the last bytes of an upload by the IETF's draft: that of any upload, with the fields of the
//! draft.

use domain::DocumentId;
use ledger::{Became, find_document};

use super::resumable_answer::Appended;
use super::upload_answer::awaited;
use super::uploads::document_location;
use super::versions::version_location;
use crate::http::Prefer;
use crate::problem::{Code, Problem};
use crate::resumable::UploadSessions;

/// Answers an upload of so many bytes with what it became, once that is processed if the client waits.
pub(super) async fn answer(
    sessions: &UploadSessions,
    (upload, became, offset): (DocumentId, Became, u64),
    prefer: Prefer,
) -> Result<Appended, Problem> {
    let location = if became.document == upload {
        document_location(became.document)
    } else {
        version_location(became.document, became.version)
    };
    let db = &sessions.service.db;
    if let Some(wait) = prefer.wait {
        let version = ((became.document, became.version), location.as_str());
        let active = awaited(db, &sessions.waiters, version, wait).await;
        if let Some(document) = active.map_err(Problem::of_complete_upload)? {
            return Ok(Appended::active(document, location, offset, wait));
        }
    }
    let found = find_document(db, became.document).await?;
    let document = found.ok_or(Code::NotFound)?;
    Ok(Appended::document(document, location, offset, prefer.wait))
}
