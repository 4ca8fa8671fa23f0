//! Limits the number of files in an archive.

use domain::{ItemCode, Operation};
use ledger::ExportItem;

use crate::tools::Tools;

/// How many files may still be added: an archive never has more than an import accepts.
pub struct FileLimit(usize);

impl FileLimit {
    /// At least the items of one operation, so that one version of each always fits.
    pub fn of(tools: &Tools) -> Self {
        let imported = usize::try_from(tools.limits.imports.entries).unwrap_or(usize::MAX);
        Self(imported.max(Operation::MAX_ITEMS))
    }

    /// Returns the error of an item that does not fit. Either all its versions fit or none.
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
