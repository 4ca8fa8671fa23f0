//! Splits a source of unknown length into parts.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;

use crate::{SourceError, SourceStream};

/// The size of the first parts; an object that fits into one is sent in one request.
const SMALLEST: usize = 8 << 20;

/// The number of parts before the part size doubles: the maximum of 10,000 parts then exceed the
/// maximum object of 5 TiB.
const OF_ONE_SIZE: i32 = 1_000;

/// The initial capacity for a part of several chunks.
const ROOM: usize = 64 << 10;

/// Returns the size of the part with this number, from 1.
pub(crate) fn part_size(number: i32) -> usize {
    SMALLEST << ((number - 1) / OF_ONE_SIZE)
}

/// The parts of a source.
pub(crate) struct Parts<'s> {
    source: SourceStream<'s>,
    rest: Bytes,
}

impl<'s> Parts<'s> {
    /// Creates the parts of `source`.
    pub(crate) fn of(source: SourceStream<'s>) -> Self {
        let rest = Bytes::new();
        Self { source, rest }
    }

    /// Returns the next `size` bytes; fewer only at the end.
    pub(crate) async fn next(&mut self, size: usize) -> Result<Bytes, SourceError> {
        self.fill(Bytes::new(), size).await
    }

    /// Returns `begun` and the bytes after it, up to `size`; fewer only at the end.
    pub(crate) async fn fill(&mut self, begun: Bytes, size: usize) -> Result<Bytes, SourceError> {
        let mut part = Part::default();
        part.push(begun);
        while part.len() < size && !self.are_over().await? {
            let missing = size - part.len();
            part.push(self.rest.split_to(missing.min(self.rest.len())));
        }
        Ok(part.whole())
    }

    /// Returns whether the source has ended.
    pub(crate) async fn are_over(&mut self) -> Result<bool, SourceError> {
        while self.rest.is_empty() {
            match self.source.next().await {
                Some(chunk) => self.rest = chunk?,
                None => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// Converts to a request body: a single chunk as is, several copied together.
#[derive(Default)]
struct Part {
    only: Bytes,
    several: BytesMut,
}

impl Part {
    fn len(&self) -> usize {
        self.only.len() + self.several.len()
    }

    fn push(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.only = chunk;
            return;
        }
        if self.several.is_empty() {
            self.several
                .reserve(ROOM.max(self.only.len() + chunk.len()));
            self.several
                .extend_from_slice(&std::mem::take(&mut self.only));
        }
        self.several.extend_from_slice(&chunk);
    }

    fn whole(self) -> Bytes {
        if self.several.is_empty() {
            self.only
        } else {
            self.several.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[test]
    fn an_object_of_the_greatest_size_has_few_enough_parts() {
        let all: usize = (1..=10_000).map(part_size).sum();
        assert!(all > 5 << 40);
        assert!(part_size(10_000) <= 5 << 30, "a part has at most 5 GiB");
    }

    #[tokio::test]
    async fn parts_are_cut_wherever_chunks_end() {
        let text: Vec<u8> = (0..=255).collect();
        for chunk in [1, 3, 10, 100, 256] {
            let chunks = text
                .chunks(chunk)
                .map(|chunk| Ok(Bytes::copy_from_slice(chunk)));
            let mut parts = Parts::of(Box::pin(stream::iter(chunks)));
            let mut seen = Vec::new();
            while !parts.are_over().await.unwrap() {
                let part = parts.next(10).await.unwrap();
                assert_eq!(part.len(), 10.min(text.len() - seen.len()));
                seen.extend_from_slice(&part);
            }
            assert_eq!(seen, text);
        }
    }
}
