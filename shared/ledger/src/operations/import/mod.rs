//! Imports: an archive is accepted, its entries become items, the items become documents by
//! the same intake as uploads, and are settled with them.

mod arrival;
mod conflicts;
mod create;
mod entry;
mod fate;
mod further;
mod hand_in;
mod names;
mod read;
mod settle;
mod turn;

pub use arrival::{HandIn, HandedIn, ImportArrival, StagedContent};
pub use create::{ConflictPolicy, NewImport, create_import};
pub use entry::{ArchivedContent, ImportEntry, NewImportItem};
pub use hand_in::hand_in;
pub use read::{Import, add_import_items, begin_import, refuse_import, start_import};
pub use settle::{ImportProgress, settle_import};
pub use turn::{DueItems, ImportItem, ImportTurn, TurnRequest, due_import_items};
