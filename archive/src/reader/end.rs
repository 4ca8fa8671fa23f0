//! The end of an archive: where its directory is, and whether all that is said of
//! that agrees. Of two readings none is chosen: the archive is refused.

use super::source::{Source, read_whole};
use super::{ArchiveError, Limits};
use crate::numbers::Fields;
use crate::records::{
    CENTRAL_LENGTH, ELSEWHERE, ELSEWHERE_16, END, END_LENGTH, WIDE_END, WIDE_END_LENGTH,
    WIDE_LOCATOR, WIDE_LOCATOR_LENGTH,
};

/// An end record with the longest comment, and what may stand before it.
const TAIL: u64 = (END_LENGTH + 65_535 + WIDE_LOCATOR_LENGTH) as u64;

/// The longest directory: 640 bytes for each of a hundred thousand entries. All of it
/// may have to be remembered.
const LONGEST_DIRECTORY: u64 = 64 << 20;

/// Where the directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) entries: u64,
    pub(super) start: u64,
    pub(super) size: u64,
}

/// What an end record says: its volumes, and the place.
struct End {
    offset: u64,
    volumes: (u16, u16),
    entries: (u16, u16),
    size: u32,
    start: u32,
}

/// Finds the directory.
pub(super) async fn locate(source: &dyn Source, limits: &Limits) -> Result<Place, ArchiveError> {
    let length = source.length();
    let tail_length = length.min(TAIL);
    let tail_start = length - tail_length;
    let tail = read_whole(
        source,
        tail_start,
        usize::try_from(tail_length).unwrap_or(0),
    )
    .await?;
    let end = find_end(&tail, tail_start)?;
    let end_at = usize::try_from(end.offset - tail_start).unwrap_or(0);
    let locator = end_at
        .checked_sub(WIDE_LOCATOR_LENGTH)
        .and_then(|at| tail.get(at..end_at))
        .filter(|record| record.starts_with(WIDE_LOCATOR));
    let (place, directory_end) = match locator {
        Some(locator) => wide_place(source, &end, locator).await?,
        None => (narrow_place(&end)?, end.offset),
    };
    if place.entries > limits.entries {
        return Err(ArchiveError::TooManyEntries {
            found: place.entries,
            most: limits.entries,
        });
    }
    if place.size > LONGEST_DIRECTORY {
        return Err(ArchiveError::TooLarge);
    }
    if place.start.checked_add(place.size) != Some(directory_end) {
        return Err(ArchiveError::Lying("it is not where the end says"));
    }
    if place.entries.saturating_mul(CENTRAL_LENGTH as u64) > place.size {
        return Err(ArchiveError::Lying("it is too short for its entries"));
    }
    Ok(place)
}

/// The only record whose comment ends where the archive does.
fn find_end(tail: &[u8], tail_start: u64) -> Result<End, ArchiveError> {
    let fits = |at: &usize| {
        tail[*at..].starts_with(END)
            && Fields(&tail[at + END_LENGTH - 2..])
                .u16()
                .is_some_and(|comment| at + END_LENGTH + usize::from(comment) == tail.len())
    };
    let last = tail
        .len()
        .checked_sub(END_LENGTH)
        .ok_or(ArchiveError::NotAnArchive)?;
    let mut found = (0..=last).rev().filter(fits);
    let at = found.next().ok_or(ArchiveError::NotAnArchive)?;
    if found.next().is_some() {
        return Err(ArchiveError::Lying("there are two ends"));
    }
    read_end(&tail[at..], tail_start + at as u64).ok_or(ArchiveError::NotAnArchive)
}

fn read_end(bytes: &[u8], offset: u64) -> Option<End> {
    let mut fields = Fields(bytes.get(4..)?);
    Some(End {
        offset,
        volumes: (fields.u16()?, fields.u16()?),
        entries: (fields.u16()?, fields.u16()?),
        size: fields.u32()?,
        start: fields.u32()?,
    })
}

fn narrow_place(end: &End) -> Result<Place, ArchiveError> {
    if end.volumes != (0, 0) || end.entries.0 != end.entries.1 {
        return Err(ArchiveError::Split);
    }
    Ok(Place {
        entries: u64::from(end.entries.1),
        start: u64::from(end.start),
        size: u64::from(end.size),
    })
}

/// The place as the Zip64 record says it, which must agree with the end record wherever
/// that says something.
async fn wide_place(
    source: &dyn Source,
    end: &End,
    locator: &[u8],
) -> Result<(Place, u64), ArchiveError> {
    const TORN: ArchiveError = ArchiveError::Lying("its Zip64 end is broken");
    let mut fields = Fields(&locator[4..]);
    let (Some(volume), Some(offset), Some(volumes)) = (fields.u32(), fields.u64(), fields.u32())
    else {
        return Err(TORN);
    };
    if volume != 0 || volumes > 1 {
        return Err(ArchiveError::Split);
    }
    let locator_at = end.offset - WIDE_LOCATOR_LENGTH as u64;
    if offset
        .checked_add(WIDE_END_LENGTH as u64)
        .is_none_or(|least| least > locator_at)
    {
        return Err(TORN);
    }
    let record = read_whole(source, offset, WIDE_END_LENGTH).await?;
    let wide = read_wide_end(&record).ok_or(TORN)?;
    if offset
        .checked_add(12)
        .and_then(|at| at.checked_add(wide.length))
        != Some(locator_at)
    {
        return Err(TORN);
    }
    let volume_fits = |narrow: u16, wide: u32| narrow == ELSEWHERE_16 || u32::from(narrow) == wide;
    if wide.volumes != (0, 0)
        || wide.entries.0 != wide.entries.1
        || !volume_fits(end.volumes.0, 0)
        || !volume_fits(end.volumes.1, 0)
    {
        return Err(ArchiveError::Split);
    }
    let count_fits =
        |narrow: u16| narrow == ELSEWHERE_16 || u64::from(narrow) == wide.place.entries;
    let fits = |narrow: u32, wide: u64| narrow == ELSEWHERE || u64::from(narrow) == wide;
    if !count_fits(end.entries.0)
        || !count_fits(end.entries.1)
        || !fits(end.size, wide.place.size)
        || !fits(end.start, wide.place.start)
    {
        return Err(ArchiveError::Lying("its two ends disagree"));
    }
    Ok((wide.place, offset))
}

struct WideEnd {
    length: u64,
    volumes: (u32, u32),
    entries: (u64, u64),
    place: Place,
}

fn read_wide_end(record: &[u8]) -> Option<WideEnd> {
    let mut fields = Fields(record);
    if fields.bytes(4)? != WIDE_END {
        return None;
    }
    let length = fields.u64()?;
    let _versions = fields.u32()?;
    let volumes = (fields.u32()?, fields.u32()?);
    let entries = (fields.u64()?, fields.u64()?);
    let (size, start) = (fields.u64()?, fields.u64()?);
    Some(WideEnd {
        length,
        volumes,
        entries,
        place: Place {
            entries: entries.1,
            start,
            size,
        },
    })
}
