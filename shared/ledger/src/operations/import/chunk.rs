//! A chunk of an import: what the worker has staged, and what came of it.

use url::Url;

use crate::Settlement;
use domain::{
    ByteSize, DocumentName, ItemCode, JobId, Limits, MediaType, Metadata, OperationId, Sha256,
    Timestamp,
};

/// The staged bytes of an entry.
#[derive(Clone, Debug)]
pub struct StagedContent {
    /// Where they are.
    pub staged: Url,
    /// How many there are.
    pub size: ByteSize,
    /// Their digest.
    pub sha256: Sha256,
    /// The declared media type.
    pub declared_type: Option<MediaType>,
}

/// An item whose entries were read and staged.
#[derive(Clone, Debug)]
pub struct StagedItem {
    /// Its position in the operation.
    pub position: i64,
    /// The name of the document.
    pub name: DocumentName,
    /// Whether the manifest describes it.
    pub is_described: bool,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its versions, the oldest first and at least one, or why it has failed.
    pub contents: Result<Vec<StagedContent>, ItemCode>,
}

/// A chunk to commit.
#[derive(Clone, Copy, Debug)]
pub struct ImportChunk<'a> {
    /// The operation.
    pub operation: OperationId,
    /// How the job ends.
    pub settlement: &'a Settlement,
    /// The operator's limits.
    pub limits: &'a Limits,
    /// In the order of the archive; none at its end.
    pub items: &'a [StagedItem],
    /// The current time.
    pub now: Timestamp,
}

/// A committed chunk.
#[derive(Clone, Debug, Default)]
pub struct CommittedImport {
    /// The job that continues the import.
    pub next: Option<JobId>,
    /// The jobs that process versions.
    pub processing: Vec<JobId>,
    /// Staged bytes that were not accepted, and are discarded.
    pub unused: Vec<Url>,
}

impl StagedItem {
    /// The URLs of its staged bytes.
    pub(super) fn staged(&self) -> impl Iterator<Item = Url> {
        let contents = self.contents.iter().flatten();
        contents.map(|content| content.staged.clone())
    }
}
