//! Storage in local files: a place is a folder.

mod adapter;
mod batch;
mod draft;
mod folders;
mod growing;
mod outcome;
mod overlap;
mod reading;
mod root;
mod shared_sync;
#[cfg(test)]
mod tests;
mod together;
mod walk;

pub use adapter::Local;
