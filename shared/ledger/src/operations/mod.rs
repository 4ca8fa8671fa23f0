//! Bulk operations, imports and exports: created as a whole, processed in chunks, listed item by
//! item.

mod active_chunk;
mod apply;
mod archives;
mod cancel;
mod chunk;
mod create;
mod draft;
mod edits;
mod expire;
mod export;
mod fail_operations;
mod import;
mod item_outcome;
mod limits;
mod lock;
mod options;
mod previous_state;
mod read;
mod result;
mod resume;
mod running_operation;
mod step_check;
mod tell;
mod undo;

pub(super) use fail_operations::fail_operations_of_dead_jobs;

pub use archives::expire_archives;
pub use cancel::{CancelError, cancel_operation};
pub use chunk::{Chunk, ChunkDone, ChunkRequest, run_chunk};
pub use create::{CreateOperationError, NewOperation, Selection, create_operation};
pub use expire::{expire_operations, remove_expired_operation};
pub use export::{
    Export, ExportContent, ExportEnd, ExportItem, ExportResult, Exported, VersionScope,
    begin_export, export_items, find_export_result, finish_export, record_export,
};
pub use import::{
    ArchivedContent, BatchRequest, CommittedImport, ConflictPolicy, Import, ImportBatch,
    ImportChunk, ImportEntry, ImportItem, ImportProgress, NewImport, NewImportItem, NextBatch,
    StagedContent, StagedItem, add_import_items, begin_import, commit_import_chunk, create_import,
    next_import_batch, refuse_import, settle_import, start_import,
};
pub use limits::{LimitReached, OpenError, may_open_operation};
pub use options::Task;
pub use read::{
    ItemPage, OperationPage, find_ended, find_operation, list_operation_items, list_operations,
};
pub use result::{
    RemoveResultError, ReservationRequest, export_size, remove_result, reserve_result,
};
pub use step_check::StepCheck;
pub use undo::{NewUndo, UndoError, undo_operation};
