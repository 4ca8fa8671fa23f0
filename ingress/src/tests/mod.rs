//! The API on a database and folders of its own; no worker, no sockets.

mod app;
mod content;
mod document;
mod process;
mod routes;
