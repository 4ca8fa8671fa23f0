//! Private servers for the tests: PostgreSQL, Redis and storage servers, each on free ports with its
//! files in a temporary folder, started when the first test needs it and shared by all tests of the
//! process. They end with the process, however it ends. Only servers started here are touched.

use std::path::{Path, PathBuf};

mod azurite;
mod certificates;
mod collector;
mod disk;
mod dossier;
mod fake_gcs;
mod gate;
mod http_requests;
mod keeper;
mod oidc_provider;
mod pgbouncer;
mod postgres;
mod process;
mod receiver;
mod recorder;
mod redis;
mod redis_cluster;
mod redis_sentinel;
mod s3;
mod tls_front;

pub use azurite::Azurite;
pub use collector::{Collector, hexadecimal};
pub use disk::Disk;
pub use dossier::{Dossier, Variables, program, program_named};
pub use fake_gcs::FakeGcs;
pub use gate::{Disturbance, Flow, Gate};
pub use oidc_provider::{Arrival, Browser, OidcProvider};
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use process::memory_of;
pub use receiver::{Down, Received, Receiver, Reply};
pub use recorder::{Passing, Recorded, Recorder};
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
pub use s3::S3;
pub use tls_front::TlsFront;

/// The folder of Schemathesis.
#[must_use]
pub fn schemathesis() -> PathBuf {
    process::granted(process::find_program("schemathesis", &[]))
}

/// The folder of Node.js.
#[must_use]
pub fn node() -> PathBuf {
    process::granted(process::find_program("node", &[]))
}

/// The folder of packages that `./test` installs from the npm registry.
#[must_use]
pub fn node_modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/typescript/node_modules")
}

/// The folder of Uppy and what it needs.
#[must_use]
pub fn uppy_modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/uppy/node_modules")
}

/// The browser.
#[must_use]
pub fn browser() -> PathBuf {
    process::granted(process::find_program("chromium", &[]))
}

/// The folder of packages that drive the browser.
#[must_use]
pub fn browser_modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/browser/node_modules")
}

/// The Python in which `./test` installs tuspy.
#[must_use]
pub fn tuspy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/tuspy-1.1.0/bin/python")
}

/// The Python in which `./test` installs the library of Standard Webhooks.
#[must_use]
pub fn standardwebhooks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/standardwebhooks-1.1.0/bin/python")
}
