//! The chunk that is being processed: its items, their locked documents, and what all actions share.

use super::item_outcome::{DueItem, ItemOutcome};
use super::limits::UndoSpace;
use super::previous_state::PreviousState;
use super::running_operation::{BulkAction, RunningOperation};
use crate::change::{LockedDocuments, Move, write_moves};
use crate::tables::events::NewEvent;
use crate::{DatabaseTransaction, DbError};
use domain::{
    Document, DocumentId, EventKind, ItemCode, JobId, Limits, Operation, RunMode, Timestamp,
};

/// The most metadata values that one chunk writes, unless a single document has more: SQLite
/// indexes each of them.
pub const EDITED_VALUES: usize = 5_000;

/// A chunk with its documents, which are locked.
pub struct ActiveChunk<'a> {
    /// The transaction of the chunk.
    pub transaction: &'a DatabaseTransaction,
    /// The operation.
    pub running: &'a RunningOperation,
    /// The items.
    pub items: &'a [DueItem],
    /// Those of their documents that exist and belong to the owner.
    pub held: &'a LockedDocuments,
    /// Whether previous states of documents can be kept.
    pub undo_space: UndoSpace,
    /// The operator's limits.
    pub limits: &'a Limits,
    /// The current time.
    pub now: Timestamp,
}

/// The outcomes of the first items of a chunk, or of all, and the jobs to notify workers of.
#[derive(Debug, Default)]
pub struct AppliedChunk {
    /// The outcomes, in the order of the items.
    pub outcomes: Vec<ItemOutcome>,
    /// Jobs that process versions.
    pub processing: Vec<JobId>,
    /// The job that removes bytes.
    pub removing: Option<JobId>,
    /// The events of changed documents, which the caller writes last: they hold the owner's row.
    pub events: Vec<NewEvent>,
}

impl From<Vec<ItemOutcome>> for AppliedChunk {
    fn from(outcomes: Vec<ItemOutcome>) -> Self {
        (outcomes, Vec::new()).into()
    }
}

impl From<(Vec<ItemOutcome>, Vec<NewEvent>)> for AppliedChunk {
    fn from((outcomes, events): (Vec<ItemOutcome>, Vec<NewEvent>)) -> Self {
        Self {
            outcomes,
            events,
            ..Self::default()
        }
    }
}

impl<'a> ActiveChunk<'a> {
    /// Whether documents are changed; otherwise this is a dry run.
    pub fn is_real(&self) -> bool {
        self.running.operation.mode == RunMode::Real
    }

    /// The items, each with its document or alone if that is missing.
    pub fn found(&self) -> impl Iterator<Item = Result<(&'a DueItem, &'a Document), &'a DueItem>> {
        let document = |item: &'a DueItem| self.held.documents.get(&item.document);
        self.items
            .iter()
            .map(move |item| document(item).map(|document| (item, document)).ok_or(item))
    }

    /// The outcome of an item whose document doesn't exist or can't be read.
    pub fn missing(&self, item: &DueItem) -> ItemOutcome {
        let code = if self.held.unreadable.contains(&item.document) {
            ItemCode::Internal
        } else {
            ItemCode::NotFound
        };
        ItemOutcome::failed(item, code)
    }

    /// The outcome of a changed document. Its previous state is kept, except by an undo.
    pub fn changed(
        &self,
        item: &DueItem,
        document: &Document,
        previous: PreviousState,
    ) -> ItemOutcome {
        if self.is_real() && !matches!(self.running.action, BulkAction::Undo) {
            ItemOutcome::changed(item, previous, document.revision + 1)
        } else {
            ItemOutcome::succeeded(item)
        }
    }

    /// Writes moves, unless this is a dry run. Returns their events.
    pub async fn write_moves(&self, moves: &[Move]) -> Result<Vec<NewEvent>, DbError> {
        if moves.is_empty() || !self.is_real() {
            return Ok(Vec::new());
        }
        write_moves(self.transaction, moves, self.now).await?;
        let events = moves.iter().map(|moved| (moved.document(), moved.event()));
        Ok(self.events(events))
    }

    /// The events of documents.
    pub fn events(&self, events: impl Iterator<Item = (DocumentId, EventKind)>) -> Vec<NewEvent> {
        let Operation { owner, id, .. } = self.running.operation;
        let event = |(document, kind)| {
            NewEvent::new(owner, kind, None, self.now)
                .of(document)
                .by(Some(id))
        };
        events.map(event).collect()
    }
}
