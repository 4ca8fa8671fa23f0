//! The worker role: claims jobs from the ledger and runs them, above all the pipeline that makes an
//! upload active.
//!
//! The binary calls [`run`] with a [`WorkerRole`], and [`audit`]. A worker never ends because the
//! feed, the database or the storage fails: it waits and continues.

mod acknowledge;
mod archives;
mod attempt;
mod attempt_error;
mod audit;
mod backend;
mod background;
mod circuits;
mod claims;
mod due_jobs;
mod heartbeat;
mod jobs;
mod lease;
mod name;
mod notifier;
mod orphans;
mod outcome_committer;
mod pace;
mod pipeline;
mod queue_worker;
mod removal_guard;
mod remover;
mod retry_policy;
mod role;
mod run;
mod schedule;
mod shares;
mod tools;
mod webhooks;
mod work;

pub use audit::{
    AuditError, AuditRequest, Deep, Finding, FindingKind, Mode as AuditMode, Remedy, Summary, audit,
};
pub use role::{WorkerError, WorkerRole};
pub use run::run;
