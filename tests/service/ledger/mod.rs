//! The functions of the ledger, called on each database.

mod backlog;
mod bootstrap_key;
mod claim_costs;
mod claims;
mod cleanup;
mod clocks;
mod content_dates;
mod discards;
mod idempotency;
mod jobs;
mod lists;
mod operations;
mod plans;
mod quota;
mod races;
mod receipts;
mod retention;
mod search_index;
mod security_log;
mod selective_filters;
mod shares;
mod strays;
mod upload_grants;
mod uploads;
mod user_removal;
mod year;
