//! The table `uploads`: resumable uploads.
//!
//! - The primary key finds one.
//! - `uploads_of_owner` pages those of a user, and counts the open ones.
//! - `uploads_due` finds those whose time is over.
//! - `uploads_to_finish` finds those that have all their bytes, or join others, and weren't finished.
//! - `uploads_of_ticket` counts the open ones of a ticket.
//! - `uploads_staged` and `uploads_tails` find who refers to an object.

mod entity;
mod read;
mod remove;
mod write;

pub use entity::Model;
pub use read::{
    Creation, count, count_open_of_ticket, due, find, list, lock, lock_of_owner, lock_of_ticket,
    lock_untouched, unfinished,
};
pub use remove::{ask_writers, delete, delete_surplus, expire, forget, take_back};
pub use write::{
    Completion, Hold, Progress, complete, complete_direct, hold, insert, join, leave, record,
    release, reserve, touch,
};
