//! The functions of the ledger, called on each database.

mod backlog;
mod claim_costs;
mod cleanup;
mod clocks;
mod content_dates;
mod discards;
mod idempotency;
mod jobs;
mod lifecycle;
mod lists;
mod operations;
mod plans;
mod quota;
mod races;
mod receipts;
mod retention;
mod selective_filters;
mod shares;
mod strays;
mod user_removal;
mod year;
