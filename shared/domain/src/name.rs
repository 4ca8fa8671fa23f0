//! Names of documents and users, validated once.

use std::fmt;
use std::str::FromStr;

pub use casefold::fold;
use serde::Serialize;

/// An invalid name; shown to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Too short or too long, counted in Unicode scalar values after trimming.
    #[error("must have {min} to {max} characters, not {found}")]
    Length {
        /// The minimum.
        min: usize,
        /// The maximum.
        max: usize,
        /// The actual number.
        found: usize,
    },
    /// A forbidden character.
    #[error("must not contain control characters, '/', '\\' or bidirectional overrides")]
    Character,
    /// `.` or `..`.
    #[error("must not be '.' or '..'")]
    Dots,
    /// A unique name outside its alphabet.
    #[error("must consist of a-z, 0-9, '.', '_' and '-', and start and end with a letter or digit")]
    Alphabet,
}

macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// A document's name: 1–255 characters after trimming, without control
/// characters, path separators or bidi overrides; not normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DocumentName(String);

text!(DocumentName);

impl DocumentName {
    /// The maximum number of characters.
    pub const MAX_CHARACTERS: usize = 255;
}

impl FromStr for DocumentName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        plain_name(text, Self::MAX_CHARACTERS).map(Self)
    }
}

impl DocumentName {
    /// The name as searches compare it, case-folded and normalised ([`fold`]); the same on every
    /// database.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// A user's name: 1–255 characters under the rules of a document's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct UserName(String);

text!(UserName);

impl FromStr for UserName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        plain_name(text, 255).map(Self)
    }
}

impl UserName {
    /// The name of a user whose token has no valid name.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self("user".to_owned())
    }
}

/// A key's name, a label for its user: 1–100 characters under the rules of a document's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct KeyName(String);

text!(KeyName);

impl FromStr for KeyName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        plain_name(text, 100).map(Self)
    }
}

/// A name that is unique in the whole service: 3–128 characters of
/// `[a-z0-9._-]`, with a letter or digit at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct UniqueName(String);

text!(UniqueName);

impl FromStr for UniqueName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = |byte: &u8| edge(byte) || b"._-".contains(byte);
        let bytes = text.as_bytes();
        if !bytes.iter().all(inner) {
            return Err(InvalidName::Alphabet);
        }
        if !(3..=128).contains(&bytes.len()) {
            return Err(InvalidName::Length {
                min: 3,
                max: 128,
                found: bytes.len(),
            });
        }
        let ends = [bytes.first(), bytes.last()];
        if !ends.into_iter().flatten().all(edge) {
            return Err(InvalidName::Alphabet);
        }
        Ok(Self(text.to_owned()))
    }
}

fn plain_name(text: &str, max: usize) -> Result<String, InvalidName> {
    let text = text.trim();
    let found = text.chars().count();
    if !(1..=max).contains(&found) {
        return Err(InvalidName::Length { min: 1, max, found });
    }
    if text.chars().any(is_refused) {
        return Err(InvalidName::Character);
    }
    if matches!(text, "." | "..") {
        return Err(InvalidName::Dots);
    }
    Ok(text.to_owned())
}

fn is_refused(character: char) -> bool {
    character.is_control()
        || matches!(character, '/' | '\\' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_name_is_trimmed_and_counted_in_characters() {
        assert_eq!(
            "  report.pdf\u{3000}"
                .parse::<DocumentName>()
                .unwrap()
                .as_str(),
            "report.pdf"
        );
        assert!("é".repeat(255).parse::<DocumentName>().is_ok());
        assert!("é".repeat(256).parse::<DocumentName>().is_err());
    }

    #[test]
    fn a_folded_part_is_a_part_of_the_folded_name() {
        for (name, part) in [
            ("ΟΔΟΣ.PDF", "οδος"),
            ("οδός.pdf", "ΟΔΌΣ"),
            ("Straße", "STRASSE"),
            ("STRAẞE", "straß"),
            ("U\u{308}bersicht", "üb"),
        ] {
            assert!(fold(name).contains(&fold(part)), "{name} {part}");
        }
    }

    #[test]
    fn dangerous_document_names_are_refused() {
        for wrong in [
            "",
            " ",
            "a/b",
            "a\\b",
            "a\nb",
            "a\u{85}b",
            "\u{202E}cod.exe",
            "\u{2066}x",
            ".",
            "..",
        ] {
            assert!(wrong.parse::<DocumentName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_unique_name_keeps_to_its_alphabet() {
        for right in ["abc", "a.b", "annual_report-2026", "0-9"] {
            assert!(right.parse::<UniqueName>().is_ok(), "{right}");
        }
        for wrong in ["ab", "Abc", "-ab", "ab.", "a b", "äbc", ""] {
            assert!(wrong.parse::<UniqueName>().is_err(), "{wrong}");
        }
        assert!("a".repeat(129).parse::<UniqueName>().is_err());
    }
}
