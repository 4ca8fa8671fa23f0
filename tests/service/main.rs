//! The whole service from outside, and its ledger on each database.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs once, and ends where it is wrong"
)]
#![recursion_limit = "256"]

mod access;
mod accounting;
mod accounts;
mod archives;
mod arrows;
mod audit;
mod audit_log;
mod backlog;
mod changing;
mod chaos;
mod claim_costs;
mod cleanup;
mod clocks;
mod compression;
mod content_dates;
mod costly;
mod crashes;
mod data_folder;
mod database_faults;
mod discards;
mod disk_use;
mod documents;
mod draining;
mod export;
mod filling_disk;
mod full_database;
mod given_up;
mod half_written;
mod histories;
mod hostile;
mod idempotency;
mod idempotency_http;
mod identities;
mod import;
mod import_memory;
mod import_names;
mod ledger;
mod limits;
mod listing;
mod lists;
mod memory;
mod metrics;
mod numbers;
mod operations;
mod operations_ledger;
mod operations_manual;
mod operations_under_fire;
mod ownership;
mod parts;
mod plans;
mod pooler;
mod pressure;
mod public;
mod queue_within_tls;
mod quota;
mod races;
mod rare;
mod rates;
mod reading;
mod receipts;
mod reserved_names;
mod retention;
mod saturation;
mod schema;
mod shares;
mod slow_senders;
mod start;
mod storage;
mod strays;
mod sweeping;
mod tracing;
mod unreadable;
mod unstorable;
mod uploads;
mod user_removal;
mod versions;
mod waiting;
mod walk;
mod watch;
mod work;
mod year;
