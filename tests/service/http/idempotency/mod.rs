//! Idempotency keys: a request that is sent again is answered again, and acted on once.

mod changes;
mod killed_processes;
mod uploads;
