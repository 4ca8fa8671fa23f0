//! Waiting for the workers: they are notified of new jobs, and requests that wait for an outcome
//! are woken when it is announced, or by the next event.

mod event_watch;
mod job_notifier;
mod looks;
mod settled_version;
mod waiters;

pub use event_watch::{EventReader, EventWatch};
pub use job_notifier::JobNotifier;
pub use looks::Looks;
pub use settled_version::settled_version;
pub use waiters::Waiters;
