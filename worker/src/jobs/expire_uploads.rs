//! Ends resumable uploads whose time is over.
//!
//! - *does*: takes uploads back that were changed while the clock was ahead; releases what expired
//!   tickets reserve, and forgets tickets that expired long ago; expires open uploads and unjoined parts
//!   that nobody writes to, whose bytes are discarded and whose reservations are released in the same
//!   transaction; forgets those that ended long ago.
//! - *safe to repeat because* an upload expires once. A request that is writing one notices when it
//!   records its progress.
//! - *if it dies here*, a batch is committed as a whole or not at all.
//! - *on failure* of the database it is retried.

use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn expire_uploads(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let forget_at = now.plus(tools.limits.uploads.expires);
    while ledger::take_back_uploads(&tools.db, now).await? > 0 {}
    while ledger::expire_uploads(&tools.db, now, forget_at).await? > 0 {}
    while ledger::expire_tickets(&tools.db, now).await? > 0 {}
    while ledger::forget_tickets(&tools.db, now.minus(tools.retention.operations)).await? > 0 {}
    while ledger::forget_uploads(&tools.db, now).await? > 0 {}
    Ok(())
}
