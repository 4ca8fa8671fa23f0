//! `Range` (RFC 9110, section 14): selects the requested bytes of a representation.

use storage::Range;

/// With more ranges than this the whole is returned: they cost more than they save.
const MAX_RANGES: usize = 50;

/// The answer to a `Range`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeAnswer {
    /// The whole representation with 200: no range, a malformed one, another unit, too many or
    /// overlapping ranges.
    Whole,
    /// One part, with 206 and `Content-Range`.
    Part(Range),
    /// Several parts, with 206 and `multipart/byteranges`, in the order asked for.
    Parts(Vec<Range>),
}

impl RangeAnswer {
    /// Returns the number of bytes, of a representation of `length`.
    pub fn bytes_of(&self, length: u64) -> u64 {
        match self {
            Self::Whole => length,
            Self::Part(part) => part.length,
            Self::Parts(parts) => parts.iter().map(|part| part.length).sum(),
        }
    }
}

/// No range lies inside the representation: 416.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no range lies inside the content")]
pub struct RangeError;

/// Selects the parts of `length` bytes that a `Range` field requests.
pub fn select(field: Option<&str>, length: u64) -> Result<RangeAnswer, RangeError> {
    let Some(specs) = field.and_then(specs) else {
        return Ok(RangeAnswer::Whole);
    };
    if specs.len() > MAX_RANGES {
        return Ok(RangeAnswer::Whole);
    }
    let mut parts: Vec<_> = specs
        .iter()
        .filter_map(|spec| spec.within(length))
        .collect();
    match (parts.pop(), parts.is_empty()) {
        (None, _) => Err(RangeError),
        (Some(part), true) => Ok(RangeAnswer::Part(part)),
        (Some(last), false) => {
            parts.push(last);
            Ok(if overlap(&parts) {
                RangeAnswer::Whole
            } else {
                RangeAnswer::Parts(parts)
            })
        }
    }
}

/// A parsed range.
#[derive(Clone, Copy, Debug)]
enum Spec {
    /// `first-last`, both inclusive; `first-` reaches to the end.
    From { first: u64, last: Option<u64> },
    /// `-count`: the last bytes.
    Suffix { count: u64 },
}

impl Spec {
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.trim_matches([' ', '\t']).split_once('-')?;
        match (first.is_empty(), last.is_empty()) {
            (true, true) => None,
            (true, false) => Some(Self::Suffix {
                count: number(last)?,
            }),
            (false, true) => Some(Self::From {
                first: number(first)?,
                last: None,
            }),
            (false, false) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From {
                    first,
                    last: Some(last),
                })
            }
        }
    }

    /// Resolves the range against `length` bytes; `None` if it is outside.
    fn within(self, length: u64) -> Option<Range> {
        let (start, end) = match self {
            Self::From { first, last } => (
                first,
                last.map_or(length, |last| last.saturating_add(1).min(length)),
            ),
            Self::Suffix { count } => (length.saturating_sub(count), length),
        };
        (start < end).then(|| Range {
            start,
            length: end - start,
        })
    }
}

/// Parses the ranges of a field; `None` if it is malformed or of another unit.
fn specs(field: &str) -> Option<Vec<Spec>> {
    let (unit, set) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    // Empty elements of a list are legal (RFC 9110, section 5.6.1.2).
    let specs = set.split(',').filter(|spec| !spec.trim().is_empty());
    let specs: Vec<_> = specs.map(Spec::parse).collect::<Option<_>>()?;
    (!specs.is_empty()).then_some(specs)
}

/// Parses any number of digits; overflow saturates beyond any content.
fn number(digits: &str) -> Option<u64> {
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn overlap(parts: &[Range]) -> bool {
    let mut sorted = parts.to_vec();
    sorted.sort_by_key(|part| part.start);
    sorted
        .windows(2)
        .any(|pair| pair[0].start + pair[0].length > pair[1].start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ten(field: &str) -> Result<RangeAnswer, RangeError> {
        select(Some(field), 10)
    }

    fn part(start: u64, length: u64) -> Range {
        Range { start, length }
    }

    #[test]
    fn a_single_range_selects_one_part() {
        for (field, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-5", part(2, 4)),
            ("bytes=2-", part(2, 8)),
            ("bytes=9-99", part(9, 1)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-99", part(0, 10)),
            ("BYTES=, 1-1 ,", part(1, 1)),
            ("bytes=0-99999999999999999999999999", part(0, 10)),
            ("bytes=20-30,4-4", part(4, 1)),
        ] {
            assert_eq!(of_ten(field), Ok(RangeAnswer::Part(expected)), "{field}");
        }
    }

    #[test]
    fn what_is_malformed_is_ignored() {
        for field in [
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=1-2-3",
            "lines=1-2",
            "bytes=+1-2",
            "",
        ] {
            assert_eq!(of_ten(field), Ok(RangeAnswer::Whole), "{field}");
        }
        assert_eq!(select(None, 10), Ok(RangeAnswer::Whole));
    }

    #[test]
    fn what_lies_outside_cannot_be_satisfied() {
        for field in [
            "bytes=10-",
            "bytes=10-20",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(of_ten(field), Err(RangeError), "{field}");
        }
        assert_eq!(select(Some("bytes=0-"), 0), Err(RangeError));
        assert_eq!(select(Some("bytes=-5"), 0), Err(RangeError));
    }

    #[test]
    fn several_ranges_keep_their_order() {
        assert_eq!(
            of_ten("bytes=6-7,0-1"),
            Ok(RangeAnswer::Parts(vec![part(6, 2), part(0, 2)]))
        );
        assert_eq!(
            of_ten("bytes=0-1,2-3"),
            Ok(RangeAnswer::Parts(vec![part(0, 2), part(2, 2)]))
        );
    }

    #[test]
    fn overlapping_and_too_many_ranges_are_answered_with_the_whole() {
        assert_eq!(of_ten("bytes=0-5,5-6"), Ok(RangeAnswer::Whole));
        let many = |count: u64| {
            (0..count)
                .map(|n| format!("{n}-{n}"))
                .collect::<Vec<_>>()
                .join(",")
        };
        assert!(matches!(
            select(Some(&format!("bytes={}", many(50))), 100),
            Ok(RangeAnswer::Parts(_))
        ));
        assert_eq!(
            select(Some(&format!("bytes={}", many(51))), 100),
            Ok(RangeAnswer::Whole)
        );
    }
}
