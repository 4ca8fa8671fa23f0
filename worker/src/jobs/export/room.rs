//! How many files an archive may have.

use domain::{ItemCode, Operation};
use ledger::ExportItem;

use crate::tools::Tools;

/// How many files the archive may still get: no more than an import takes.
pub struct Room(usize);

impl Room {
    /// As many as documents of one operation, at least: those always have room for one version.
    pub fn of(tools: &Tools) -> Self {
        let imported = usize::try_from(tools.limits.imports.entries).unwrap_or(usize::MAX);
        Self(imported.max(Operation::MAX_ITEMS))
    }

    /// Why nothing is written of an item, if nothing is. All versions of it have room, or none.
    pub fn judge(&mut self, item: &ExportItem) -> Option<ItemCode> {
        match (&item.document, item.contents.len()) {
            (Err(code), _) => Some(*code),
            (Ok(_), 0) => Some(ItemCode::NotActive),
            (Ok(_), files) => {
                let Some(left) = self.0.checked_sub(files) else {
                    return Some(ItemCode::ArchiveFull);
                };
                self.0 = left;
                None
            }
        }
    }
}
