//! Waiting for the workers: they are notified of new jobs, and requests that wait for an outcome
//! are woken when it is announced.

mod job_notifier;
mod settled_version;
mod waiters;

pub use job_notifier::JobNotifier;
pub use settled_version::settled_version;
pub use waiters::Waiters;
