//! The API on a database and folders of its own; no worker, no sockets.

mod administration;
pub(crate) mod app;
mod content;
mod document;
mod hang_up;
mod process;
mod routes;
mod uploads_at_once;
mod wrapped;
