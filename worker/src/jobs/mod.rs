//! The one list of jobs: which kind is done by which handler.

mod remove_discarded;

use std::sync::Arc;

use shared::queue::JobKind;

use crate::fault::Fault;
use crate::pipeline;
use crate::tools::Tools;
use crate::work::Work;

/// Does a job. `Ok` means that it is settled.
pub async fn run(work: Arc<Work>, tools: Arc<Tools>) -> Result<(), Fault> {
    match work.claimed.kind {
        JobKind::ProcessVersion => pipeline::process(&work, &tools).await,
        JobKind::RemoveDiscarded => remove_discarded::remove_discarded(&work, &tools).await,
    }
}
