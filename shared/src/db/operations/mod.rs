//! Bulk operations: accepted as a whole, dealt with chunk by chunk, read item by item.

mod cancel;
mod read;
mod rows;

pub use cancel::{CancelError, cancel_operation};
pub use read::{
    ItemPage, OperationPage, find_ended, find_operation, list_operation_items, list_operations,
};
