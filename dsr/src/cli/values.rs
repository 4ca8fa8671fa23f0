//! Values of options: sizes, quotas, and whose documents are meant.

use std::str::FromStr;

use clap::Args;

/// For admins: what another user owns is read.
#[derive(Args, Debug)]
pub struct Owner {
    /// For admins: read what this user owns, by id or name
    #[arg(long, value_name = "USER")]
    pub owner: Option<String>,
}

/// A quota: a number, or the service's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// The default.
    Default,
    /// So much.
    Of(u64),
}

impl Quota {
    /// As the API has it.
    pub const fn value(self) -> Option<u64> {
        match self {
            Self::Default => None,
            Self::Of(value) => Some(value),
        }
    }
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "default" => Ok(Self::Default),
            other => size(other).map(Self::Of),
        }
    }
}

/// One of a list that may have blanks behind its commas.
#[expect(clippy::unnecessary_wraps, reason = "clap's parsers may fail")]
pub fn word(text: &str) -> Result<String, String> {
    Ok(text.trim().to_owned())
}

/// A size in bytes, or with a unit such as 50MiB, as settings of the service have it.
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err("the units are KiB, MiB, GiB and TiB, or KB, MB, GB and TB".to_owned()),
    };
    let number: Option<u64> = digits.trim_end().parse().ok();
    let size = number.and_then(|number| number.checked_mul(factor));
    size.ok_or_else(|| "not a size such as 1048576, 512KiB or 10GiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("0", 0),
            ("7", 7),
            ("512KiB", 512 << 10),
            ("3 MiB", 3 << 20),
            ("10g", 10 << 30),
            ("1MB", 1_000_000),
            ("2 kb", 2_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "x", "-1", "1.5MiB", "1PB", "99999999TiB", "1é"] {
            size(wrong).unwrap_err();
        }
        assert_eq!("default".parse(), Ok(Quota::Default));
        assert_eq!("1MiB".parse(), Ok(Quota::Of(1 << 20)));
    }
}
