//! Bulk operations over HTTP.

mod items;
mod requests;
mod undo;
