//! Private servers for the tests: PostgreSQL, Redis and an S3 server, each on
//! free ports with its files in a temporary folder, started when the first test
//! asks and shared by all tests of the process. They end with the process, in
//! whatever way that ends. Nothing here touches a server it did not start.

mod dossier;
mod keeper;
mod postgres;
mod process;
mod redis;
mod s3;

pub use dossier::{Dossier, Variables, program};
pub use postgres::Postgres;
pub use redis::Redis;
pub use s3::S3;

/// Where Schemathesis lies.
///
/// # Panics
///
/// Panics if it isn't installed.
#[must_use]
pub fn schemathesis() -> std::path::PathBuf {
    process::granted(process::find_program("schemathesis", &[]))
}
