//! Checks whose mark the places carry, and which of them answer. Called before their objects are
//! compared with the ledger.

use std::sync::Arc;

use ledger::ownership::OwnershipError;
use storage::{Storage, StorageError};
use url::Url;

use super::finding::{FindingKind, Remedy};
use super::request::{Audit, AuditError, AuditRequest};

/// What the marks say.
pub struct Marks {
    /// Whether each place that answers belongs to this installation, and the main ones do answer.
    pub are_ours: bool,
    /// The places that don't answer.
    pub unanswered: Vec<Url>,
}

/// Returns whether a place doesn't answer, or refuses.
pub const fn is_unavailable(error: &StorageError) -> bool {
    matches!(error, StorageError::Unavailable { .. })
}

/// Reports a place that doesn't answer, or refuses.
pub fn tell_unanswered(audit: &mut Audit<'_>, place: &Arc<dyn Storage>, error: &StorageError) {
    let cause = std::error::Error::source(error);
    let detail = cause.map_or_else(
        || error.to_string(),
        |cause| format!("{error}: {cause}; its objects were not checked"),
    );
    let remedy = audit.remedy(Remedy::Left);
    let place = place.place().to_string();
    audit.tell(FindingKind::UnansweredPlace, place, detail, remedy);
}

/// Checks that each place carries the mark of this installation, or may get it.
pub async fn check_marks(audit: &mut Audit<'_>) -> Result<Marks, AuditError> {
    let AuditRequest {
        ownership, places, ..
    } = audit.request;
    let ours = ownership.installation().await?;
    let mut are_ours = true;
    let mut unanswered = Vec::new();
    for storage in places.distinct() {
        let state = match ownership.state_of(storage).await {
            Err(OwnershipError::Storage(error)) if is_unavailable(&error) => {
                are_ours &= !places.main().any(|main| main.place() == storage.place());
                unanswered.push(storage.place().clone());
                tell_unanswered(audit, storage, &error);
                continue;
            }
            state => state?,
        };
        let Err(refusal) = state.permit(storage.place(), ours) else {
            continue;
        };
        are_ours = false;
        let remedy = audit.remedy(Remedy::Left);
        let place = storage.place().to_string();
        audit.tell(
            FindingKind::ForeignPlace,
            place,
            refusal.to_string(),
            remedy,
        );
    }
    if are_ours && audit.repairs() {
        ownership.verify().await?;
    }
    Ok(Marks {
        are_ours,
        unanswered,
    })
}
