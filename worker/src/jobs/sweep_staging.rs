//! Discards what uploads left behind that never became documents.
//!
//! - *does*: removes drafts and aborts multipart uploads that are too old to be under way; where
//!   staging is a place of its own, goes through it and writes down as discarded what is too old
//!   and has no row. Where it is the store as well, `sweep_store` does. In a place that isn't this
//!   installation's, or where too large a share has no row, it does nothing but tell operators.
//! - *safe to repeat because* what is gone is not found again.
//! - *if it dies here*, the rest goes next time, and what was discarded is removed by its job.
//! - *on failure* of storage or database it is tried again.
//!
//! An upload under way is never touched: it may take half of the time after which bytes are too
//! old, counted from the moment its key was made, and is refused if it takes longer. Should
//! clocks differ by more than the other half, the intake still finds that its bytes are discarded,
//! and refuses it.

use queue::JobKind;
use tracing::info;

use super::chunk::CHUNK;
use crate::clearance::{FEW_STAGED, Taking};
use crate::fault::Fault;
use crate::stray::{Survey, survey};
use crate::tools::Tools;

const KIND: JobKind = JobKind::SweepStaging;

/// Runs the job.
pub async fn sweep_staging(tools: &Tools) -> Result<(), Fault> {
    if !tools.clearance.is_given(KIND).await? {
        return Ok(());
    }
    let before = tools.clock.now().minus(tools.retention.stray);
    let unfinished = tools.places.sweep(before).await?;
    let mut strays = 0;
    if !tools.places.are_one() {
        strays = discard_strays(tools).await?;
    }
    if unfinished + strays > 0 {
        info!(
            unfinished,
            strays, "left-behind bytes of uploads were discarded"
        );
    }
    Ok(())
}

/// Says how many there were.
async fn discard_strays(tools: &Tools) -> Result<u64, Fault> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.stray);
    let staging = tools.places.staging();
    let mut strays = 0;
    loop {
        let survey: Survey = survey::<Fault>(&tools.db, &tools.places, staging, before).await?;
        let taking = Taking {
            place: staging.place(),
            listed: survey.listed,
            strays: survey.strays,
            few: FEW_STAGED,
        };
        let share = tools.retention.swept;
        if !tools.clearance.is_given_for(KIND, &taking, share) {
            return Ok(strays);
        }
        for chunk in survey.held.chunks(CHUNK as usize) {
            strays += ledger::discard_strays(&tools.db, chunk, now).await?;
        }
        if !survey.is_cut_off() {
            return Ok(strays);
        }
    }
}
