//! Tasks beside the jobs that go on for as long as the worker does: one that panics is begun anew,
//! since nobody would notice that leases aren't renewed, or that nothing is cleaned up any more.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

/// How soon a task that panicked is begun anew.
const AGAIN: Duration = Duration::from_millis(100);

/// Runs what `begin` gives until it ends by itself, or the handle is dropped.
pub fn keep_running<F>(
    task: &'static str,
    begin: impl Fn() -> F + Send + 'static,
) -> AbortOnDropHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    AbortOnDropHandle::new(tokio::spawn(async move {
        while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
            error!(task, "a task panicked and is begun anew");
            sleep(AGAIN).await;
        }
    }))
}

/// Runs one turn of a task that waits for work. A panic costs that turn alone.
pub async fn outlive_panic(task: &'static str, turn: impl Future<Output = ()>) {
    if AssertUnwindSafe(turn).catch_unwind().await.is_err() {
        error!(task, "a turn of a task panicked; it goes on with the next");
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
