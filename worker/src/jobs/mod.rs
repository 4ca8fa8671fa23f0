//! Jobs: one file for each kind, and the list of them.

mod batch_size;
mod check_ledger;
mod dispatch;
mod expire_archives;
mod expire_failed;
mod expire_uploads;
mod export;
mod finish_job;
mod finish_uploads;
mod forget_audit_log;
mod forget_failures;
mod forget_jobs;
mod forget_operations;
mod forget_requests;
mod import;
mod move_objects;
mod prune_versions;
mod purge_archived;
mod remove_discarded;
mod remove_user;
mod run_operation;
mod sweep_staging;
mod sweep_store;
mod trim_events;

pub use dispatch::run;
