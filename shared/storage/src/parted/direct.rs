//! The parts of an upload that its client writes straight into a place.

use serde::{Deserialize, Serialize};

use crate::{DirectUpload, StorageError, WrittenPart};
use domain::{ByteSize, read_json};

/// Uploads up to this size are one request.
const WHOLE: u64 = 64 << 20;

/// Into how many parts an upload is divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Division {
    /// The most parts, unless they would be larger than a service takes. Each is signed whenever the
    /// upload is read.
    pub most: u64,
    /// The largest part that the service takes, in bytes.
    pub largest: u64,
}

impl Division {
    /// Where a signature costs microseconds.
    pub(crate) const MANY: Self = Self {
        most: 1_000,
        largest: 4_000 << 20,
    };
}

/// What adapters record of an upload, as JSON in [`DirectUpload::parts`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct DirectParts {
    /// The size of all parts but the last; none if it is one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The service's name of the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
}

impl DirectParts {
    /// The parts of an upload of this size.
    pub(crate) fn of(size: ByteSize, division: Division) -> Self {
        let bytes = size.bytes();
        let part = bytes.div_ceil(division.most);
        let part = part.clamp(WHOLE, division.largest);
        Self {
            size: (bytes > WHOLE).then_some(part),
            upload: None,
        }
    }

    /// Reads what is recorded.
    pub(crate) fn read(upload: &DirectUpload) -> Result<Self, StorageError> {
        read_json(upload.parts.as_bytes()).map_err(|_| StorageError::Unavailable {
            action: "sign a URL",
            source: "the recorded parts of the upload can't be read".into(),
        })
    }

    /// Returns it as it is recorded.
    pub(crate) fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns number and size of each part.
    pub(crate) fn list(&self, whole: ByteSize) -> Vec<(u32, ByteSize)> {
        let Some(size) = self.size.filter(|size| *size > 0) else {
            return Vec::new();
        };
        let starts = (0..whole.bytes()).step_by(usize::try_from(size).unwrap_or(usize::MAX));
        let sizes = starts.map(|start| ByteSize::new(size.min(whole.bytes() - start)));
        (1..).zip(sizes).collect()
    }

    /// Returns whether these are all parts, each once.
    pub(crate) fn are_all(&self, whole: ByteSize, parts: &[WrittenPart]) -> bool {
        let mut numbers: Vec<_> = parts.iter().map(|part| part.number).collect();
        numbers.sort_unstable();
        let expected = self.list(whole);
        numbers
            .into_iter()
            .eq(expected.into_iter().map(|(number, _)| number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_few_and_add_up() {
        let mib = |mib: u64| ByteSize::new(mib << 20);
        assert!(
            DirectParts::of(mib(64), Division::MANY)
                .list(mib(64))
                .is_empty()
        );
        for size in [mib(65), mib(128), mib(5 << 10), mib(5 << 20)] {
            let parts = DirectParts::of(size, Division::MANY).list(size);
            let sum: u64 = parts.iter().map(|(_, size)| size.bytes()).sum();
            assert_eq!(sum, size.bytes());
            assert!(parts.len() <= 2_000, "{}", parts.len());
            let last = parts.last().unwrap();
            assert_eq!(last.0 as usize, parts.len());
        }
    }

    #[test]
    fn each_part_counts_once() {
        let size = ByteSize::new(WHOLE + 1);
        let parts = DirectParts::of(size, Division::MANY);
        let written = |numbers: &[u32]| {
            let tag = String::new();
            let part = |number: &u32| WrittenPart {
                number: *number,
                tag: tag.clone(),
            };
            numbers.iter().map(part).collect::<Vec<_>>()
        };
        assert!(parts.are_all(size, &written(&[2, 1])));
        for other in [&[][..], &[1], &[1, 1], &[1, 2, 3], &[1, 2, 2]] {
            assert!(!parts.are_all(size, &written(other)), "{other:?}");
        }
    }
}
