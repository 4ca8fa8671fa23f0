//! How many files and connections this process may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as the system lets this process: what is usual is meant for programs
/// that wait by `select`, and small for a server.
pub fn raise() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum;
    // Where it can't be raised, fewer connections are taken.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}

/// The limit.
pub fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
