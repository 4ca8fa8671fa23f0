//! The whole service from outside, and its ledger on each database.

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
