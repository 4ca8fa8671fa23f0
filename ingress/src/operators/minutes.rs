//! Ends the minutes of the last hour that the process remembers.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::service::Service;

const MINUTE: Duration = Duration::from_mins(1);

/// Ends a minute every minute, for ever.
pub async fn end_minutes(service: &Service) {
    let mut ticks = interval_at(Instant::now() + MINUTE, MINUTE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = service.clock.now();
        service.meters.look(&service.db, now).await;
        service.meters.end_minute(now);
    }
}
