//! The wish to stop: SIGTERM or SIGINT.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// A token that is cancelled at the first SIGTERM or SIGINT. A second one ends the process at once.
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
    reason = "somebody asked twice: nothing is waited for"
)]
fn end_at_once() -> ! {
    std::process::exit(130)
}
