//! Edits of many documents at once: a unique name is given to the first that asks for it.

use std::collections::HashSet;

use super::former::Former;
use super::items::{Dealt, DueItem};
use super::turn::Turn;
use crate::DbError;
use crate::change::{holders, write_edits};
use domain::{Document, ItemCode, UniqueName};

/// A document that is to be edited.
pub struct Edit<'a> {
    /// Its item.
    pub item: &'a DueItem,
    /// What it is.
    pub before: &'a Document,
    /// What it is to become.
    pub after: Document,
}

impl Edit<'_> {
    /// The unique name that it asks for, if it doesn't have it yet.
    fn wanted(&self) -> Option<&UniqueName> {
        let wanted = self.after.visibility.unique_name();
        wanted.filter(|wanted| self.before.visibility.unique_name() != Some(*wanted))
    }
}

impl Turn<'_> {
    /// Makes the edits that are possible, in the order of their items.
    ///
    /// A name that is taken by others between the look and the write fails the statement, and
    /// with it the chunk: it is then dealt with anew.
    pub async fn edit(&self, edits: Vec<Edit<'_>>) -> Result<Vec<Dealt>, DbError> {
        let wanted: HashSet<_> = edits.iter().filter_map(Edit::wanted).collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        let holders = holders(self.transaction, &wanted).await?;
        // In a dry run nobody has it, and yet an earlier chunk may have given it away.
        let given_before = !self.is_real() && self.running.operation.tally.succeeded > 0;
        let mut given = HashSet::new();
        let (mut dealt, mut made) = (Vec::new(), Vec::new());
        for edit in &edits {
            let taken = edit.wanted().is_some_and(|name| {
                holders.contains_key(name.as_str()) || given_before || !given.insert(name)
            });
            if taken {
                dealt.push(Dealt::failed(edit.item, ItemCode::UniqueNameTaken));
                continue;
            }
            made.push(&edit.after);
            let former = Former::sayings(edit.before, &edit.after);
            dealt.push(self.done(edit.item, edit.before, former));
        }
        if self.is_real() && !made.is_empty() {
            write_edits(self.transaction, &made, self.now).await?;
            self.note(made.iter().map(|document| (document.id, "edited")))
                .await?;
        }
        Ok(dealt)
    }
}
