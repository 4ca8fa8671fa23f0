//! Resumable uploads.

mod clients;
mod ietf;
mod interruptions;
mod joining;
mod limits;
mod protocol;
