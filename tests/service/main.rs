//! The whole service from outside, and its ledger on each database. Folders are by what is driven.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs once, and ends where it is wrong"
)]
#![recursion_limit = "256"]

mod chaos;
mod cli;
mod clients;
mod http;
mod ledger;
mod load;
mod servers;
mod source;
mod telemetry;
