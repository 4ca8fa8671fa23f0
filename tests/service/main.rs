//! The whole service from outside, and its ledger on each database.

mod ledger;
