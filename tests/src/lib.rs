//! The harness.

#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "whatever a test can't have makes it fail"
)]

pub mod app;
pub mod archives;
pub mod content;
pub mod databases;
pub mod dice;
pub mod direct;
pub mod feed;
pub mod history;
pub mod http2;
pub mod ledger;
pub mod objects;
pub mod poll;
pub mod scripts;
pub mod seed_documents;
pub mod servers;
pub mod slow;
pub mod sources;
pub mod tickets;
pub mod tus;

pub use test_macros::{in_both_modes, on_each_database};
