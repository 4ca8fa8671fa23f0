//! A room for every table: its rows as SeaORM sees them, every statement that writes
//! it, how its rows are read, and which search each of its indexes is for.
//!
//! Rules and transactions are the callers': these rooms decide nothing.

pub mod api_keys;
pub mod audit_log;
pub mod blobs;
pub mod cleanup_positions;
pub mod discards;
pub mod documents;
pub mod events;
pub mod idempotency;
pub mod identities;
pub mod installation;
pub mod jobs;
pub mod operation_items;
pub mod operations;
pub mod places;
pub mod quarantine;
pub mod queue_pauses;
pub mod signing_keys;
pub mod storage_moves;
pub mod ticket_documents;
pub mod tickets;
pub mod upload_grants;
pub mod uploads;
pub mod users;
pub mod versions;
pub mod webhook_deliveries;
pub mod webhooks;
pub mod workers;
pub mod write_checks;
