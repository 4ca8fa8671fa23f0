//! Polls for a condition, and fails the test if it takes too long.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// The poll interval.
const PAUSE: Duration = Duration::from_millis(20);

/// Polls until there is a result, and returns it. Fails after `patience` with the latest answer.
pub async fn poll<T, E: Display>(
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let begin = Instant::now();
    loop {
        match ask().await {
            Ok(result) => return result,
            Err(refusal) => assert!(begin.elapsed() < patience, "{refusal}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Polls until the condition holds. Fails after `patience` with the description `awaited`.
pub async fn wait_until(patience: Duration, awaited: &str, mut holds: impl AsyncFnMut() -> bool) {
    let awaited = format!("awaited in vain: {awaited}");
    poll(
        patience,
        async || {
            if holds().await { Ok(()) } else { Err(&awaited) }
        },
    )
    .await;
}
