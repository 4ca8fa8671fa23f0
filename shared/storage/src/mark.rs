//! The mark of a place: the installation it belongs to. Adapters store it under a name that is not
//! a key; `ledger::ownership` enforces it.

use serde::{Deserialize, Serialize};

use domain::{InstallationId, read_json};

/// The format of marks of this release.
const FORMAT: u32 = 1;

/// The size limit of a mark, which has a few dozen bytes.
pub(super) const LONGEST: usize = 4 << 10;

/// The owner of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The given installation.
    Of(InstallationId),
    /// An unknown mark.
    Unknown,
}

/// Whether a mark may replace another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// Only marks places without a mark.
    First,
    /// Replaces any mark.
    Over,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    installation: InstallationId,
}

/// Encodes the mark of `installation`: a JSON object with `format` and `installation`.
pub(super) fn written(installation: InstallationId) -> Vec<u8> {
    let mark = Written {
        format: FORMAT,
        installation,
    };
    let mut text = serde_json::to_vec(&mark).expect("a number and an id are JSON");
    text.push(b'\n');
    text
}

/// Decodes a mark.
pub(super) fn read(text: &[u8]) -> Mark {
    match read_json(text) {
        Ok(Written {
            format: FORMAT,
            installation,
        }) => Mark::Of(installation),
        _ => Mark::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let installation = InstallationId::new(Timestamp::from_micros(0));
        let text = written(installation);
        assert_eq!(read(&text), Mark::Of(installation));
        assert!(text.len() < LONGEST);
        let later = String::from_utf8(text).unwrap().replace(":1,", ":2,");
        for other in ["", "{}", "\0\0", later.as_str()] {
            assert_eq!(read(other.as_bytes()), Mark::Unknown, "{other:?}");
        }
    }
}
