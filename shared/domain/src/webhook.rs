//! Webhooks: their states, the events that they are told of, and when a delivery is tried again.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::EventType;
use super::operation::{UnknownWord, words};

words! {
    /// The status of a webhook.
    WebhookStatus,
    /// Events are delivered.
    Enabled = "enabled",
    /// Nothing is delivered.
    Disabled = "disabled",
}

words! {
    /// Why a webhook is disabled.
    DisabledReason,
    /// Its owner asked for it.
    Requested = "requested",
    /// The endpoint answered 410.
    Gone = "gone",
    /// Every attempt of five days failed.
    Failing = "failing",
}

words! {
    /// The status of a delivery.
    DeliveryStatus,
    /// It is to be attempted, perhaps again.
    Pending = "pending",
    /// An attempt succeeded.
    Delivered = "delivered",
    /// No more attempts are made.
    Failed = "failed",
}

/// The types of events that a webhook is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookTypes {
    /// All, those of later releases included.
    All,
    /// Some.
    Some(Vec<EventType>),
}

impl WebhookTypes {
    /// Every type, as written in the API.
    pub const EVERY: &str = "*";

    /// Parses a list that isn't empty; `*` stands for all.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownWord> {
        let mut types = Vec::new();
        let mut is_all = false;
        for word in words {
            if word == Self::EVERY {
                is_all = true;
                continue;
            }
            let kind: EventType = word.parse()?;
            if !types.contains(&kind) {
                types.push(kind);
            }
        }
        Ok(if is_all { Self::All } else { Self::Some(types) })
    }

    /// Returns the list as written in the API.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Self::All => vec![Self::EVERY],
            Self::Some(types) => types.iter().map(|kind| kind.as_str()).collect(),
        }
    }

    /// Returns whether events of a type are told.
    #[must_use]
    pub fn has(&self, kind: EventType) -> bool {
        match self {
            Self::All => true,
            Self::Some(types) => types.contains(&kind),
        }
    }
}

/// When deliveries are attempted.
#[derive(Clone, Copy, Debug)]
pub struct Schedule;

impl Schedule {
    /// The pauses before the attempts.
    const PAUSES: [Duration; 10] = [
        Duration::ZERO,
        Duration::from_secs(5),
        Duration::from_mins(5),
        Duration::from_mins(30),
        Duration::from_hours(2),
        Duration::from_hours(5),
        Duration::from_hours(10),
        Duration::from_hours(14),
        Duration::from_hours(20),
        Duration::from_hours(24),
    ];

    /// The longest pause that an endpoint may ask for.
    const LONGEST: Duration = Duration::from_hours(24);

    /// How long an endpoint may fail until it is disabled.
    pub const FAILING: Duration = Duration::from_hours(5 * 24);

    /// How long nothing is attempted before an endpoint no longer counts as failing: longer than any
    /// pause of the schedule.
    pub const QUIET: Duration = Duration::from_hours(27);

    /// The pause after an attempt that the service was unable to make.
    pub const UNABLE: Duration = Duration::from_hours(1);

    /// How long a secret that was replaced still signs.
    pub const ROTATED: Duration = Duration::from_hours(24);

    /// Returns the pause after so many failed attempts, at least the one that the endpoint asked for.
    /// `None` if no more attempts are made. `random` spreads attempts that failed together over a
    /// tenth of the pause.
    #[must_use]
    pub fn pause_after(failed: u32, asked: Option<Duration>, random: u32) -> Option<Duration> {
        let pause = *Self::PAUSES.get(usize::try_from(failed).ok()?)?;
        let pause = pause.max(asked.unwrap_or_default().min(Self::LONGEST));
        let jitter = (u128::from(random) * (pause.as_micros() / 10)) >> 32;
        Some(pause + Duration::from_micros(u64::try_from(jitter).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_are_made_over_three_days() {
        let pauses: Vec<_> = (0..)
            .map_while(|failed| Schedule::pause_after(failed, None, 0))
            .collect();
        assert_eq!(pauses.len(), 10);
        assert_eq!(pauses[1], Duration::from_secs(5));
        assert_eq!(pauses[9], Duration::from_hours(24));
        assert_eq!(Schedule::pause_after(10, Some(Duration::MAX), 0), None);
    }

    #[test]
    fn jitter_adds_a_tenth_at_most() {
        let pause = |random| Schedule::pause_after(3, None, random).unwrap();
        assert_eq!(pause(0), Duration::from_mins(30));
        assert!(pause(u32::MAX) > Duration::from_secs(1_979));
        assert!(pause(u32::MAX) <= Duration::from_mins(33));
        let longest = Schedule::pause_after(9, Some(Duration::MAX), u32::MAX);
        assert!(longest.unwrap() < Schedule::QUIET);
    }

    #[test]
    fn what_the_endpoint_asks_for_counts_up_to_a_day() {
        let asked = |seconds| {
            let asked = Some(Duration::from_secs(seconds));
            Schedule::pause_after(1, asked, 0).unwrap()
        };
        assert_eq!(asked(1), Duration::from_secs(5));
        assert_eq!(asked(90), Duration::from_secs(90));
        assert_eq!(asked(u64::MAX), Duration::from_hours(24));
    }

    #[test]
    fn types_are_a_list_or_all() {
        let parse = |words: &[&str]| WebhookTypes::parse(words.iter().copied());
        assert_eq!(parse(&["*"]).unwrap(), WebhookTypes::All);
        let both = parse(&["ticket.used", "document.failed", "ticket.used"]).unwrap();
        assert_eq!(both.words(), ["ticket.used", "document.failed"]);
        assert!(both.has(EventType::TicketUsed) && !both.has(EventType::DocumentAccepted));
        assert_eq!(parse(&["ticket.used", "*"]).unwrap(), WebhookTypes::All);
        parse(&["ticket.lost"]).unwrap_err();
    }
}
