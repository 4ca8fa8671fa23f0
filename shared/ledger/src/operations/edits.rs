//! Edits many documents at once: the first item that asks for a unique name gets it.

use std::collections::HashSet;

use super::active_chunk::ActiveChunk;
use super::item_outcome::{DueItem, ItemOutcome};
use super::previous_state::PreviousState;
use crate::DbError;
use crate::change::holders;
use crate::tables::documents::update_edited;
use crate::tables::events::NewEvent;
use domain::{Document, EventKind, ItemCode, UniqueName};

/// An edit of one document.
pub struct Edit<'a> {
    /// Its item.
    pub item: &'a DueItem,
    /// The document as it is.
    pub before: &'a Document,
    /// The document as it will be.
    pub after: Document,
}

impl Edit<'_> {
    /// The unique name that it newly asks for.
    fn wanted(&self) -> Option<&UniqueName> {
        let wanted = self.after.visibility.unique_name();
        wanted.filter(|wanted| self.before.visibility.unique_name() != Some(*wanted))
    }
}

impl ActiveChunk<'_> {
    /// Makes the edits that are possible, in the order of their items. Returns the outcomes, and the
    /// events.
    ///
    /// A unique name that another transaction takes before the write is a constraint error: the
    /// chunk is retried.
    pub async fn edit(
        &self,
        edits: Vec<Edit<'_>>,
    ) -> Result<(Vec<ItemOutcome>, Vec<NewEvent>), DbError> {
        let wanted: HashSet<_> = edits.iter().filter_map(Edit::wanted).collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        let holders = holders(self.transaction, &wanted).await?;
        // In a dry run nobody has it, although an earlier chunk may have given it away.
        let given_before = !self.is_real() && self.running.operation.tally.succeeded > 0;
        let mut given = HashSet::new();
        let (mut outcomes, mut made) = (Vec::new(), Vec::new());
        for edit in &edits {
            let taken = edit.wanted().is_some_and(|name| {
                holders.contains_key(name.as_str()) || given_before || !given.insert(name)
            });
            if taken {
                outcomes.push(ItemOutcome::failed(edit.item, ItemCode::UniqueNameTaken));
                continue;
            }
            made.push(&edit.after);
            let previous = PreviousState::edited(edit.before, &edit.after);
            outcomes.push(self.changed(edit.item, edit.before, previous));
        }
        if !self.is_real() || made.is_empty() {
            return Ok((outcomes, Vec::new()));
        }
        update_edited(self.transaction, &made, self.now).await?;
        let edited = made.iter().map(|document| (document.id, EventKind::Edited));
        Ok((outcomes, self.events(edited)))
    }
}
