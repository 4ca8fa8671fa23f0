//! The mark of a place: whose the bytes in it are. Adapters keep it under a name that is no key;
//! what follows from it, the room `ownership` says.

use serde::{Deserialize, Serialize};

use domain::{InstallationId, read_json};

/// The form of marks that this release writes and understands.
const FORMAT: u32 = 1;

/// A mark is a few dozen bytes: what is longer is none of ours.
pub(super) const LONGEST: usize = 4 << 10;

/// Whose a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// This installation's.
    Of(InstallationId),
    /// That of somebody whose mark this release doesn't understand.
    Unknown,
}

/// Whether a mark may take the place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// Only a place without a mark gets one.
    First,
    /// Whatever mark was there is gone.
    Over,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    installation: InstallationId,
}

/// The mark of `installation` as it is written: an object of JSON with `format` and `installation`.
pub(super) fn written(installation: InstallationId) -> Vec<u8> {
    let mark = Written {
        format: FORMAT,
        installation,
    };
    let mut text = serde_json::to_vec(&mark).expect("a number and an id are JSON");
    text.push(b'\n');
    text
}

/// What was written.
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
