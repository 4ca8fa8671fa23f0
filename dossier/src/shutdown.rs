//! Shutdown signals: SIGTERM and SIGINT.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Returns a token that is cancelled at the first SIGTERM or SIGINT. A second signal ends the
/// process immediately.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        for again in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if again {
                end_at_once();
            }
            info!("stopping");
            stop.cancel();
        }
    });
    Ok(token)
}

#[expect(
    clippy::disallowed_methods,
    reason = "second signal received; exiting immediately"
)]
fn end_at_once() -> ! {
    std::process::exit(130)
}
