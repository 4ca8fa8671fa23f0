//! Bulk operations: accepted as a whole, dealt with chunk by chunk, read item by item.

mod act;
mod archives;
mod cancel;
mod chunk;
mod create;
mod deaths;
mod draft;
mod edits;
mod expire;
mod export;
mod former;
mod import;
mod items;
mod lock;
mod options;
mod read;
mod result;
mod resume;
mod room;
mod running;
mod standing;
mod turn;
mod undo;

pub(super) use deaths::end_with_dead_jobs;

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
    ArchivedContent, ConflictPolicy, DueItems, HandIn, HandedIn, Import, ImportArrival,
    ImportEntry, ImportItem, ImportProgress, ImportTurn, NewImport, NewImportItem, StagedContent,
    TurnRequest, add_import_items, begin_import, create_import, due_import_items, hand_in,
    refuse_import, settle_import, start_import,
};
pub use options::Task;
pub use read::{
    ItemPage, OperationPage, find_ended, find_operation, list_operation_items, list_operations,
};
pub use result::{RemoveResultError, WantedRoom, export_size, remove_result, reserve_result};
pub use room::{NoRoom, OpenError, may_open_operation};
pub use standing::Standing;
pub use undo::{NewUndo, UndoError, undo_operation};
