//! Gathers chunks until they are worth a blocking call.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Write};

use bytes::{Bytes, BytesMut};

/// The bytes that are worth a blocking call.
const FULL: usize = 512 << 10;

/// Smaller chunks are copied together: each may keep a much larger buffer alive.
const SMALL: usize = 16 << 10;

/// The most pieces in one system call (`IOV_MAX` is 1024).
const PIECES: usize = 256;

/// Chunks to write.
#[derive(Debug, Default)]
pub(super) struct Batch {
    chunks: Vec<Bytes>,
    tail: BytesMut,
    length: usize,
}

impl Batch {
    /// Appends a chunk.
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.length += chunk.len();
        if chunk.len() < SMALL {
            self.tail.extend_from_slice(&chunk);
        } else {
            self.end_tail();
            self.chunks.push(chunk);
        }
    }

    /// Returns its length in bytes.
    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// Returns whether the batch should be written.
    pub(super) fn is_full(&self) -> bool {
        self.length >= FULL
    }

    /// Appends everything to `file`.
    pub(super) fn write_to(mut self, file: &mut File) -> io::Result<()> {
        self.end_tail();
        for chunks in self.chunks.chunks(PIECES) {
            let mut slices: Vec<_> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
            write_all(file, &mut slices)?;
        }
        Ok(())
    }

    fn end_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push(self.tail.split().freeze());
        }
    }
}

fn write_all(file: &mut File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_all_sizes_are_written_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = File::create(&path).unwrap();
        let mut batch = Batch::default();
        let mut expected = Vec::new();
        for number in 0..2_000_u32 {
            let length = if number % 3 == 0 { SMALL } else { 7 };
            let chunk = vec![u8::try_from(number % 251).unwrap(); length];
            expected.extend_from_slice(&chunk);
            batch.push(chunk.into());
        }
        assert!(batch.is_full());
        batch.write_to(&mut file).unwrap();
        assert!(std::fs::read(&path).unwrap() == expected);
    }
}
