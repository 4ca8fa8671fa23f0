//! Imports: an archive is accepted, its entries become items, and the items become documents by the
//! same intake as uploads.

mod additional_versions;
mod chunk;
mod commit_chunk;
mod conflicts;
mod create;
mod entry;
mod entry_outcome;
mod names;
mod next_batch;
mod read;
mod settle;

pub use chunk::{CommittedImport, ImportChunk, StagedContent, StagedItem};
pub use commit_chunk::commit_import_chunk;
pub use create::{ConflictPolicy, NewImport, create_import};
pub use entry::{ArchivedContent, ImportEntry, NewImportItem};
pub use next_batch::{BatchRequest, ImportBatch, ImportItem, NextBatch, next_import_batch};
pub use read::{Import, add_import_items, begin_import, refuse_import, start_import};
pub use settle::{ImportProgress, settle_import};
