//! The end of an archive: where its directory is, and whether all that is said of
//! that agrees. Of two readings none is chosen: the archive is refused.

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use zip_records::{
    CENTRAL_LENGTH, ELSEWHERE, ELSEWHERE_16, END_LENGTH, End, WIDE_END_LENGTH, WIDE_LOCATOR,
    WIDE_LOCATOR_LENGTH, WideEnd, WideLocator,
};

use super::error::ArchiveError;
use super::limits::Limits;
use super::source::Source;

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
    let (end_at, end) = find_end(&tail)?;
    let end_offset = tail_start + end_at as u64;
    let locator = end_at
        .checked_sub(WIDE_LOCATOR_LENGTH)
        .and_then(|at| tail.get(at..end_at))
        .filter(|record| record.starts_with(WIDE_LOCATOR));
    let (place, directory_end) = match locator {
        Some(locator) => {
            let locator_at = end_offset - WIDE_LOCATOR_LENGTH as u64;
            wide_place(source, &end, locator, locator_at).await?
        }
        None => (narrow_place(&end)?, end_offset),
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
        return Err(ArchiveError::Inconsistent("it is not where the end says"));
    }
    if place.entries.saturating_mul(CENTRAL_LENGTH as u64) > place.size {
        return Err(ArchiveError::Inconsistent(
            "it is too short for its entries",
        ));
    }
    Ok(place)
}

/// The only record whose comment ends where the archive does, and where it is.
fn find_end(tail: &[u8]) -> Result<(usize, End), ArchiveError> {
    let fits = |at: usize| {
        let end = End::decode(&tail[at..])?;
        (at + END_LENGTH + usize::from(end.comment) == tail.len()).then_some((at, end))
    };
    let last = tail
        .len()
        .checked_sub(END_LENGTH)
        .ok_or(ArchiveError::NotAnArchive)?;
    let mut found = (0..=last).rev().filter_map(fits);
    let end = found.next().ok_or(ArchiveError::NotAnArchive)?;
    if found.next().is_some() {
        return Err(ArchiveError::Inconsistent("there are two ends"));
    }
    Ok(end)
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
    locator_at: u64,
) -> Result<(Place, u64), ArchiveError> {
    const TORN: ArchiveError = ArchiveError::Inconsistent("its Zip64 end is broken");
    let WideLocator {
        volume,
        offset,
        volumes,
    } = WideLocator::decode(locator).ok_or(TORN)?;
    if volume != 0 || volumes > 1 {
        return Err(ArchiveError::Split);
    }
    if offset
        .checked_add(WIDE_END_LENGTH as u64)
        .is_none_or(|least| least > locator_at)
    {
        return Err(TORN);
    }
    let record = read_whole(source, offset, WIDE_END_LENGTH).await?;
    let wide = WideEnd::decode(&record).ok_or(TORN)?;
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
    let count_fits = |narrow: u16| narrow == ELSEWHERE_16 || u64::from(narrow) == wide.entries.1;
    let fits = |narrow: u32, wide: u64| narrow == ELSEWHERE || u64::from(narrow) == wide;
    if !count_fits(end.entries.0)
        || !count_fits(end.entries.1)
        || !fits(end.size, wide.size)
        || !fits(end.start, wide.start)
    {
        return Err(ArchiveError::Inconsistent("its two ends disagree"));
    }
    let place = Place {
        entries: wide.entries.1,
        start: wide.start,
        size: wide.size,
    };
    Ok((place, offset))
}

/// Reads `length` bytes from `offset` on into memory; fails if the source ends before them.
async fn read_whole(
    source: &dyn Source,
    offset: u64,
    length: usize,
) -> Result<Bytes, ArchiveError> {
    if length == 0 {
        return Ok(Bytes::new());
    }
    let mut chunks = source
        .read(offset, length as u64)
        .await
        .map_err(ArchiveError::Source)?;
    let mut whole = BytesMut::with_capacity(length);
    while let Some(chunk) = chunks.try_next().await.map_err(ArchiveError::Source)? {
        whole.extend_from_slice(&chunk);
        if whole.len() >= length {
            break;
        }
    }
    if whole.len() < length {
        return Err(ArchiveError::Source("the archive ends early".into()));
    }
    whole.truncate(length);
    Ok(whole.freeze())
}
