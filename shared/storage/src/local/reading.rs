//! Reads a file as a stream of large chunks on blocking threads.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;

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
