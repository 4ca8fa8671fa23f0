//! The step that judges by the operator's limits.
//!
//! - *does*: holds size, detected type and quota against the limits. This is the answer that
//!   counts; what was said at the door was a guess.
//! - *safe to repeat because* it only judges.
//! - *if it dies here*, nothing has happened.
//! - *on failure* the version is rejected with the code of the limit.

use domain::{ErrorCode, Limits};

use super::identify::Identified;
use crate::attempt_error::AttemptError;

/// A version that may be kept.
#[derive(Debug)]
pub struct Permitted<'a>(pub Identified<'a>);

/// Judges `identified`.
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
    if pending.over_quota {
        return Err(AttemptError::Reject(ErrorCode::QuotaExceeded));
    }
    Ok(Permitted(identified))
}
