//! What the security log records of requests that change nothing: counted, and written a moment later.

mod counts;
mod trail;

pub use trail::AuditTrail;
