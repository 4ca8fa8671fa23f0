//! A chunk whose turn it is: its items with their documents, and what every action does with them.

use super::former::Former;
use super::items::{Dealt, DueItem};
use super::room::FormerRoom;
use super::running::{Deed, Running};
use crate::change::{Held, Move, write_moves};
use crate::events::{self, NewEvent};
use crate::{DatabaseTransaction, DbError};
use domain::{Document, DocumentId, ItemCode, JobId, Limits, RunMode, Timestamp};

/// Values of metadata that one chunk writes at most, unless a single document has more: SQLite
/// keeps a word of each.
pub const EDITED_VALUES: usize = 5_000;

/// A chunk whose turn it is, with its documents, which are held.
pub struct Turn<'a> {
    /// The transaction of the chunk.
    pub transaction: &'a DatabaseTransaction,
    /// The operation.
    pub running: &'a Running,
    /// The items.
    pub items: &'a [DueItem],
    /// Those of their documents that are there and the owner's.
    pub held: &'a Held,
    /// Whether there is room for what documents were.
    pub room: FormerRoom,
    /// What the operator allows.
    pub limits: &'a Limits,
    /// The present moment.
    pub now: Timestamp,
}

/// What became of the first items of a chunk, or of all, and which jobs that made necessary.
#[derive(Debug, Default)]
pub struct Acted {
    /// What became of them.
    pub dealt: Vec<Dealt>,
    /// Jobs that process versions.
    pub processing: Vec<JobId>,
    /// The job that removes bytes.
    pub removing: Option<JobId>,
}

impl From<Vec<Dealt>> for Acted {
    fn from(dealt: Vec<Dealt>) -> Self {
        Self {
            dealt,
            ..Self::default()
        }
    }
}

impl<'a> Turn<'a> {
    /// Whether it is done, or only said what would be.
    pub fn is_real(&self) -> bool {
        self.running.operation.mode == RunMode::Real
    }

    /// Items with their documents, and those that have none.
    pub fn found(&self) -> impl Iterator<Item = Result<(&'a DueItem, &'a Document), &'a DueItem>> {
        let document = |item: &'a DueItem| self.held.documents.get(&item.document);
        self.items
            .iter()
            .map(move |item| document(item).map(|document| (item, document)).ok_or(item))
    }

    /// An item without a document: there is none, or it can't be read.
    pub fn missing(&self, item: &DueItem) -> Dealt {
        let code = if self.held.unreadable.contains(&item.document) {
            ItemCode::Internal
        } else {
            ItemCode::NotFound
        };
        Dealt::failed(item, code)
    }

    /// An item that is done; its document was `former`, which is kept but by what takes something
    /// back itself.
    pub fn done(&self, item: &DueItem, document: &Document, former: Former) -> Dealt {
        if self.is_real() && !matches!(self.running.deed, Deed::Undo) {
            Dealt::changed(item, former, document.revision + 1)
        } else {
            Dealt::succeeded(item)
        }
    }

    /// Writes moves and their events, unless this is a dry run.
    pub async fn write_moves(&self, moves: &[Move]) -> Result<(), DbError> {
        if moves.is_empty() || !self.is_real() {
            return Ok(());
        }
        write_moves(self.transaction, moves, self.now).await?;
        let events = moves.iter().map(|moved| (moved.document(), moved.event()));
        self.note(events).await
    }

    /// Writes events into timelines.
    pub async fn note(
        &self,
        events: impl Iterator<Item = (DocumentId, &'static str)>,
    ) -> Result<(), DbError> {
        let owner = self.running.operation.owner;
        let event = |(document, kind)| NewEvent {
            owner,
            document,
            kind,
            version: None,
        };
        let events: Vec<_> = events.map(event).collect();
        events::add(self.transaction, &events, self.now).await
    }
}
