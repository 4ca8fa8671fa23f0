//! The bytes of one entry: its header is held against the directory, they are
//! unpacked in pieces of bounded size, and never more of them than there are said to be.

use bytes::{Buf, Bytes, BytesMut};
use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};
use futures::{Stream, TryStreamExt};
use zip_records::{FLAG_ENCRYPTED, FLAG_STREAMED, LOCAL, LOCAL_LENGTH, Local, local_length};

use super::{Chunks, EntryError, Extent, Source};
use crate::method::Method;

/// The most that is given at once: a few packed bytes may be many.
const PIECE: usize = 256 * 1024;

/// What a header can take: two fields of 16 bits decide.
const LONGEST_HEADER: u64 = LOCAL_LENGTH as u64 + 2 * 65_535;

/// Reads one entry.
pub struct EntryReader {
    chunks: Chunks,
    /// Read, not yet unpacked; it ends where the entry does.
    packed: BytesMut,
    /// Packed bytes that are still to be read.
    left: u64,
    inflate: Option<Decompress>,
    /// The packed bytes have come to their own end.
    ended: bool,
    crc: Hasher,
    size: u64,
    extent: Extent,
}

impl EntryReader {
    /// Opens the entry at `extent`, which `check` of the same archive gave.
    pub async fn open(source: &dyn Source, extent: &Extent) -> Result<Self, EntryError> {
        let available = extent.limit.saturating_sub(extent.offset);
        let most = LONGEST_HEADER.saturating_add(extent.packed).min(available);
        let mut chunks = source
            .read(extent.offset, most)
            .await
            .map_err(EntryError::Source)?;
        let mut packed = BytesMut::new();
        let header = loop {
            if packed.len() >= LOCAL.len() && !packed.starts_with(LOCAL) {
                return Err(EntryError::Broken("there is no header"));
            }
            if let Some(header) = local_length(&packed).filter(|header| *header <= packed.len()) {
                break header;
            }
            let chunk = chunks.try_next().await.map_err(EntryError::Source)?;
            packed.extend_from_slice(&chunk.ok_or(EntryError::Broken("its header is cut"))?);
        };
        agree(&packed[..header], extent)?;
        if (header as u64).saturating_add(extent.packed) > available {
            return Err(EntryError::Broken("it overlaps with what follows it"));
        }
        packed.advance(header);
        let held = usize::try_from(extent.packed).unwrap_or(usize::MAX);
        packed.truncate(held);
        let inflate = match extent.method {
            Method::Stored => None,
            Method::Deflated => Some(Decompress::new(false)),
        };
        Ok(Self {
            chunks,
            left: extent.packed - packed.len() as u64,
            packed,
            inflate,
            ended: false,
            crc: Hasher::new(),
            size: 0,
            extent: *extent,
        })
    }

    /// The next bytes, at most 256 KiB of a packed entry; `None` at the end, once it is sure that
    /// all are there and right.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EntryError> {
        loop {
            if self.packed.is_empty() && self.left > 0 {
                self.read_on().await?;
            }
            let piece = match &mut self.inflate {
                None => self.packed.split().freeze(),
                Some(_) if self.ended => Bytes::new(),
                Some(inflate) => {
                    // One byte more than there should be, so that a lie shows.
                    let room = self.extent.size.saturating_sub(self.size).saturating_add(1);
                    let room = usize::try_from(room).unwrap_or(PIECE).min(PIECE);
                    let (piece, taken, ended) = unpack(inflate, &self.packed, room)?;
                    self.packed.advance(taken);
                    self.ended = ended;
                    if piece.is_empty() && taken == 0 && !ended && self.left == 0 {
                        return Err(EntryError::Broken("its packed bytes are cut"));
                    }
                    piece
                }
            };
            if !piece.is_empty() {
                self.crc.update(&piece);
                self.size += piece.len() as u64;
                if self.size > self.extent.size {
                    return Err(EntryError::Broken("it is larger than it says"));
                }
                return Ok(Some(piece));
            }
            if self.is_over() {
                return self.judge().map(|()| None);
            }
        }
    }

    /// The rest of the bytes. A caller that stops early hasn't read all that is checked.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, EntryError>> + Send {
        futures::stream::try_unfold(self, |mut entry| async move {
            Ok(entry.next().await?.map(|piece| (piece, entry)))
        })
    }

    async fn read_on(&mut self) -> Result<(), EntryError> {
        let chunk = self.chunks.try_next().await.map_err(EntryError::Source)?;
        let mut chunk = chunk.ok_or(EntryError::Source("the archive ends early".into()))?;
        chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= chunk.len() as u64;
        self.packed = BytesMut::from(chunk);
        Ok(())
    }

    fn is_over(&self) -> bool {
        let unpacked = self.inflate.is_none() || self.ended;
        unpacked && (self.left == 0 || self.ended)
    }

    fn judge(&self) -> Result<(), EntryError> {
        if self.left > 0 || !self.packed.is_empty() {
            return Err(EntryError::Broken("something stands behind its bytes"));
        }
        if self.size != self.extent.size {
            return Err(EntryError::Broken("it is smaller than it says"));
        }
        if self.crc.clone().finalize() != self.extent.crc32 {
            return Err(EntryError::Broken("its checksum is wrong"));
        }
        Ok(())
    }
}

/// A piece, how many packed bytes it took, and whether it was the last one.
fn unpack(
    inflate: &mut Decompress,
    packed: &[u8],
    room: usize,
) -> Result<(Bytes, usize, bool), EntryError> {
    let mut piece = Vec::with_capacity(room);
    let before = inflate.total_in();
    let status = inflate
        .decompress_vec(packed, &mut piece, FlushDecompress::None)
        .map_err(|_| EntryError::Broken("its packed bytes are not DEFLATE"))?;
    let taken = usize::try_from(inflate.total_in() - before).unwrap_or(packed.len());
    Ok((piece.into(), taken, status == Status::StreamEnd))
}

/// Whether the header says what the directory says.
fn agree(header: &[u8], extent: &Extent) -> Result<(), EntryError> {
    let Some(local) = Local::decode(header) else {
        return Err(EntryError::Broken("there is no header"));
    };
    let same_name = local.name.len() == usize::from(extent.name_length)
        && crc32fast::hash(local.name) == extent.name_crc32;
    if !same_name {
        return Err(EntryError::Broken("its header has another name"));
    }
    if local.method != extent.method.number() || local.flags & FLAG_ENCRYPTED != 0 {
        return Err(EntryError::Broken("its header has another method"));
    }
    // Where sizes come after the bytes, the header may leave them out.
    let streamed = local.flags & FLAG_STREAMED != 0;
    let fits =
        |said: Option<u64>, known: u64| said == Some(known) || (streamed && said.unwrap_or(0) == 0);
    if fits(local.packed, extent.packed)
        && fits(local.size, extent.size)
        && fits(Some(u64::from(local.crc32)), u64::from(extent.crc32))
    {
        Ok(())
    } else {
        Err(EntryError::Broken("its header has other sizes"))
    }
}
