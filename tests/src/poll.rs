//! Waiting for a condition: it is asked for again and again, and fails the test when it takes
//! too long.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks until there is a result, and returns it. Once `patience` has passed, it fails with what
/// the latest question was answered.
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

/// Asks until the condition holds. Once `patience` has passed, it fails with what was `awaited`.
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
