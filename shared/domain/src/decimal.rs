//! JSON numbers by value, however they are written and of any length.

use serde_json::Number;

/// The exact value of a JSON number: `0.5`, `5e-1` and `0.50` are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// Significant digits, without zeros at either end; empty for zero.
    digits: String,
    /// The power of ten by which the digits, as an integer, are multiplied.
    exponent: i64,
}

/// A number as it is written: a sign, digits, digits after the point, and an exponent.
struct Written<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        Self {
            negative,
            whole,
            fraction,
            exponent: exponent_of(exponent),
        }
    }
}

/// Exponents are clamped, also those that don't fit into an integer.
fn exponent_of(text: &str) -> i64 {
    const LARGEST: i64 = 1 << 48;
    let limit = if text.starts_with('-') {
        -LARGEST
    } else {
        LARGEST
    };
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.parse().unwrap_or(limit).clamp(-LARGEST, LARGEST)
}

impl From<&Number> for Decimal {
    fn from(number: &Number) -> Self {
        let written = Written::read(number.as_str());
        let all = [written.whole, written.fraction].concat();
        let leading = all.trim_start_matches('0');
        let digits = leading.trim_end_matches('0');
        if digits.is_empty() {
            return Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            };
        }
        let zeros = leading.len() - digits.len();
        Self {
            negative: written.negative,
            digits: digits.to_owned(),
            exponent: written.exponent + length(zeros) - length(written.fraction.len()),
        }
    }
}

/// The number of characters without an exponent, as PostgreSQL's `numeric` prints it.
#[must_use]
pub fn plain_length(number: &Number) -> u64 {
    let written = Written::read(number.as_str());
    let leading = written.whole.trim_start_matches('0');
    let significant = if leading.is_empty() {
        let zeros = written.fraction.len() - written.fraction.trim_start_matches('0').len();
        -length(zeros)
    } else {
        length(leading.len())
    };
    let before = (significant + written.exponent).max(1);
    let after = (length(written.fraction.len()) - written.exponent).max(0);
    (before + after).unsigned_abs() + u64::from(written.negative) + u64::from(after > 0)
}

/// Returns whether `numeric` prints the number differently from its text.
#[must_use]
pub fn is_respelled(number: &Number) -> bool {
    let text = number.as_str();
    let zero = || text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    text.contains(['e', 'E']) || (text.starts_with('-') && zero())
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        crate::read_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_value_has_many_spellings() {
        for same in [
            &["0", "-0", "0.0", "-0.00", "0e5", "0E-999999999999999999999"][..],
            &["100", "1e2", "1E+2", "100.0", "0.1e3", "10000e-2"],
            &["-1.5", "-15e-1", "-1.50", "-0.015e2"],
            &[
                "123456789012345678901234567890",
                "1.2345678901234567890123456789e29",
            ],
            &["5e-324", "0.5e-323"],
        ] {
            for text in same {
                assert_eq!(
                    Decimal::from(&number(text)),
                    Decimal::from(&number(same[0])),
                    "{text}"
                );
            }
        }
        for (one, other) in [
            ("1", "-1"),
            ("9007199254740993", "9007199254740992.0"),
            ("0.1", "0.10000000000000001"),
            ("1e400", "1e401"),
            ("1", "10"),
        ] {
            assert_ne!(Decimal::from(&number(one)), Decimal::from(&number(other)));
        }
    }

    #[test]
    fn plain_notation_is_measured_without_being_written() {
        for (text, length) in [
            ("0", 1),
            ("-7", 2),
            ("12.50", 5),
            ("1e3", 4),
            ("1.5e3", 4),
            ("1.5e-3", 6),
            ("0.001e3", 1),
            ("0e-3", 5),
            ("-1e400", 402),
            ("5e-324", 326),
            ("1.7976931348623157e308", 309),
        ] {
            assert_eq!(plain_length(&number(text)), length, "{text}");
        }
        assert!(plain_length(&number("1e1000000000")) >= 1_000_000_000);
        assert!(plain_length(&number("1e-99999999999999999999999")) >= 1 << 48);
    }

    #[test]
    fn what_numeric_writes_otherwise_is_known() {
        for kept in ["0", "1.50", "-0.5", "123456789012345678901234567890", "0.0"] {
            assert!(!is_respelled(&number(kept)), "{kept}");
        }
        for changed in ["1e2", "1E2", "-0", "-0.0", "1e-7"] {
            assert!(is_respelled(&number(changed)), "{changed}");
        }
    }
}
