//! Reads a manifest as a stream: holds one document at a time, and bounds bytes and documents
//! before parsing. Treats the input as hostile.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use archive::{EntryError, EntryReader};
use bytes::{Buf, Bytes};
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use super::description::Description;
use crate::archives::FORMAT;
use crate::attempt_error::AttemptError;

/// The longest description of a document: twice what the most versions take.
const LONGEST_DOCUMENT: usize = 8 << 20;

/// The bytes a manifest may have for each file of its archive, enough for full-length metadata,
/// names and digests, and a fixed extra.
const BYTES_PER_FILE: u64 = 24 << 10;
const BYTES_BESIDE: u64 = 1 << 20;

/// Why reading a manifest stopped.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is broken, of another format, or too large: it is treated as an ordinary file.
    NotAManifest,
    /// The receiver is gone.
    Dropped,
    /// Its bytes could not be read.
    AttemptError(AttemptError),
}

/// Returns the longest manifest allowed for an archive with `files` files.
pub(super) fn longest(files: usize) -> u64 {
    BYTES_PER_FILE.saturating_mul(files as u64) + BYTES_BESIDE
}

/// Reads a manifest and passes each of at most `most` documents to `take` until it returns `false`.
/// Blocks: call on a blocking thread.
pub(super) fn read(
    entry: EntryReader,
    runtime: &Handle,
    most: usize,
    take: impl FnMut(Description<'_>) -> bool,
) -> Result<(), Unread> {
    let allowance = Rc::new(Cell::new(LONGEST_DOCUMENT));
    let bytes = EntryBytes {
        entry,
        runtime,
        piece: Bytes::new(),
        allowance: Rc::clone(&allowance),
    };
    let is_dropped = Cell::new(false);
    let documents = Documents {
        allowance,
        most,
        take,
        is_dropped: &is_dropped,
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(bytes));
    let read = Whole(documents).deserialize(&mut json);
    match read.and_then(|()| json.end()) {
        Ok(()) => Ok(()),
        Err(_) if is_dropped.get() => Err(Unread::Dropped),
        Err(error) => Err(unread(error)),
    }
}

fn unread(error: serde_json::Error) -> Unread {
    if !error.is_io() {
        return Unread::NotAManifest;
    }
    match io::Error::from(error).downcast::<EntryError>() {
        Ok(EntryError::Source(error)) => Unread::AttemptError(AttemptError::internal(error)),
        Ok(EntryError::Broken(_)) | Err(_) => Unread::NotAManifest,
    }
}

/// The bytes of an entry, up to `allowance`.
struct EntryBytes<'a> {
    entry: EntryReader,
    runtime: &'a Handle,
    piece: Bytes,
    allowance: Rc<Cell<usize>>,
}

impl Read for EntryBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let next = self.runtime.block_on(self.entry.next());
            match next.map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        let left = self.allowance.get().checked_sub(length);
        let left = left.ok_or_else(|| io::Error::other("a document is too long"))?;
        self.allowance.set(left);
        buffer[..length].copy_from_slice(&self.piece[..length]);
        self.piece.advance(length);
        Ok(length)
    }
}

/// A manifest.
struct Whole<'a, F>(Documents<'a, F>);

impl<'de, F: FnMut(Description<'_>) -> bool> DeserializeSeed<'de> for Whole<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Format,
    Documents,
    #[serde(other)]
    Other,
}

impl<'de, F: FnMut(Description<'_>) -> bool> Visitor<'de> for Whole<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a manifest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut format: Option<u32> = None;
        let mut documents = Some(self.0);
        while let Some(member) = map.next_key::<Member>()? {
            match member {
                Member::Format if format.is_none() => format = Some(map.next_value()?),
                Member::Format => return Err(A::Error::duplicate_field("format")),
                Member::Documents => match documents.take() {
                    Some(documents) => map.next_value_seed(documents)?,
                    None => return Err(A::Error::duplicate_field("documents")),
                },
                Member::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if format == Some(FORMAT) && documents.is_none() {
            Ok(())
        } else {
            Err(A::Error::custom("it is of another format"))
        }
    }
}

/// The documents of a manifest.
struct Documents<'a, F> {
    allowance: Rc<Cell<usize>>,
    most: usize,
    take: F,
    is_dropped: &'a Cell<bool>,
}

impl<'de, F: FnMut(Description<'_>) -> bool> DeserializeSeed<'de> for Documents<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Description<'_>) -> bool> Visitor<'de> for Documents<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut found = 0;
        self.allowance.set(LONGEST_DOCUMENT);
        while let Some(written) = list.next_element::<Box<RawValue>>()? {
            found += 1;
            if found > self.most {
                return Err(A::Error::custom("it has more documents than files"));
            }
            if !(self.take)(Description::read(&written)) {
                self.is_dropped.set(true);
                return Err(A::Error::custom("the receiver is gone"));
            }
            self.allowance.set(LONGEST_DOCUMENT);
        }
        Ok(())
    }
}
