//! The step that applies the operator's limits.
//!
//! - *does*: checks size, detected type and quota against the limits, and the type against those of a ticket. This check is authoritative;
//!   the one before the upload was an estimate.
//! - *safe to repeat because* it has no effect.
//! - *if it dies here*, nothing has changed.
//! - *on failure* the version is rejected with the error code of the limit.

use domain::{ErrorCode, Limits};

use super::identify::Identified;
use crate::attempt_error::AttemptError;

/// A version within all limits.
#[derive(Debug)]
pub struct Permitted<'a>(pub Identified<'a>);

/// Checks `identified`.
pub fn check<'a>(
    identified: Identified<'a>,
    limits: &Limits,
) -> Result<Permitted<'a>, AttemptError> {
    let pending = identified.present.pending;
    limits.judge(
        pending.size,
        &identified.media_type,
        identified.type_mismatch,
    )?;
    let types = &pending.allowed_types;
    if !types.is_empty()
        && !types
            .iter()
            .any(|pattern| pattern.matches(&identified.media_type))
    {
        return Err(AttemptError::Reject(ErrorCode::TypeNotAllowed));
    }
    if pending.over_quota {
        return Err(AttemptError::Reject(ErrorCode::QuotaExceeded));
    }
    Ok(Permitted(identified))
}
