//! Usage of a user, and the timeline of a document.

use domain::Status;
use ledger::{Event, TypeUsage, Usage};
use poem_openapi::Object;

use super::Moment;

/// What a user keeps and may keep.
#[derive(Debug, Object)]
#[oai(rename = "Usage")]
pub struct UsageBody {
    /// Documents by status.
    pub documents: DocumentCounts,
    /// Bytes.
    pub bytes: ByteCounts,
    /// The most documents in every status but `error`.
    pub document_limit: u32,
    /// Current versions by type.
    pub by_type: Vec<TypeUsageBody>,
}

/// Documents by status.
#[derive(Debug, Object)]
pub struct DocumentCounts {
    /// All of them.
    pub total: u64,
    /// In the pipeline for the first time.
    pub pending: u64,
    /// Readable.
    pub active: u64,
    /// Archived.
    pub archived: u64,
    /// Failed.
    pub error: u64,
}

/// Bytes against their limit.
#[derive(Debug, Object)]
pub struct ByteCounts {
    /// Of active versions, content that is shared counted for each.
    pub used: u64,
    /// Of pending versions.
    pub reserved: u64,
    /// The most of both together.
    pub limit: u64,
}

/// Current versions of one type.
#[derive(Debug, Object)]
#[oai(rename = "TypeUsage")]
pub struct TypeUsageBody {
    /// The type.
    pub mime_type: String,
    /// How many.
    pub documents: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Something that happened to a document.
#[derive(Debug, Object)]
#[oai(rename = "TimelineEntry")]
pub struct TimelineEntryBody {
    /// When.
    pub at: Moment,
    /// What: `accepted`, `activated`, `attempt_failed`, `archived`, …
    pub kind: String,
    /// The version it happened to.
    #[oai(nullable)]
    pub version: Option<u32>,
    /// The attempt it ended.
    #[oai(nullable)]
    pub attempt: Option<u32>,
    /// How long that took, in milliseconds.
    #[oai(nullable)]
    pub duration_ms: Option<u64>,
    /// Who did it.
    #[oai(nullable)]
    pub worker: Option<String>,
    /// The code of a failure.
    #[oai(nullable)]
    pub code: Option<String>,
}

/// A page of a timeline.
#[derive(Debug, Object)]
#[oai(rename = "TimelinePage")]
pub struct TimelinePageBody {
    /// What happened, oldest first.
    pub items: Vec<TimelineEntryBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        let count = |status: Status| {
            let counts = Status::ALL.into_iter().zip(usage.documents);
            counts
                .filter(|(known, _)| *known == status)
                .map(|(_, count)| count)
                .sum()
        };
        Self {
            documents: DocumentCounts {
                total: usage.documents.iter().sum(),
                pending: count(Status::Pending),
                active: count(Status::Active),
                archived: count(Status::Archived),
                error: count(Status::Error),
            },
            bytes: ByteCounts {
                used: usage.used.bytes(),
                reserved: usage.reserved.bytes(),
                limit: usage.byte_limit.bytes(),
            },
            document_limit: usage.document_limit,
            by_type: usage.by_type.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TypeUsage> for TypeUsageBody {
    fn from(usage: TypeUsage) -> Self {
        Self {
            mime_type: usage.media_type.to_string(),
            documents: usage.documents,
            bytes: usage.size.bytes(),
        }
    }
}

impl From<Event> for TimelineEntryBody {
    fn from(event: Event) -> Self {
        Self {
            at: Moment(event.at),
            kind: event.kind,
            version: event.version,
            attempt: event.attempt,
            duration_ms: event.duration_ms,
            worker: event.worker,
            code: event.code,
        }
    }
}
