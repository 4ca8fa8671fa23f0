//! The two ways in which the service runs.

/// A way to run the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One process on SQLite, the in-process queue and local files.
    Embedded,
    /// Ingress and two workers on PostgreSQL, Redis and S3.
    Distributed,
}
