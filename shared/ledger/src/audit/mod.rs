//! The queries of the audit, page by page, and its repairs. Each query is one statement with one
//! snapshot, so concurrent changes are no findings. Each repair locks its rows and checks again.

mod counters;
mod documents;
mod jobs;
mod known;
mod needed_discards;
mod page;

pub use counters::{
    BlobDrift, QuotaDrift, blob_drift, quota_drift, repair_blob_drift, repair_quota_drift,
};
pub use documents::{
    Inconsistency, InconsistentDocument, inconsistent_documents, repair_document,
    unreadable_documents,
};
pub use jobs::{
    end_jobs_without_subject, enqueue_lost_jobs, jobs_without_subject, pending_without_job,
};
pub use known::{KnownObject, forget_staged, known_objects, still_known};
pub use needed_discards::{needed_discards, unmark_needed};
pub use page::AuditPage;
