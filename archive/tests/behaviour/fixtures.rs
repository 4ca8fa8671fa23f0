//! Archives in memory, and archives written by hand with whatever lies a test wants.

use archive::{
    ArchiveError, Chunks, Contents, EntryError, EntryHeader, EntryReader, Limits, Listed, Method,
    Source, SourceError, Writer, check,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt, stream};

pub const LIMITS: Limits = Limits {
    entries: 100_000,
    bytes: 1 << 40,
    ratio: 200,
};

/// An archive that comes in pieces of this length.
pub struct InPieces(pub Bytes, pub usize);

#[async_trait]
impl Source for InPieces {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, offset: u64, length: u64) -> Result<Chunks, SourceError> {
        let start = usize::try_from(offset)?;
        let end = start
            .checked_add(usize::try_from(length)?)
            .filter(|end| *end <= self.0.len())
            .ok_or("a read beyond the end")?;
        let pieces: Vec<_> = (start..end)
            .step_by(self.1)
            .map(|at| Ok(self.0.slice(at..end.min(at + self.1))))
            .collect();
        Ok(stream::iter(pieces).boxed())
    }
}

pub fn source(archive: &[u8]) -> InPieces {
    InPieces(Bytes::copy_from_slice(archive), 1000)
}

pub fn contents(archive: &[u8]) -> Result<Contents, ArchiveError> {
    block_on(check(&source(archive), &LIMITS))
}

pub fn bytes_of(archive: &[u8], entry: &Listed) -> Result<Vec<u8>, EntryError> {
    block_on(async {
        let reader = EntryReader::open(&source(archive), &entry.extent).await?;
        let pieces: Vec<Bytes> = reader.into_stream().try_collect().await?;
        Ok(pieces.concat())
    })
}

/// An archive of these files, deflated.
pub fn written(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new();
    let mut archive = Vec::new();
    for (name, content) in files {
        archive.extend(writer.whole(&header(name, content), content));
    }
    archive.extend(writer.finish());
    archive
}

pub fn header<'a>(name: &'a str, content: &[u8]) -> EntryHeader<'a> {
    EntryHeader {
        name,
        method: Method::Deflated,
        modified: 1_700_000_000,
        size: content.len() as u64,
    }
}

/// An entry whose fields say what a test wants them to say.
#[derive(Clone)]
pub struct Forged {
    pub name: Vec<u8>,
    pub local_name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc32: u32,
    pub size: u32,
    pub local_size: u32,
    pub data: Vec<u8>,
    pub attributes: u32,
    pub volume: u16,
    /// Where the directory says that it is, if not where it is.
    pub offset: Option<u32>,
    pub extra: Vec<u8>,
}

/// An honest entry, stored.
pub fn honest(name: &str, data: &[u8]) -> Forged {
    let size = u32::try_from(data.len()).unwrap();
    Forged {
        name: name.as_bytes().to_vec(),
        local_name: name.as_bytes().to_vec(),
        flags: 0,
        method: 0,
        crc32: crc32(data),
        size,
        local_size: size,
        data: data.to_vec(),
        attributes: 0,
        volume: 0,
        offset: None,
        extra: Vec::new(),
    }
}

/// By the definition, so that the library is not checked against itself.
fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// Local headers and data, directory, end: the parts of a forged archive.
pub struct Parts {
    pub front: Vec<u8>,
    pub directory: Vec<u8>,
    pub count: u16,
}

pub fn parts(entries: &[Forged]) -> Parts {
    let (mut front, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = entry.offset.unwrap_or(u32::try_from(front.len()).unwrap());
        let packed = u32::try_from(entry.data.len()).unwrap();
        front.extend(b"PK\x03\x04\x14\0");
        front.extend(fields(entry, packed, entry.local_size));
        front.extend(u16::try_from(entry.local_name.len()).unwrap().to_le_bytes());
        front.extend(0_u16.to_le_bytes());
        front.extend(&entry.local_name);
        front.extend(&entry.data);

        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend(fields(entry, packed, entry.size));
        directory.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        directory.extend(u16::try_from(entry.extra.len()).unwrap().to_le_bytes());
        directory.extend(0_u16.to_le_bytes());
        directory.extend(entry.volume.to_le_bytes());
        directory.extend(0_u16.to_le_bytes());
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
        directory.extend(&entry.extra);
    }
    Parts {
        front,
        directory,
        count: u16::try_from(entries.len()).unwrap(),
    }
}

fn fields(entry: &Forged, packed: u32, size: u32) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(entry.flags.to_le_bytes());
    out.extend(entry.method.to_le_bytes());
    out.extend([0; 4]);
    out.extend(entry.crc32.to_le_bytes());
    out.extend(packed.to_le_bytes());
    out.extend(size.to_le_bytes());
    out
}

impl Parts {
    pub fn joined(&self) -> Vec<u8> {
        self.ending(self.count, u32::try_from(self.front.len()).unwrap(), b"")
    }

    /// With an end that says so many entries and that start.
    pub fn ending(&self, count: u16, start: u32, comment: &[u8]) -> Vec<u8> {
        let mut archive = [self.front.as_slice(), &self.directory].concat();
        archive.extend(b"PK\x05\x06\0\0\0\0");
        archive.extend(count.to_le_bytes());
        archive.extend(count.to_le_bytes());
        archive.extend(u32::try_from(self.directory.len()).unwrap().to_le_bytes());
        archive.extend(start.to_le_bytes());
        archive.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
        archive.extend(comment);
        archive
    }
}

pub fn forged(entries: &[Forged]) -> Vec<u8> {
    parts(entries).joined()
}
