//! Security log entries of requests that change nothing: counted, and written in batches.

mod counts;
mod trail;

pub use trail::AuditTrail;
