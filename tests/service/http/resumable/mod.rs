//! Resumable uploads.

mod clients;
mod extensions;
mod ietf;
mod interrupted_joins;
mod interruptions;
mod joining;
mod limits;
mod protocol;
mod refusals;
mod vanished_clients;
