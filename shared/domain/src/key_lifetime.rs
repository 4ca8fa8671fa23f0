//! How long an API key is to live, as whoever makes it writes it.

use std::str::FromStr;
use std::time::Duration;

/// The lifetime of an API key: a number from 1 to 9999 with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLifetime(pub Duration);

/// A text that is not a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a number from 1 to 9999 with a unit: 90s, 30m, 24h or 90d")]
pub struct InvalidKeyLifetime;

impl FromStr for KeyLifetime {
    type Err = InvalidKeyLifetime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = text
            .split_at_checked(text.len().saturating_sub(1))
            .ok_or(InvalidKeyLifetime)?;
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = (1..=4).contains(&number.len()) && !number.starts_with('0');
        let number = number.parse().ok().filter(|_| is_number && is_short);
        let number: u64 = number.ok_or(InvalidKeyLifetime)?;
        match unit {
            "s" => Ok(Self(Duration::from_secs(number))),
            "m" => Ok(Self(Duration::from_mins(number))),
            "h" => Ok(Self(Duration::from_hours(number))),
            "d" => Ok(Self(Duration::from_hours(24 * number))),
            _ => Err(InvalidKeyLifetime),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_for_seconds_to_days() {
        for (text, minutes) in [("60s", 1), ("1m", 1), ("24h", 1_440), ("9999d", 14_398_560)] {
            let lifetime = Duration::from_mins(minutes);
            assert_eq!(text.parse(), Ok(KeyLifetime(lifetime)), "{text}");
        }
    }
}
