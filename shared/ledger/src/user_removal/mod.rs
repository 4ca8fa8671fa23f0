//! Removes a user with everything they own, whatever their uploads and jobs do at the same time:
//! the mark hides the user, then rows are deleted in batches, and the rest with the user.

mod batches;
mod mark;
mod remove;
mod rest;

pub use remove::{finish_removal, remove_user};
