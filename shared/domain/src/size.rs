//! Sizes in bytes, as written by operators.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes, at most `i64::MAX`, as in the database.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteSize(i64);

/// A text that is not a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a size is a number of bytes, or one with a unit such as 10MiB or 5GiB")]
pub struct ParseByteSizeError;

impl ByteSize {
    /// Zero bytes.
    pub const ZERO: Self = Self(0);

    /// Creates a size of `bytes`, at most `i64::MAX`.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self(i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    /// Creates a size of `count` mebibytes (2^20 bytes).
    #[must_use]
    pub const fn mebibytes(count: u32) -> Self {
        Self((count as i64) << 20)
    }

    /// Creates a size of `count` gibibytes (2^30 bytes).
    #[must_use]
    pub const fn gibibytes(count: u32) -> Self {
        Self((count as i64) << 30)
    }

    /// The number of bytes as in the database; never negative.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0.unsigned_abs()
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ByteSize {
    type Err = ParseByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor: i64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kib" | "k" => 1 << 10,
            "mib" | "m" => 1 << 20,
            "gib" | "g" => 1 << 30,
            "tib" | "t" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(ParseByteSizeError),
        };
        let number: i64 = number.parse().map_err(|_| ParseByteSizeError)?;
        number
            .checked_mul(factor)
            .map(Self)
            .ok_or(ParseByteSizeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        assert_eq!("5 GiB".parse(), Ok(ByteSize::gibibytes(5)));
        assert_eq!("10MB".parse(), Ok(ByteSize::new(10_000_000)));
        assert_eq!("77".parse(), Ok(ByteSize::new(77)));
        for wrong in ["", "GiB", "-1", "1 parsec", "99999999999TiB"] {
            assert_eq!(
                wrong.parse::<ByteSize>(),
                Err(ParseByteSizeError),
                "{wrong}"
            );
        }
    }
}
