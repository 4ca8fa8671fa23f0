//! Servers that operators bring along: S3, `PgBouncer`, Redis within TLS.

mod pgbouncer;
mod redis_tls;
mod s3;
