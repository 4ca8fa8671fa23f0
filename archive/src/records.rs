//! The records of the format, byte for byte: the one place that knows their layout.

use crate::method::Method;
use crate::numbers::Fields;

pub(crate) const LOCAL: &[u8; 4] = b"PK\x03\x04";
pub(crate) const CENTRAL: &[u8; 4] = b"PK\x01\x02";
pub(crate) const END: &[u8; 4] = b"PK\x05\x06";
pub(crate) const WIDE_END: &[u8; 4] = b"PK\x06\x06";
pub(crate) const WIDE_LOCATOR: &[u8; 4] = b"PK\x06\x07";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";

pub(crate) const LOCAL_LENGTH: u64 = 30;
pub(crate) const CENTRAL_LENGTH: usize = 46;
pub(crate) const END_LENGTH: usize = 22;
pub(crate) const WIDE_LOCATOR_LENGTH: usize = 20;
pub(crate) const WIDE_END_LENGTH: usize = 56;

/// A number that is said elsewhere, in the Zip64 field.
pub(crate) const ELSEWHERE: u32 = u32::MAX;
pub(crate) const ELSEWHERE_16: u16 = u16::MAX;

const WIDE_FIELD: u16 = 1;
const UNICODE_PATH_FIELD: u16 = 0x7075;

pub(crate) const FLAG_ENCRYPTED: u16 = 1;
pub(crate) const FLAG_STREAMED: u16 = 1 << 3;
pub(crate) const FLAG_PATCH: u16 = 1 << 5;
pub(crate) const FLAG_STRONG: u16 = 1 << 6;
pub(crate) const FLAG_UTF8: u16 = 1 << 11;
pub(crate) const FLAG_MASKED: u16 = 1 << 13;

/// Made by version 4.5 on Unix, whose file modes follow.
const MADE_BY: u16 = 3 * 256 + 45;
const ORDINARY_FILE: u32 = 0o100_644 << 16;

/// An entry as the writer describes it.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) name: Vec<u8>,
    pub(crate) method: Method,
    /// Its sizes come after its bytes.
    pub(crate) streamed: bool,
    /// Its sizes are written in 64 bits beside its bytes.
    pub(crate) wide: bool,
    pub(crate) dos: (u16, u16),
    pub(crate) extended: Vec<u8>,
    pub(crate) crc32: u32,
    pub(crate) packed: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
}

impl Written {
    const fn flags(&self) -> u16 {
        FLAG_UTF8 | if self.streamed { FLAG_STREAMED } else { 0 }
    }
}

fn short(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(ELSEWHERE)
}

fn length_of(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}

/// What local header and directory say alike, from the version on.
fn shared_fields(
    entry: &Written,
    version: u16,
    crc: u32,
    packed: u32,
    size: u32,
    extra: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(26);
    out.extend(version.to_le_bytes());
    out.extend(entry.flags().to_le_bytes());
    out.extend(entry.method.number().to_le_bytes());
    out.extend(entry.dos.0.to_le_bytes());
    out.extend(entry.dos.1.to_le_bytes());
    out.extend(crc.to_le_bytes());
    out.extend(packed.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(length_of(&entry.name).to_le_bytes());
    out.extend(length_of(extra).to_le_bytes());
    out
}

/// The header before the bytes of an entry.
pub(crate) fn local(entry: &Written) -> Vec<u8> {
    let mut extra = Vec::new();
    let (mut packed, mut size) = (short(entry.packed), short(entry.size));
    if entry.wide {
        (packed, size) = (ELSEWHERE, ELSEWHERE);
        extra.extend(WIDE_FIELD.to_le_bytes());
        extra.extend(16_u16.to_le_bytes());
        extra.extend(entry.size.to_le_bytes());
        extra.extend(entry.packed.to_le_bytes());
    }
    extra.extend(&entry.extended);
    let version = if entry.wide { 45 } else { 20 };
    let mut out = LOCAL.to_vec();
    out.extend(shared_fields(
        entry,
        version,
        entry.crc32,
        packed,
        size,
        &extra,
    ));
    out.extend(&entry.name);
    out.extend(extra);
    out
}

/// What follows the bytes of an entry whose sizes were not known before.
pub(crate) fn descriptor(entry: &Written) -> Vec<u8> {
    let mut out = DESCRIPTOR.to_vec();
    out.extend(entry.crc32.to_le_bytes());
    if entry.wide {
        out.extend(entry.packed.to_le_bytes());
        out.extend(entry.size.to_le_bytes());
    } else {
        out.extend(short(entry.packed).to_le_bytes());
        out.extend(short(entry.size).to_le_bytes());
    }
    out
}

/// The entry in the directory.
pub(crate) fn central(entry: &Written) -> Vec<u8> {
    let is_wide = |value: u64| value >= u64::from(ELSEWHERE);
    let wide: Vec<u8> = [entry.size, entry.packed, entry.offset]
        .into_iter()
        .filter(|value| is_wide(*value))
        .flat_map(u64::to_le_bytes)
        .collect();
    let mut extra = Vec::new();
    if !wide.is_empty() {
        extra.extend(WIDE_FIELD.to_le_bytes());
        extra.extend(length_of(&wide).to_le_bytes());
        extra.extend(&wide);
    }
    extra.extend(&entry.extended);
    let version = if entry.wide || !wide.is_empty() {
        45
    } else {
        20
    };
    let mut out = CENTRAL.to_vec();
    out.extend(MADE_BY.to_le_bytes());
    out.extend(shared_fields(
        entry,
        version,
        entry.crc32,
        short(entry.packed),
        short(entry.size),
        &extra,
    ));
    // No comment, first volume, no internal attributes.
    out.extend([0; 6]);
    out.extend(ORDINARY_FILE.to_le_bytes());
    out.extend(short(entry.offset).to_le_bytes());
    out.extend(&entry.name);
    out.extend(extra);
    out
}

/// What follows the directory, which begins at `offset` and has `size` bytes.
pub(crate) fn end(entries: u64, offset: u64, size: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let few = u16::try_from(entries).unwrap_or(ELSEWHERE_16);
    if few == ELSEWHERE_16 || short(offset) == ELSEWHERE || short(size) == ELSEWHERE {
        out.extend(WIDE_END);
        out.extend((WIDE_END_LENGTH as u64 - 12).to_le_bytes());
        out.extend(MADE_BY.to_le_bytes());
        out.extend(45_u16.to_le_bytes());
        out.extend([0; 8]);
        for value in [entries, entries, size, offset] {
            out.extend(value.to_le_bytes());
        }
        out.extend(WIDE_LOCATOR);
        out.extend(0_u32.to_le_bytes());
        out.extend((offset + size).to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    out.extend(END);
    out.extend([0; 4]);
    out.extend(few.to_le_bytes());
    out.extend(few.to_le_bytes());
    out.extend(short(size).to_le_bytes());
    out.extend(short(offset).to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    out
}

/// An entry as some archive's directory has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Central<'a> {
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc32: u32,
    pub(crate) packed: u64,
    pub(crate) size: u64,
    pub(crate) volume: u32,
    pub(crate) attributes: u32,
    pub(crate) offset: u64,
    pub(crate) name: &'a [u8],
    pub(crate) extra: &'a [u8],
}

/// The lengths of the record that `bytes` begin with: fixed, name, extra, comment.
pub(crate) fn central_length(bytes: &[u8]) -> Option<usize> {
    let mut fields = Fields(bytes.get(28..CENTRAL_LENGTH)?);
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    Some(CENTRAL_LENGTH + usize::from(name) + usize::from(extra) + usize::from(comment))
}

/// Reads one record of the directory; `None` if it is not one.
pub(crate) fn read_central(bytes: &[u8]) -> Option<Central<'_>> {
    let mut fields = Fields(bytes);
    if fields.bytes(4)? != CENTRAL {
        return None;
    }
    let _versions = fields.u32()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    let _modified = fields.u32()?;
    let crc32 = fields.u32()?;
    let (packed, size) = (fields.u32()?, fields.u32()?);
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let volume = fields.u16()?;
    let _internal = fields.u16()?;
    let attributes = fields.u32()?;
    let offset = fields.u32()?;
    let name = fields.bytes(usize::from(name))?;
    let extra = fields.bytes(usize::from(extra))?;
    fields.bytes(usize::from(comment))?;
    let mut wide = Fields(extra_field(extra, WIDE_FIELD).unwrap_or_default());
    let mut wide_if = |value: u32| -> Option<u64> {
        if value == ELSEWHERE {
            wide.u64()
        } else {
            Some(u64::from(value))
        }
    };
    let (size, packed, offset) = (wide_if(size)?, wide_if(packed)?, wide_if(offset)?);
    let volume = if volume == ELSEWHERE_16 {
        wide.u32()?
    } else {
        u32::from(volume)
    };
    Some(Central {
        flags,
        method,
        crc32,
        packed,
        size,
        volume,
        attributes,
        offset,
        name,
        extra,
    })
}

/// The header before the bytes of an entry, as some archive has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Local<'a> {
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc32: u32,
    /// `None` if a Zip64 field was to say it, and doesn't.
    pub(crate) packed: Option<u64>,
    pub(crate) size: Option<u64>,
    pub(crate) name: &'a [u8],
}

/// How long the header is that `bytes` begin with.
pub(crate) fn local_length(bytes: &[u8]) -> Option<usize> {
    let mut fields = Fields(bytes.get(26..30)?);
    Some(30 + usize::from(fields.u16()?) + usize::from(fields.u16()?))
}

/// Reads a local header; `None` if it is not one.
pub(crate) fn read_local(bytes: &[u8]) -> Option<Local<'_>> {
    let mut fields = Fields(bytes);
    if fields.bytes(4)? != LOCAL {
        return None;
    }
    let _version = fields.u16()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    let _modified = fields.u32()?;
    let crc32 = fields.u32()?;
    let (packed, size) = (fields.u32()?, fields.u32()?);
    let (name, extra) = (fields.u16()?, fields.u16()?);
    let name = fields.bytes(usize::from(name))?;
    let extra = fields.bytes(usize::from(extra))?;
    let mut wide = Fields(extra_field(extra, WIDE_FIELD).unwrap_or_default());
    let mut wide_if = |value: u32| {
        if value == ELSEWHERE {
            wide.u64()
        } else {
            Some(u64::from(value))
        }
    };
    let (size, packed) = (wide_if(size), wide_if(packed));
    Some(Local {
        flags,
        method,
        crc32,
        packed,
        size,
        name,
    })
}

/// A name in UTF-8 that stands beside one in an older encoding, if it belongs to it.
pub(crate) fn unicode_path<'a>(extra: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let mut fields = Fields(extra_field(extra, UNICODE_PATH_FIELD)?);
    let version = fields.bytes(1)?;
    let of = fields.u32()?;
    (version == [1] && of == crc32fast::hash(name))
        .then(|| std::str::from_utf8(fields.0).ok())
        .flatten()
}

fn extra_field(extra: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut fields = Fields(extra);
    loop {
        let (id, length) = (fields.u16()?, fields.u16()?);
        let content = fields.bytes(usize::from(length))?;
        if id == wanted {
            return Some(content);
        }
    }
}
