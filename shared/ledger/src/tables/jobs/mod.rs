//! The table `jobs`: what is to be done, by whom it is being done, and what has ended. A worker owns
//! a running job as long as the fence is that of its claim.
//!
//! | index | serves |
//! | --- | --- |
//! | primary key | settling claims; an operator's list, newest first |
//! | `dedupe_key`, unique | jobs that must not be enqueued twice |
//! | `jobs_due` | claims: the owners of a queue in rounds, each one's oldest due jobs |
//! | `jobs_waiting` | the oldest waiting job of a queue; which queues have due jobs |
//! | `jobs_leased` | which queues have jobs whose lease is over |
//! | `jobs_finished` | jobs that ended: the cleanup, who was served last |
//! | `jobs_dead` | an operator's list of dead jobs, newest first |

mod claim;
mod delete;
mod entity;
mod insert;
mod release;
mod settle;
mod view;

#[cfg(feature = "test-support")]
pub use claim::explain_claim;
pub use claim::{ClaimRequest, ClaimedJob, JobRef, claim, is_of_kind};
pub use delete::{delete_dead, delete_done, delete_job, delete_jobs, delete_ready};
pub use entity::{Column, Entity, Model};
pub use insert::{NewJob, insert_jobs};
pub use release::{end_leases, extend_leases, hand_back, hand_back_others, lost_claims};
pub use settle::{
    CANCELLED, EndedJob, cancel_waiting, end_without_subject, retry_dead, settle_jobs,
};
pub use view::JobView;
