//! Bulk operations: accepted as a whole, dealt with chunk by chunk, read item by item.

mod act;
mod cancel;
mod chunk;
mod create;
mod deaths;
mod edits;
mod former;
mod items;
mod options;
mod read;
mod rows;
mod running;
mod undo;

pub(super) use deaths::end_with_dead_jobs;

pub use cancel::{CancelError, cancel_operation};
pub use chunk::{Chunk, ChunkDone, ChunkRequest, run_chunk};
pub use create::{CreateOperationError, NewOperation, Selection, create_operation};
pub use options::Task;
pub use read::{
    ItemPage, OperationPage, find_ended, find_operation, list_operation_items, list_operations,
};
pub use undo::{UndoError, undo_operation};
