//! What travels to and from the transaction that takes in a chunk of an import.

use url::Url;

use crate::Settlement;
use domain::{
    ByteSize, DocumentName, ItemCode, JobId, Limits, MediaType, Metadata, OperationId, Sha256,
    Timestamp,
};

/// Bytes of an entry, staged.
#[derive(Clone, Debug)]
pub struct StagedContent {
    /// Where they are.
    pub staged: Url,
    /// How many there are.
    pub size: ByteSize,
    /// Their digest.
    pub sha256: Sha256,
    /// What they are said to be.
    pub declared_type: Option<MediaType>,
}

/// An item whose entries were read.
#[derive(Clone, Debug)]
pub struct ImportArrival {
    /// Its place in the operation.
    pub position: i64,
    /// The name it is to have.
    pub name: DocumentName,
    /// Whether the manifest gives it that name.
    pub is_described: bool,
    /// What its owner says of it.
    pub metadata: Metadata,
    /// Its versions, the oldest first and at least one, or why it isn't taken.
    pub contents: Result<Vec<StagedContent>, ItemCode>,
}

/// A chunk that is to be taken in.
#[derive(Clone, Copy, Debug)]
pub struct HandIn<'a> {
    /// The operation.
    pub operation: OperationId,
    /// How the job ends.
    pub settlement: &'a Settlement,
    /// What the operator allows.
    pub limits: &'a Limits,
    /// In the order of the archive; none at its end.
    pub arrivals: &'a [ImportArrival],
    /// The present moment.
    pub now: Timestamp,
}

/// What came of a chunk.
#[derive(Clone, Debug, Default)]
pub struct HandedIn {
    /// The job that goes on.
    pub next: Option<JobId>,
    /// The jobs that process versions.
    pub processing: Vec<JobId>,
    /// Staged bytes that became nothing; written down as discarded.
    pub unused: Vec<Url>,
}

impl ImportArrival {
    /// Where its bytes are staged.
    pub(super) fn staged(&self) -> impl Iterator<Item = Url> {
        let contents = self.contents.iter().flatten();
        contents.map(|content| content.staged.clone())
    }
}
