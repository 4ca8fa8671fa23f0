//! The records of an archive as the writer lays them out, byte for byte. How they are read,
//! `zip_records` knows.

use zip_records::{
    CENTRAL, ELSEWHERE, ELSEWHERE_16, END, FLAG_STREAMED, FLAG_UTF8, LOCAL, WIDE_END,
    WIDE_END_LENGTH, WIDE_LOCATOR,
};

use crate::method::Method;

const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";

const WIDE_FIELD: u16 = 1;

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
