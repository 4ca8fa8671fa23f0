//! Lists of documents.

mod filters;
mod metadata;
mod orders;
