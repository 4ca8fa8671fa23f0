//! How texts are compared and cut.

use super::Dialect;
use crate::values::Values;

impl Dialect {
    /// Behind a column of URLs: compares them byte by byte, as storage orders its objects and as
    /// the indexes on them do.
    pub const fn bytewise(self) -> &'static str {
        match self {
            Self::Postgres => " COLLATE \"C\"",
            Self::Sqlite => "",
        }
    }

    /// The condition that `column` contains `part`.
    pub fn contains(self, column: &str, part: String, values: &mut Values) -> String {
        match self {
            // In words that the index of trigrams serves.
            Self::Postgres => {
                let pattern = values.bind(format!("%{}%", literally(&part)));
                format!("{column} LIKE {pattern}")
            }
            Self::Sqlite => format!("instr({column}, {}) > 0", values.bind(part)),
        }
    }

    /// What stands before the slash in a column of media types, in the words of the index of
    /// families.
    pub fn family(self, column: &str) -> String {
        match self {
            Self::Postgres => format!("split_part({column}, '/', 1)"),
            Self::Sqlite => format!("substr({column}, 1, instr({column}, '/') - 1)"),
        }
    }

    /// The bytes that an expression gives in hexadecimal digits.
    pub fn bytes_of_hex(self, hex: &str) -> String {
        match self {
            Self::Postgres => format!("decode({hex}, 'hex')"),
            Self::Sqlite => format!("unhex({hex})"),
        }
    }
}

/// A text as a pattern of `LIKE` that only the text itself matches.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
