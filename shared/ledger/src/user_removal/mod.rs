//! Removing a user with everything that is theirs, whatever their uploads and jobs do meanwhile:
//! first they are marked, which hides them, then their rows go in parts, at last the rest.

mod mark;
mod parts;
mod remove;
mod rest;

pub use remove::{finish_removal, remove_user};
