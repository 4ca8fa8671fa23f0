//! Shares of a whole in percent, as written by operators.

use std::fmt;
use std::str::FromStr;

/// A share from 0 % to 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u8);

/// A text that is not a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a share is a number of percent from 0% to 100%")]
pub struct ParseShareError;

impl Share {
    /// The whole.
    pub const ALL: Self = Self(100);

    /// Creates a share of `percent`, at most 100 %.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        if percent > 100 {
            return Self::ALL;
        }
        Self(percent)
    }

    /// Returns whether `part` exceeds this share of `whole`; nothing exceeds 100 %.
    #[must_use]
    pub fn is_passed_by(self, part: u64, whole: u64) -> bool {
        let (part, whole) = (u128::from(part), u128::from(whole));
        self != Self::ALL && part * 100 > whole * u128::from(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Share {
    type Err = ParseShareError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').unwrap_or(text);
        match number.parse() {
            Ok(percent) if percent <= 100 && !number.starts_with('+') => Ok(Self(percent)),
            _ => Err(ParseShareError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_with_or_without_its_sign() {
        assert_eq!("10%".parse(), Ok(Share::percent(10)));
        assert_eq!("0".parse(), Ok(Share::percent(0)));
        assert_eq!("100%".parse(), Ok(Share::ALL));
        for wrong in ["", "%", "101%", "-1", "+5", "1.5%", "10 %", "10%%"] {
            assert_eq!(wrong.parse::<Share>(), Err(ParseShareError), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_passed_by_more_than_it() {
        let tenth = Share::percent(10);
        assert!(!tenth.is_passed_by(10, 100));
        assert!(tenth.is_passed_by(11, 100));
        assert!(tenth.is_passed_by(1, 0));
        assert!(tenth.is_passed_by(u64::MAX, u64::MAX));
        assert!(!Share::ALL.is_passed_by(7, 3));
    }
}
