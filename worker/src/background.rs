//! Background tasks that run as long as the worker. A task that panics is restarted: otherwise
//! nobody would notice that leases are no longer renewed or that the cleanup has stopped.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

/// The pause before a panicked task is restarted.
const AGAIN: Duration = Duration::from_millis(100);

/// Runs the future that `begin` returns until it completes or the handle is dropped. Restarts it
/// after a panic.
pub fn keep_running<F>(
    task: &'static str,
    begin: impl Fn() -> F + Send + 'static,
) -> AbortOnDropHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    AbortOnDropHandle::new(tokio::spawn(async move {
        while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
            error!(task, "background task panicked; restarting it");
            sleep(AGAIN).await;
        }
    }))
}

/// Runs one iteration of a task that waits for work. A panic ends only that iteration.
pub async fn outlive_panic(task: &'static str, turn: impl Future<Output = ()>) {
    if AssertUnwindSafe(turn).catch_unwind().await.is_err() {
        error!(
            task,
            "an iteration of a background task panicked; continuing with the next"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_begun_anew() {
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&begun);
        let task = keep_running("test", move || {
            let count = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(count >= 3, "it panics three times") }
        });
        task.await.unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 4);
    }
}
