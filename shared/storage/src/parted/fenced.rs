//! Parts whose names have the fence of their writer, so that no two writers use one name: whoever
//! was cut off can't replace a part of another one, and what was not recorded is left out.

use serde::{Deserialize, Serialize};

use super::growing::Recorded;

/// The recorded parts of an object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FencedParts {
    /// In their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<FencedPart>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct FencedPart {
    fence: u64,
    n: i32,
    size: u64,
}

impl FencedParts {
    /// Adds a part.
    pub(crate) fn add(&mut self, fence: u64, n: i32, size: usize) {
        let size = size as u64;
        self.parts.push(FencedPart { fence, n, size });
    }

    /// Returns their names, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.parts.iter().map(|part| part_name(part.fence, part.n))
    }
}

impl Recorded for FencedParts {
    fn count(&self) -> usize {
        self.parts.len()
    }

    fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }
}

/// Returns the name of a part; all have one length.
pub(crate) fn part_name(fence: u64, number: i32) -> String {
    format!("{fence:016x}-{number:06}")
}
