//! Cursors of lists: opaque to clients, valid for one caller and one query.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Sha256, UserId, check_storable};

use super::CursorText;
use crate::problem::Problem;

/// The scope of a cursor: caller and query.
#[derive(Clone, Copy, Debug)]
pub struct Binding([u8; Self::BYTES]);

impl Binding {
    /// Enough to distinguish lists. A forged cursor reveals nothing: it is only a position in the
    /// caller's own list.
    const BYTES: usize = 8;

    /// Creates the scope of `caller` and `question`: the path and every parameter but the cursor.
    #[must_use]
    pub fn new(caller: UserId, question: &[&dyn fmt::Display]) -> Self {
        let text = question
            .iter()
            .fold(caller.to_string(), |text, part| format!("{text}\n{part}"));
        let mut bytes = [0; Self::BYTES];
        bytes.copy_from_slice(&Sha256::of(text.as_bytes()).as_bytes()[..Self::BYTES]);
        Self(bytes)
    }
}

/// Returns the cursor of the page after `position`.
#[must_use]
pub fn cursor(binding: Binding, position: &dyn fmt::Display) -> String {
    let mut bytes = binding.0.to_vec();
    bytes.extend_from_slice(position.to_string().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the position of a cursor, parsed by `parse`.
pub fn position<T>(
    binding: Binding,
    cursor: Option<&CursorText>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(CursorText(cursor)) = cursor else {
        return Ok(None);
    };
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let position = std::str::from_utf8(bytes.strip_prefix(&binding.0)?).ok()?;
        check_storable(position).ok()?;
        parse(position)
    };
    let foreign = || Problem::invalid_field("cursor", "is not a cursor of this list");
    read().map(Some).ok_or_else(foreign)
}

/// Truncates a list queried with one item more than `limit`, and returns whether there is a next
/// page.
pub fn cut<T>(mut items: Vec<T>, limit: Limit) -> (Vec<T>, bool) {
    let more = items.len() > usize::from(limit.0);
    items.truncate(limit.0.into());
    (items, more)
}

/// The page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    const DEFAULT: Self = Self(50);
    const MAX: u16 = 200;

    /// Parses `?limit=`.
    pub fn read(limit: Option<u32>) -> Result<Self, Problem> {
        let Some(limit) = limit else {
            return Ok(Self::DEFAULT);
        };
        let known = u16::try_from(limit)
            .ok()
            .filter(|limit| (1..=Self::MAX).contains(limit));
        known.map(Self).ok_or_else(|| {
            let detail = format!("must be from 1 to {}, not {limit}", Self::MAX);
            Problem::invalid_field("limit", detail)
        })
    }

    /// Returns the rows of a page.
    #[must_use]
    pub const fn rows(self) -> u16 {
        self.0
    }

    /// Returns the rows to query: one more, to detect a next page.
    #[must_use]
    pub fn and_one(self) -> u32 {
        u32::from(self.0) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(last: char) -> UserId {
        format!("0190a5c0-0000-7000-8000-00000000000{last}")
            .parse()
            .unwrap()
    }

    fn read(binding: Binding, cursor: &str) -> Result<Option<u32>, Problem> {
        position(binding, Some(&CursorText(cursor.to_owned())), |text| {
            text.parse().ok()
        })
    }

    #[test]
    fn a_cursor_leads_back_to_its_position() {
        let binding = Binding::new(user('1'), &[&"documents"]);
        assert_eq!(read(binding, &cursor(binding, &7)).unwrap(), Some(7));
        assert_eq!(position(binding, None, |_| Some(())).unwrap(), None);
    }

    #[test]
    fn a_cursor_of_another_caller_or_question_is_refused() {
        let ours = cursor(Binding::new(user('1'), &[&"documents"]), &7);
        let others = [
            Binding::new(user('2'), &[&"documents"]),
            Binding::new(user('1'), &[&"users"]),
        ];
        for other in others {
            assert!(read(other, &ours).is_err());
        }
        for broken in ["", "x", "!", "AAAAAAAAAAAAAAAA"] {
            assert!(read(others[0], broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_limit_is_from_1_to_200() {
        assert_eq!(Limit::read(None).unwrap().and_one(), 51);
        assert_eq!(Limit::read(Some(200)).unwrap().and_one(), 201);
        assert!(Limit::read(Some(0)).is_err());
        assert!(Limit::read(Some(201)).is_err());
    }
}
