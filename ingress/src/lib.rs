//! HTTP in, 202 out: the API of Dossier as a library. It never processes a document; that is the worker's.

pub mod auth;
mod body;
pub mod content;
pub mod problem;
pub mod server;
mod table;
pub mod upload;
