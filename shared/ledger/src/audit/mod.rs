//! What an audit asks the ledger, page by page, and how it mends what can be mended. Each question
//! is one statement, so it sees one moment: what changes while the service runs is no finding.
//! Each repair locks what it mends and looks again.

mod counters;
mod documents;
mod doomed;
mod jobs;
mod known;
mod page;

pub use counters::{
    BlobDrift, QuotaDrift, blob_drift, mend_blob_drift, mend_quota_drift, quota_drift,
};
pub use documents::{
    Astray, AstrayDocument, astray_documents, mend_astray_document, unreadable_documents,
};
pub use doomed::{doomed_bytes, spare_doomed_bytes};
pub use jobs::{
    end_jobs_without_subject, enqueue_lost_jobs, jobs_without_subject, pending_without_job,
};
pub use known::{KnownObject, forget_staged, known_objects, still_known};
pub use page::AuditPage;
