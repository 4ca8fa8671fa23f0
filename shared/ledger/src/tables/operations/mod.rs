//! The table `operations`: one row for each bulk operation, with its counts, its position and
//! its archive. Deleting a row deletes its items (`ON DELETE CASCADE`).
//!
//! Which search each index serves:
//!
//! | index | search |
//! | --- | --- |
//! | `operations_of_owner (owner_id, id)` | an owner's operations, newest first |
//! | `operations_kept (owner_id, id, total)` | how many operations and items an owner keeps, without reading rows |
//! | `operations_open (owner_id)`, unfinished ones | how many of an owner's have not ended |
//! | `operations_with_before (owner_id, before_bytes)` | how many bytes of previous states an owner keeps |
//! | `operations_unfinished (id)` | those that end with jobs which are given up |
//! | `operations_finished (finished_at)` | those that have ended long ago, to be expired |
//! | `operations_expired (expired_at)` | expired ones, to be deleted |
//! | `operations_with_result (result_expires_at)` | archives of exports that have expired |
//! | `operations_with_source (source_url)` | archives of imports that are still kept |
//! | `operations_by_source`, `operations_by_result` | archives in the bytewise order in which storage lists objects |
//! | `UNIQUE (undoes)` | the operation that undoes another one; there is at most one |

mod archive;
mod create;
mod entity;
mod expiry;
mod find;
mod kept;
mod lock;
mod lock_many;
mod progress;
mod row;

pub use archive::{NewResult, clear_archives, set_held_bytes, set_result};
pub use create::{Insert, insert, set_total};
pub use entity::{Column, Entity};
pub use expiry::{delete, expire, find_due, set_expiry};
pub use find::{find, find_ended, find_result, is_undone};
pub use kept::{KeptRow, archives_of, count_kept, count_open, kept_of, sum_before_bytes};
pub use lock::{Locked, lock_draft, lock_operation, lock_operation_of};
pub use lock_many::{
    lock_ended, lock_expired, lock_expired_archives, lock_of_jobs, lock_unfinished_of_owner,
};
pub use progress::{
    Advance, add_items, advance, count_items, fail, finish, request_cancel,
    request_cancel_of_owner, reset_succeeded, restart, resume, set_next_position,
};
pub use row::{OperationRow, operation_of_event};
