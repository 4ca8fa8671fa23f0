//! Where bytes come from: random access for the layers, implemented by
//! callers for whatever holds a document; it never buffers and never judges.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Random access to the bytes being identified.
///
/// Implemented for byte slices, vectors and [`File`]; anything else that can
/// `Read + Seek` is wrapped in [`Seekable`]. Callers on object storage
/// implement it by blocking ranged reads: most documents take one to five of
/// them, none more than 42, and never more than a mebibyte in all.
pub trait Source {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// Bytes from `offset` on: `length` of them, fewer only at the end.
    fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Source for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(<[u8]>::len(self));
        let end = start.saturating_add(length).min(<[u8]>::len(self));
        Ok(self[start..end].to_vec())
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.as_slice().read_at(offset, length)
    }
}

impl Source for File {
    fn len(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        read_seekable(self, offset, length)
    }
}

/// Anything that can be read and sought, with its length measured once.
#[derive(Debug)]
pub struct Seekable<T> {
    inner: T,
    length: u64,
}

impl<T: Read + Seek> Seekable<T> {
    /// Measures `inner` by seeking to its end.
    pub fn new(mut inner: T) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        Ok(Self { inner, length })
    }
}

impl<T: Read + Seek> Source for Seekable<T> {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        read_seekable(&mut self.inner, offset, length)
    }
}

fn read_seekable(
    inner: &mut (impl Read + Seek),
    offset: u64,
    length: usize,
) -> io::Result<Vec<u8>> {
    inner.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    inner.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_read_is_short_only_at_the_end() {
        let mut slice: &[u8] = b"abcdef";
        let mut seekable = Seekable::new(Cursor::new(b"abcdef")).unwrap();
        for source in [&mut slice as &mut dyn Source, &mut seekable] {
            assert_eq!(source.len(), 6);
            assert_eq!(source.read_at(1, 3).unwrap(), b"bcd");
            assert_eq!(source.read_at(4, 30).unwrap(), b"ef");
            assert_eq!(source.read_at(600, 1).unwrap(), b"");
        }
    }
}
