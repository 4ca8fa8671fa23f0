//! What the sources and the documentation have to keep to.

mod arrows;
mod book;
mod commands;
mod deploy;
mod documentation;
mod promises;
mod released_api;
mod request_fields;
mod scopes;
mod tables;
