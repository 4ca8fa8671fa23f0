//! The whole service from outside, and its ledger on each database.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs once, and ends where it is wrong"
)]
#![recursion_limit = "256"]

mod access;
mod accounts;
mod arrows;
mod crashes;
mod ledger;
mod limits;
mod memory;
mod reading;
mod start;
mod storage;
mod uploads;
