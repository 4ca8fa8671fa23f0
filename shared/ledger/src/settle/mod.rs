//! Commits the outcomes of jobs, in one transaction for all that ended meanwhile.

mod blobs;
mod outcome;
mod rows;
mod staged;
mod statements;
mod transaction;

pub(super) use statements::finish_jobs;

pub use outcome::{Activation, BlobOrigin, Outcome, Settled, Settlement, StepDone};
pub use transaction::settle;
