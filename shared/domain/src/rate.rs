//! Rates, as written by operators.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// A number of events in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The number of events; also the largest burst.
    pub count: NonZeroU32,
    /// The window.
    pub window: Duration,
}

/// A text that is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number from 1 to 1000000 and a unit: 10/s, 600/min or 1000/h")]
pub struct InvalidRate;

impl Rate {
    /// The maximum number; a higher rate limits nothing.
    const MOST: u32 = 1_000_000;

    /// The interval between events at this rate.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.window / self.count.get()
    }
}

impl Rate {
    /// Returns a rate of `factor` times as many events in the same window.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        let count = match NonZeroU32::new(factor) {
            Some(factor) => self.count.saturating_mul(factor),
            None => self.count,
        };
        Self { count, ..self }
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (count, unit) = text.split_once('/').ok_or(InvalidRate)?;
        let count: NonZeroU32 = count.parse().map_err(|_| InvalidRate)?;
        let seconds = match unit {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3_600,
            _ => return Err(InvalidRate),
        };
        if count.get() > Self::MOST {
            return Err(InvalidRate);
        }
        Ok(Self {
            count,
            window: Duration::from_secs(seconds),
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.window.as_secs() {
            1 => "s",
            60 => "min",
            _ => "h",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        for (text, seconds) in [("600/min", 60), ("10/s", 1), ("1000/h", 3_600)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(
                (rate.to_string(), rate.window.as_secs()),
                (text.to_owned(), seconds)
            );
        }
        for wrong in [
            "",
            "600",
            "0/min",
            "-1/s",
            "1.5/s",
            "1/day",
            "1000001/s",
            "/s",
            "1/",
        ] {
            assert_eq!(wrong.parse::<Rate>(), Err(InvalidRate), "{wrong}");
        }
    }
}
