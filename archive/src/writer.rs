//! The bytes of an archive, in order, from entries given one after another. It
//! does no I/O: whoever calls it sends on what each call gives. It keeps the directory,
//! a few hundred bytes an entry at most, and nothing of the contents.

use std::cell::RefCell;

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

use crate::method::Method;
use crate::moment;
use crate::records::{self, Written};

/// Content never gets smaller than one of so many parts: it is taken for a bomb otherwise, by
/// us as well. What is at hand is stored then; of what comes piece by piece as much is stored
/// within the deflated bytes as that takes.
const DENSEST: usize = 100;

/// The longest block of stored bytes within deflated ones (RFC 1951, 3.2.4).
const LONGEST_BLOCK: usize = u16::MAX as usize;

/// What deflating may add to bytes that don't get smaller.
const GROWTH: u64 = 1 << 20;

/// What is said of an entry before its bytes.
#[derive(Clone, Copy, Debug)]
pub struct EntryHeader<'a> {
    /// Its path, at most 65,535 bytes.
    pub name: &'a str,
    /// How it is to be packed.
    pub method: Method,
    /// When it was last changed, in seconds since 1970.
    pub modified: i64,
    /// How long it is.
    pub size: u64,
}

/// Content that is packed: for those who pack several entries at once.
#[derive(Clone, Debug)]
pub struct Packed {
    method: Method,
    crc32: u32,
    size: u64,
    bytes: Bytes,
}

impl Packed {
    /// Packs `content`. It is deflated only if that makes it smaller, and not a hundred times.
    #[must_use]
    pub fn of(content: Bytes, method: Method) -> Self {
        let deflated = match method {
            Method::Stored => None,
            Method::Deflated => Some(deflated(&content)).filter(|packed| {
                packed.len() < content.len() && content.len() < packed.len() * DENSEST
            }),
        };
        let method = match deflated {
            Some(_) => Method::Deflated,
            None => Method::Stored,
        };
        Self {
            method,
            crc32: crc32fast::hash(&content),
            size: content.len() as u64,
            bytes: deflated.map_or(content, Bytes::from),
        }
    }

    /// The packed bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// An entry whose bytes are coming.
#[derive(Debug)]
pub struct OpenEntry {
    written: Written,
    expected: u64,
    deflate: Option<Compress>,
    crc: Hasher,
}

/// An entry that is longer or shorter than it was said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entry has {found} bytes, not {expected}")]
pub struct WrongLength {
    /// As it was said.
    pub expected: u64,
    /// As it came.
    pub found: u64,
}

/// Writes one archive.
#[derive(Debug, Default)]
pub struct Writer {
    offset: u64,
    entries: u64,
    directory: Vec<u8>,
}

impl Writer {
    /// An archive without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries it has.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// How many bytes it has so far.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.offset
    }

    /// What stands before the bytes of an entry that is packed already; they must follow.
    /// Its sizes are known, so that it can be read from a stream as well.
    pub fn packed(&mut self, header: &EntryHeader<'_>, packed: &Packed) -> Vec<u8> {
        let mut written = self.described(header, false);
        written.method = packed.method;
        written.crc32 = packed.crc32;
        written.size = packed.size;
        written.packed = packed.bytes.len() as u64;
        written.wide = written.size >= u64::from(u32::MAX);
        let out = records::local(&written);
        self.offset += out.len() as u64 + written.packed;
        self.list(&written);
        out
    }

    /// An entry whose content is at hand.
    pub fn whole(&mut self, header: &EntryHeader<'_>, content: &[u8]) -> Vec<u8> {
        let packed = Packed::of(content.to_vec().into(), header.method);
        let mut out = self.packed(header, &packed);
        out.extend_from_slice(packed.bytes());
        out
    }

    /// Begins an entry whose bytes are given piece by piece. Its sizes come after it.
    pub fn begin(&mut self, header: &EntryHeader<'_>) -> (OpenEntry, Vec<u8>) {
        let mut written = self.described(header, true);
        written.wide =
            header.size.saturating_add(header.size / 1000 + GROWTH) >= u64::from(u32::MAX);
        let out = records::local(&written);
        self.offset += out.len() as u64;
        let deflate = match header.method {
            Method::Stored => None,
            Method::Deflated => Some(deflater()),
        };
        let open = OpenEntry {
            written,
            expected: header.size,
            deflate,
            crc: Hasher::new(),
        };
        (open, out)
    }

    /// The next bytes of an entry. What it gives may be empty.
    pub fn write(&mut self, open: &mut OpenEntry, chunk: &[u8]) -> Vec<u8> {
        open.crc.update(chunk);
        open.written.size += chunk.len() as u64;
        let out = match &mut open.deflate {
            None => chunk.to_vec(),
            Some(deflate) => {
                let mut out = Vec::with_capacity(chunk.len() / 2 + 64);
                let least = open.written.size / DENSEST as u64 + 1;
                let missing = least.saturating_sub(open.written.packed);
                let missing = usize::try_from(missing).unwrap_or(chunk.len());
                let (plain, rest) = chunk.split_at(missing.min(chunk.len()));
                store(deflate, plain, &mut out);
                run(deflate, rest, &mut out, FlushCompress::None);
                out
            }
        };
        open.written.packed += out.len() as u64;
        self.offset += out.len() as u64;
        out
    }

    /// The end of an entry. One that is longer or shorter than it was said to be is
    /// left out of the archive, as if it were abandoned.
    pub fn end(&mut self, mut open: OpenEntry) -> Result<Vec<u8>, WrongLength> {
        if open.written.size != open.expected {
            return Err(WrongLength {
                expected: open.expected,
                found: open.written.size,
            });
        }
        let mut out = Vec::new();
        if let Some(deflate) = &mut open.deflate {
            run(deflate, &[], &mut out, FlushCompress::Finish);
        }
        open.written.packed += out.len() as u64;
        open.written.crc32 = open.crc.finalize();
        out.extend(records::descriptor(&open.written));
        self.offset += out.len() as u64;
        self.list(&open.written);
        Ok(out)
    }

    /// Leaves an entry that was begun out of the directory. What was written of it
    /// stays between the others, where nobody looks for an entry.
    pub fn abandon(&mut self, open: OpenEntry) {
        drop(open);
    }

    /// The directory and the end of the archive.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let end = records::end(self.entries, self.offset, self.directory.len() as u64);
        self.directory.extend(end);
        self.directory
    }

    fn described(&self, header: &EntryHeader<'_>, streamed: bool) -> Written {
        Written {
            name: header.name.as_bytes().to_vec(),
            method: header.method,
            streamed,
            wide: false,
            dos: moment::dos(header.modified),
            extended: moment::extended(header.modified),
            crc32: 0,
            packed: 0,
            size: 0,
            offset: self.offset,
        }
    }

    fn list(&mut self, written: &Written) {
        self.directory.extend(records::central(written));
        self.entries += 1;
    }
}

thread_local! {
    /// The state of a deflater takes a quarter of a mebibyte. If each of many small files had
    /// its own, the allocator's memory would be fragmented and not returned.
    static DEFLATE: RefCell<Compress> = RefCell::new(deflater());
}

fn deflated(content: &[u8]) -> Vec<u8> {
    DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset();
        let mut out = Vec::with_capacity(content.len() / 2 + 64);
        run(deflate, content, &mut out, FlushCompress::Finish);
        out
    })
}

fn deflater() -> Compress {
    Compress::new(Compression::default(), false)
}

/// Puts bytes as they are into the deflated ones. All that was before them is written out, and
/// nothing after them refers to it: to the deflater it is as if they had never been.
fn store(deflate: &mut Compress, plain: &[u8], out: &mut Vec<u8>) {
    if plain.is_empty() {
        return;
    }
    run(deflate, &[], out, FlushCompress::Full);
    for block in plain.chunks(LONGEST_BLOCK) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
}

/// Packs all of `chunk`; memory for it is made as it is needed.
fn run(deflate: &mut Compress, mut chunk: &[u8], out: &mut Vec<u8>, flush: FlushCompress) {
    loop {
        if out.len() == out.capacity() {
            out.reserve(32 * 1024);
        }
        let before = deflate.total_in();
        let status = deflate
            .compress_vec(chunk, out, flush)
            .expect("a stream that has not ended takes whatever bytes there are");
        let taken = usize::try_from(deflate.total_in() - before).unwrap_or(chunk.len());
        chunk = &chunk[taken..];
        let done = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => chunk.is_empty() && out.len() < out.capacity(),
        };
        if done {
            return;
        }
    }
}
