//! Reads a file as a stream: a small one that is in memory at once, others as large chunks on blocking
//! threads.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::io::IoSliceMut;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
#[cfg(target_os = "linux")]
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
#[cfg(target_os = "linux")]
use rustix::io::{ReadWriteFlags, preadv2};

use super::outcome::{blocking, is_missing, stat_of};
use crate::{ByteStream, Range};

/// The size of a chunk.
const CHUNK: u64 = 256 << 10;

/// Up to this size a file is read when it is opened, so that it takes one blocking call.
const SMALL: u64 = 16 << 10;

/// The rest of a file to read.
#[derive(Debug)]
pub(super) struct Reading {
    file: Arc<File>,
    /// The whole of it, if that is small.
    read: Option<Bytes>,
    next: u64,
    end: u64,
}

impl Reading {
    /// Reads the small file at `path` without waiting for a disk, which takes less time than to wake
    /// another thread. `None` if its name or its bytes are not in memory, or it isn't small.
    #[cfg(target_os = "linux")]
    pub(super) fn in_memory(path: &Path, range: Option<Range>) -> Option<Self> {
        // A pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok()?;
        let file = File::from(file);
        let Range { start, length } = match range {
            Some(range) => range,
            None => Range {
                start: 0,
                length: file.metadata().ok()?.len(),
            },
        };
        if !(1..=SMALL).contains(&length) {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        let slices = &mut [IoSliceMut::new(&mut bytes)];
        let read = preadv2(&file, slices, start, ReadWriteFlags::NOWAIT).ok()?;
        // A part of it is on the disk.
        (read == bytes.len()).then(|| Self {
            file: Arc::new(file),
            read: Some(bytes.into()),
            next: start,
            end: start.saturating_add(length),
        })
    }

    /// Other systems can't say what is in memory.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn in_memory(_: &Path, _: Option<Range>) -> Option<Self> {
        None
    }

    /// Opens the file at `path`; `None` if it does not exist.
    pub(super) fn open(path: &Path, range: Option<Range>) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if is_missing(&error) => return Ok(None),
            opened => opened?,
        };
        let Some(stat) = stat_of(&file.metadata()?)? else {
            return Ok(None);
        };
        let range = range.unwrap_or(Range {
            start: 0,
            length: stat.size.bytes(),
        });
        let read = match range.length {
            1..=SMALL => Some(read(&file, range.start, range.length)?),
            _ => None,
        };
        Ok(Some(Self {
            file: Arc::new(file),
            read,
            next: range.start,
            end: range.start.saturating_add(range.length),
        }))
    }

    /// Returns the bytes as a lazy stream; a small file is read already.
    pub(super) fn stream(self) -> ByteStream {
        Box::pin(stream::try_unfold(self, |mut reading| async move {
            let wanted = (reading.end - reading.next).min(CHUNK);
            if wanted == 0 {
                return Ok(None);
            }
            let chunk = if let Some(whole) = reading.read.take() {
                whole
            } else {
                let (file, start) = (Arc::clone(&reading.file), reading.next);
                blocking("read", move || read(&file, start, wanted)).await?
            };
            reading.next += wanted;
            Ok(Some((chunk, reading)))
        }))
    }
}

fn read(file: &File, start: u64, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length).map_err(|_| ErrorKind::InvalidInput)?;
    let mut chunk = vec![0; length];
    file.read_exact_at(&mut chunk, start)?;
    Ok(chunk.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;

    #[tokio::test]
    async fn a_small_file_in_memory_is_read_at_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let part = Range {
            start: 3,
            length: 4,
        };
        let wanted = [(None, "0123456789"), (Some(part), "3456")];
        for (range, expected) in wanted {
            let blocking = Reading::open(&path, range).unwrap().unwrap();
            let readings = [Reading::in_memory(&path, range), Some(blocking)];
            for reading in readings.into_iter().flatten() {
                let chunks: Vec<_> = reading.stream().try_collect().await.unwrap();
                assert_eq!(chunks.concat(), expected.as_bytes());
            }
        }
    }

    #[test]
    fn what_is_not_small_or_not_whole_is_left_to_blocking_threads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(Reading::in_memory(&path, None).is_none());
        std::fs::write(&path, b"").unwrap();
        assert!(Reading::in_memory(&path, None).is_none());
        std::fs::write(&path, vec![0; 1 + usize::try_from(SMALL).unwrap()]).unwrap();
        assert!(Reading::in_memory(&path, None).is_none());
        let behind = Range {
            start: SMALL,
            length: 2,
        };
        assert!(Reading::in_memory(&path, Some(behind)).is_none());
        assert!(Reading::in_memory(folder.path(), None).is_none());
    }
}
